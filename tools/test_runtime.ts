/**
 * `deno task test:bun`, `deno task test:node`: the scenarios on the npm tarball of the library.
 *
 *   deno run -A tools/test_runtime.ts bun|node [arguments for tests/conformance/main.ts; default: --embedded]
 *
 * Packs, installs into an empty project, imports every entry point there, checks the packed types (once, on Node), then
 * runs the scenarios in it.
 */
import { exists, output, run } from "./command.ts";
import { copyFolder, createRuntimeProject, type Runtime, type RuntimeProject } from "./runtime_project.ts";
import { readTallyLine, sum, tallyLine, withExitCode } from "./tally.ts";

const [runtime, ...rest] = Deno.args;
if (runtime !== "bun" && runtime !== "node") {
  console.error("usage: tools/test_runtime.ts bun|node [arguments for the scenarios]");
  Deno.exit(2);
}

/** A program that imports every entry point of the package and names what each exports. */
function importProgram(name: string, entryPoints: readonly string[]): string {
  return entryPoints.map((entry) => {
    const specifier = JSON.stringify(name + entry.slice(1));
    return `console.log(${specifier}, Object.keys(await import(${specifier})).length, "names");\n`;
  }).join("");
}

/** Whether this entry point exists for `runtime`: a transport is for one runtime only. */
function isFor(runtime: Runtime, entry: string): boolean {
  return !/^\.\/transport\/(deno|bun|node)$/.test(entry) || entry.endsWith(`/${runtime}`);
}

/** A strict project for the web platform alone: declarations are checked too, and none may lean on a runtime's types. */
const TYPESCRIPT = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  target: "es2024",
  module: "nodenext",
  lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
  types: [],
};

/** Whether the packed types hold in a project that has TypeScript and no types of any runtime. */
async function typesHold(
  project: RuntimeProject,
  name: string,
  entryPoints: readonly string[],
): Promise<boolean> {
  const lines = entryPoints.map((entry, at) =>
    `export * as e${at} from ${JSON.stringify(name + entry.slice(1))};\n`
  );
  await Deno.writeTextFile(`${project.folder}/types.ts`, lines.join(""));
  await output(["npm", "install", "--no-audit", "--no-fund", "typescript@5"], { cwd: project.folder });
  await Deno.writeTextFile(
    `${project.folder}/tsconfig.json`,
    JSON.stringify({ compilerOptions: TYPESCRIPT, files: ["types.ts"] }),
  );
  return (await run(["npm", "exec", "--", "tsc"], { cwd: project.folder })).code === 0;
}

const config = JSON.parse(await Deno.readTextFile("deno.json")) as {
  name: string;
  exports: Record<string, string>;
};
const project = await createRuntimeProject(runtime);
try {
  console.log(`${config.name} is installed into an empty project on ${project.version}`);
  const entries = Object.keys(config.exports).filter((entry) => isFor(runtime, entry));
  await Deno.writeTextFile(`${project.folder}/imports.mjs`, importProgram(config.name, entries));
  const imported = await run([...project.command, "imports.mjs"], { cwd: project.folder });
  const tallies = [withExitCode({ passed: imported.code === 0 ? 1 : 0, failed: 0 }, imported.code)];
  if (runtime === "node") {
    const held = await typesHold(project, config.name, entries);
    console.log(held ? "the packed types hold" : "the packed types do not hold");
    tallies.push({ passed: held ? 1 : 0, failed: held ? 0 : 1 });
  }
  if (imported.code === 0 && exists("tests/conformance/main.ts")) {
    for (const folder of ["conformance", "contract"]) {
      await copyFolder(`tests/${folder}`, `${project.folder}/tests/${folder}`);
    }
    const ended = await run([
      ...project.command,
      "tests/conformance/main.ts",
      ...(rest.length > 0 ? rest : ["--embedded"]),
    ], {
      cwd: project.folder,
      capture: true,
    });
    tallies.push(withExitCode(readTallyLine(ended.output), ended.code));
  }
  const total = sum(tallies);
  console.log(tallyLine(total));
  Deno.exitCode = total.failed === 0 ? 0 : 1;
} finally {
  await project.remove();
}
