/**
 * The table of features in src/README.md, held against the tree: what it names is exported, what it says tests it does.
 */
import { assert, assertEquals } from "@std/assert";

interface Feature {
  readonly name: string;
  readonly exports: readonly string[];
  readonly tests: readonly string[];
}

const quoted = (cell: string): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, text]) => text!);

const page = Deno.readTextFileSync("src/README.md");
const [, section = ""] = page.split("## Features, their names and their tests");
const features: readonly Feature[] = section.split("\n## ")[0]!.split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| feature") && !line.startsWith("| ---"))
  .map((line) => {
    const [, name = "", names = "", tests = ""] = line.split(/(?<!\\)\|/);
    return { name: name.trim(), exports: quoted(names), tests: quoted(tests) };
  });

/** Whether the public surface has a name, or a member `Thing.member`. */
function isExported(surface: string, name: string): boolean {
  const [thing, member] = name.split(".");
  const block = surface.match(
    new RegExp(`^  (?:class|interface|function|const|type) ${thing}\\b.*\\n((?:    .*\\n)*)`, "m"),
  );
  if (!block || member === undefined) return block !== null;
  return new RegExp(`^    (?:readonly |get )?${member}\\b`, "m").test(block[1]!);
}

Deno.test("src/README.md has a table of features", () => {
  assert(features.length >= 25, `${features.length} rows`);
  assertEquals(
    features.filter((row) => row.exports.length === 0 || row.tests.length === 0).map((row) => row.name),
    [],
  );
});

Deno.test("every public name in the table of features is exported", () => {
  const surface = Deno.readTextFileSync("tests/fixtures/api.txt");
  assert(
    isExported(surface, "Consumer.pause") && !isExported(surface, "Consumer.poll") &&
      !isExported(surface, "Consume"),
  );
  const missing = features.flatMap(({ name, exports }) =>
    exports.filter((each) => !isExported(surface, each)).map((each) => `${name}: ${each}`)
  );
  assertEquals(missing, []);
});

Deno.test("every test in the table of features is there, and every scenario is one", () => {
  const missing = features.flatMap(({ name, tests }) =>
    tests.filter((test) => {
      const [path = "", scenario] = test.split("#");
      try {
        const text = Deno.readTextFileSync(path);
        return scenario !== undefined && !text.includes(`export const ${scenario}: Scenario`);
      } catch {
        return true;
      }
    }).map((test) => `${name}: ${test}`)
  );
  assertEquals(missing, []);
});
