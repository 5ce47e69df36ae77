/**
 * `deno task test:bun`, `deno task test:node`: the scenarios on the npm tarball of the library.
 *
 *   deno run -A tools/test_runtime.ts bun|node [arguments for tests/conformance/main.ts; default: --embedded]
 *
 * Packs, installs into an empty project, imports every entry point there, then runs the scenarios in it.
 */
import { exists, run } from "./command.ts";
import { copyFolder, createRuntimeProject, type Runtime } from "./runtime_project.ts";
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
  if (imported.code === 0 && exists("tests/conformance/main.ts")) {
    await copyFolder("tests/conformance", `${project.folder}/conformance`);
    const ended = await run([
      ...project.command,
      "conformance/main.ts",
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
