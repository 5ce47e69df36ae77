/**
 * `deno task pack [file]`: the npm tarball of the library, for Bun and Node before it is on JSR.
 *
 * `deno pack` transpiles every module that the entry points reach and writes the `package.json`. Two things are left to
 * do here: its bare `@std/…` imports, which only JSR could answer, become relative paths to the stand-ins that were
 * packed along; and sources that no entry point reaches are dropped. What is left depends on npm packages alone, which
 * is checked at the end.
 */
import { output } from "./command.ts";
import { codeOnly, filesBelow } from "./source_text.ts";

/** What stands before a module specifier in transpiled code. */
const IMPORT = /\b(?:from |import |import\()"/g;

/** Path of `target` as a file at `from` imports it; both from the root of the package. */
function relative(from: string, target: string): string {
  const up = "../".repeat(from.split("/").length - 1);
  return (up || "./") + target;
}

/** What the packed module at `path` imports in place of `specifier`. @throws Error where npm alone has no answer. */
function answer(
  path: string,
  specifier: string,
  packed: ReadonlySet<string>,
  dependencies: readonly string[],
): string {
  if (/^\.{0,2}\/|^node:/.test(specifier)) return specifier;
  const standIn = specifier.match(/^@std\/([\w-]+)$/);
  const target = `tools/std/${standIn?.[1]}/mod.js`;
  if (standIn && packed.has(target)) return relative(path, target);
  if (dependencies.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return specifier;
  throw new Error(`Cannot pack ${path}: npm has no answer to the import of "${specifier}"`);
}

/** Rewrites the imports of one module; those in examples, which are comments, stay as they are. */
function rewrite(text: string, replace: (specifier: string) => string): string {
  let rewritten = "";
  let at = 0;
  for (const match of codeOnly(text).matchAll(IMPORT)) {
    const start = match.index + match[0].length;
    const end = text.indexOf('"', start);
    rewritten += text.slice(at, start) + replace(text.slice(start, end));
    at = end;
  }
  return rewritten + text.slice(at);
}

/** Writes the tarball to `file` and gives the paths in it, from the root of the package. */
export async function pack(file: string): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "contrail-pack-" });
  try {
    const raw = `${folder}/raw.tgz`;
    await output(["deno", "pack", "--allow-dirty", "--no-source-maps", "--output", raw]);
    await output(["tar", "-xzf", raw, "-C", folder]);
    const root = `${folder}/package`;
    const manifest = JSON.parse(await Deno.readTextFile(`${root}/package.json`));
    const dependencies = Object.keys(manifest.dependencies ?? {});
    manifest.engines = { node: ">=22" };
    await Deno.writeTextFile(`${root}/package.json`, JSON.stringify(manifest, null, 2) + "\n");

    const packed = filesBelow(root, "").map((path) => path.slice(root.length + 1));
    const modules = new Set(packed.filter((path) => path.endsWith(".js")));
    const kept: string[] = [];
    for (const path of packed) {
      if (path.endsWith(".ts") && !path.endsWith(".d.ts")) {
        await Deno.remove(`${root}/${path}`);
        continue;
      }
      kept.push(path);
      if (!/\.(js|d\.ts)$/.test(path)) continue;
      const code = await Deno.readTextFile(`${root}/${path}`);
      const rewritten = rewrite(code, (specifier) => answer(path, specifier, modules, dependencies));
      await Deno.writeTextFile(`${root}/${path}`, rewritten);
    }
    await output(["tar", "-czf", file, "-C", folder, "package"]);
    return kept;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { version } = JSON.parse(await Deno.readTextFile("deno.json")) as { version: string };
  const file = Deno.args[0] ?? `contrail-rocketmq-${version}.tgz`;
  const files = await pack(file);
  console.log(`${file}: ${files.length} files`);
}
