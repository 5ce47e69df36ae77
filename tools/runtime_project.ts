/**
 * An empty project in a temporary folder with the library's tarball installed, as a user of Bun or Node would have it.
 *
 * The runtimes themselves come from the PATH when they are new enough, else from npm into the same project, so that a
 * machine with npm alone can test all three.
 */
import { output } from "./command.ts";
import { pack } from "./pack.ts";

/** A runtime other than Deno. */
export type Runtime = "bun" | "node";

/** A project with the library in it. */
export interface RuntimeProject {
  /** Its folder. */
  readonly folder: string;
  /** The command that runs a TypeScript file in it; append the file and its arguments. */
  readonly command: readonly string[];
  /** Name and version of the runtime. */
  readonly version: string;
  /** Removes the folder. */
  remove(): Promise<void>;
}

/** What each runtime must be at least, where npm has it, and how it runs a TypeScript file. */
const RUNTIMES: Record<Runtime, { least: [number, number]; npm: string; options: readonly string[] }> = {
  bun: { least: [1, 3], npm: "bun@1", options: ["run"] },
  node: {
    least: [22, 6],
    npm: "node@22",
    options: ["--experimental-strip-types", "--disable-warning=ExperimentalWarning", "--expose-gc"],
  },
};

/** The version of the program `path`, or undefined when it cannot be started or is too old. */
async function usableVersion(path: string, least: [number, number]): Promise<string | undefined> {
  const text = await output([path, "--version"]).catch(() => "");
  const [, major, minor] = text.match(/v?(\d+)\.(\d+)/)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return major > least[0] || (major === least[0] && minor >= least[1]) ? text.trim() : undefined;
}

/** Makes the project; the tarball is packed from the present sources. */
export async function createRuntimeProject(runtime: Runtime): Promise<RuntimeProject> {
  const folder = await Deno.makeTempDir({ prefix: `contrail-${runtime}-` });
  const remove = (): Promise<void> => Deno.remove(folder, { recursive: true });
  try {
    const { least, npm, options } = RUNTIMES[runtime];
    await Deno.writeTextFile(
      `${folder}/package.json`,
      `{ "name": "empty", "private": true, "type": "module" }\n`,
    );
    await pack(`${folder}/the.tgz`);
    let program: string = runtime;
    let version = await usableVersion(program, least);
    if (version === undefined) {
      await output(["npm", "install", "--no-audit", "--no-fund", npm], { cwd: folder });
      program = `${folder}/node_modules/.bin/${runtime}`;
      version = await usableVersion(program, least);
      if (version === undefined) throw new Error(`Cannot get ${npm} from npm: it does not run`);
    }
    await output(
      runtime === "bun"
        ? [program, "add", "./the.tgz"]
        : ["npm", "install", "--no-audit", "--no-fund", "./the.tgz"],
      { cwd: folder },
    );
    return { folder, command: [program, ...options], version: `${runtime} ${version}`, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Copies the folder `from` to `to`, files of any depth. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    await (entry.isDirectory ? copyFolder(source, target) : Deno.copyFile(source, target));
  }
}
