/**
 * The rules of the house, held against the tree: layers, banned names, sizes, opening comments, the public surface.
 *
 * Rules are data at the top; each test walks all files and lists every offence with its line, so one run shows all that
 * is to be mended. The page that tells the same rules in words is `src/README.md`.
 */
import { assert, assertEquals } from "@std/assert";
import { lifecycleDiagram } from "../src/core/lifecycle.ts";
import { apiSnapshot } from "../tools/api.ts";
import { output } from "../tools/command.ts";
import { firstSentence, withFileMap } from "../tools/file_map.ts";
import { codeOnly, filesBelow, functionSpans, readSource, type SourceFile } from "../tools/source_text.ts";

/** Folder of `src/` → rank, and the folders that it may import besides itself and `core`. */
const LAYERS: Record<string, { rank: number; from: readonly string[] }> = {
  core: { rank: 0, from: [] },
  time: { rank: 1, from: [] },
  wire: { rank: 1, from: [] },
  protocol: { rank: 2, from: ["wire"] },
  message: { rank: 3, from: ["wire", "protocol"] },
  rebalance: { rank: 3, from: ["protocol"] },
  transport: { rank: 3, from: [] },
  remoting: { rank: 4, from: ["time", "wire", "protocol", "transport"] },
  routing: { rank: 5, from: ["time", "protocol", "remoting"] },
  offsets: { rank: 6, from: ["time", "wire", "protocol", "remoting", "routing"] },
  client: { rank: 6, from: ["time", "protocol", "message", "transport", "remoting", "routing"] },
  telemetry: { rank: 7, from: ["time", "protocol", "message", "client"] },
  consumer: {
    rank: 8,
    from: [
      "time",
      "wire",
      "protocol",
      "message",
      "rebalance",
      "remoting",
      "routing",
      "offsets",
      "client",
      "telemetry",
    ],
  },
  producer: {
    rank: 8,
    from: ["time", "wire", "protocol", "message", "remoting", "routing", "client", "telemetry"],
  },
  cluster: { rank: 8, from: ["protocol", "message", "remoting", "routing", "client"] },
  testing: { rank: 9, from: ["time", "wire", "protocol", "message", "rebalance", "transport", "remoting"] },
  admin: { rank: 10, from: ["time", "protocol", "telemetry", "consumer", "producer", "cluster"] },
  cli: {
    rank: 10,
    from: ["time", "protocol", "message", "client", "consumer", "producer", "cluster", "testing"],
  },
  log: { rank: 10, from: [] },
  otel: { rank: 10, from: ["telemetry"] },
};

/** Packages, and who may import them. Three built-ins work alike on all three runtimes. */
const PACKAGES: readonly { name: RegExp; allowed: RegExp }[] = [
  { name: /^node:(zlib|crypto|buffer)$/, allowed: /^src\// },
  { name: /^node:timers$/, allowed: /^src\/(time\/|transport\/deno\.ts$)/ },
  { name: /^node:net$/, allowed: /^src\/transport\/node\.ts$/ },
  { name: /^node:tls$/, allowed: /^src\/transport\/(node|bun)\.ts$/ },
  {
    name: /^node:(fs|fs\/promises|os|path|process)$/,
    allowed: /^src\/(offsets\/file|cli\/|log\/|testing\/snapshot)/,
  },
  { name: /^node:http$/, allowed: /^src\/admin\/serve\.ts$/ },
  { name: /^valibot$/, allowed: /^src\/(consumer|producer|client|cluster|testing|message|admin|log)\// },
  { name: /^@std\/streams$/, allowed: /^src\/(cli|routing|consumer)\// },
  { name: /^@std\/log$/, allowed: /^src\/log\// },
  { name: /^hono(\/|$)/, allowed: /^src\/admin\// },
  { name: /^@opentelemetry\/api$/, allowed: /^src\/otel\// },
];

/** Names that the code of `src/` does not hold, save in the files of `except`. */
const BANNED: readonly { what: string; pattern: RegExp; except?: RegExp }[] = [
  {
    what: "time and chance come in as values",
    pattern:
      /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date\(\)|performance|hrtime|MessageChannel|AbortSignal\.timeout|Math\.random|randomUUID|getRandomValues|randomBytes|Bun\.sleep)\b/,
    except: /^src\/(time\/|core\/random\.ts|transport\/|admin\/page_script\.ts)/,
  },
  {
    what: "Deno stands in its own files only",
    pattern: /\bDeno\b/,
    except: /^src\/(transport\/(deno|detect)|offsets\/kv|cli\/)/,
  },
  {
    what: "Bun stands in its own files only",
    pattern: /\bBun\b/,
    except: /^src\/(transport\/(bun|detect)|cli\/)/,
  },
  { what: "Node 22 has no such thing", pattern: /\bawait using\b|\bPromise\.try\b|\bRegExp\.escape\b/ },
  {
    what: "Node 22 has no such thing",
    pattern: /\.(toBase64|setFromBase64|toHex|setFromHex)\(|\.from(Base64|Hex)\(/,
  },
  { what: "types are erasable", pattern: /^\s*(export )?(declare )?((const )?enum|namespace) \w/ },
  { what: "no default exports", pattern: /\bexport default\b/ },
  {
    what: "no inheritance but for errors, streams and what a package's seam asks for",
    pattern:
      /\bclass \w+(<.*>)? extends (?!(\w*Error|BaseHandler|ReadableStream|TransformStream|WritableStream)\b)/,
    except: /^src\/core\/errors\.ts$/,
  },
  {
    what: "a name says what it is",
    pattern: /\b(class|interface|type|function|const|let) \w*(Helper|Util|Utils|Impl|Base)\b/,
  },
  {
    what: "a name says what it is; only the protocol's own names end in Info",
    pattern: /\b(class|interface|type|function|const|let) \w*Info\b/,
    except: /^src\/protocol\//,
  },
  {
    what: "constructors take no parameter properties",
    pattern: /\bconstructor\(\s*(private|public|protected|readonly) /,
  },
  { what: "private means #private", pattern: /^\s*(private|protected|public) / },
];

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_FILES_IN_FOLDER = 24;
/** Files over a limit that are still to be split. A limit is never raised, and this list only gets shorter. */
const OVER_LIMIT: readonly string[] = [];

const folders = ["src", "tests", "tools", "bench", "examples"].filter((name) => {
  try {
    return Deno.statSync(name).isDirectory;
  } catch {
    return false;
  }
});
const all: readonly SourceFile[] = ["mod.ts", ...folders.flatMap((folder) => filesBelow(folder, ".ts"))].map(
  readSource,
);
const library = all.filter((file) => file.path.startsWith("src/"));
const layerOf = (path: string): string | undefined => path.match(/^src\/([^/]+)\//)?.[1];

/** Every line of `file`'s code that matches, as `path:line: what`. */
function offences(file: SourceFile, pattern: RegExp, what: string): string[] {
  return file.code.split("\n").flatMap((line, at) =>
    pattern.test(line) ? [`${file.path}:${at + 1}: ${what}: ${file.text.split("\n")[at]!.trim()}`] : []
  );
}

Deno.test("every folder of src has a row in the layer table", () => {
  assertEquals(library.filter((file) => !LAYERS[layerOf(file.path) ?? ""]).map((file) => file.path), []);
});

Deno.test("a row of the layer table names lower ranks only", () => {
  for (const [name, { rank, from }] of Object.entries(LAYERS)) {
    assertEquals(from.filter((other) => !(LAYERS[other]!.rank < rank)), [], name);
  }
});

Deno.test("a folder imports only from core and from what its row of the layer table names", () => {
  const found = library.flatMap((file) => {
    const layer = layerOf(file.path)!;
    const allowed = [layer, "core", ...LAYERS[layer]?.from ?? []];
    return file.imports
      .filter((item) => item.specifier.startsWith(".") && !allowed.includes(layerOf(item.target) ?? ""))
      .map((item) => `${file.path} imports ${item.target}`);
  });
  assertEquals(found, []);
});

Deno.test("packages and built-in modules are imported only where the table says so", () => {
  const found = [...library, all[0]!].flatMap((file) =>
    file.imports
      .filter((item) => !item.specifier.startsWith("."))
      .filter((item) =>
        !PACKAGES.some((rule) => rule.name.test(item.specifier) && rule.allowed.test(file.path))
      )
      .map((item) => `${file.path} imports ${item.specifier}`)
  );
  assertEquals(found, []);
});

Deno.test("no file imports itself through others", () => {
  const edges = new Map(
    all.map((file) => [file.path, file.imports.filter((item) => !item.typeOnly).map((item) => item.target)]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(" → ")];
    if (done.has(path)) return [];
    const found = (edges.get(path) ?? []).flatMap((target) => visit(target, [...trail, path]));
    done.add(path);
    return found;
  };
  assertEquals(library.flatMap((file) => visit(file.path, [])), []);
});

Deno.test("banned names stand only where the table lets them", () => {
  const found = BANNED.flatMap(({ what, pattern, except }) =>
    library.filter((file) => !except?.test(file.path)).flatMap((file) => offences(file, pattern, what))
  );
  assertEquals(found, []);
});

Deno.test("no file is over 400 lines and no function over 70", () => {
  const found = all.filter((file) => !OVER_LIMIT.includes(file.path)).flatMap((file) => [
    ...(file.text.split("\n").length > MAX_FILE_LINES + 1
      ? [`${file.path} is over ${MAX_FILE_LINES} lines`]
      : []),
    ...functionSpans(file.code)
      .filter((span) => span.lines > MAX_FUNCTION_LINES)
      .map((span) => `${file.path}:${span.line}: ${span.lines} lines: ${span.opening}`),
  ]);
  assertEquals(found, []);
});

Deno.test("no folder of src holds more than 24 files", () => {
  const sizes = Map.groupBy(library, (file) => file.path.replace(/\/[^/]*$/, ""));
  assertEquals(
    [...sizes].filter(([, files]) => files.length > MAX_FILES_IN_FOLDER).map(([path]) => path),
    [],
  );
});

Deno.test("the page names every folder of the consumer, and no other", () => {
  const page = Deno.readTextFileSync("src/README.md");
  const named = [...page.matchAll(/^\| `(\w+)\/` +\|(?! \d)/gm)].map(([, name]) => name!);
  const there = library.map((file) => file.path.match(/^src\/consumer\/(\w+)\//)?.[1]);
  assertEquals(named.toSorted(), [...new Set(there)].filter((name) => name !== undefined).toSorted());
});

Deno.test("the list of files over a limit names only files that are", () => {
  const stale = OVER_LIMIT.filter((path) => {
    const file = all.find((other) => other.path === path);
    return !file || (file.text.split("\n").length <= MAX_FILE_LINES + 1 &&
      functionSpans(file.code).every((span) => span.lines <= MAX_FUNCTION_LINES));
  });
  assertEquals(stale, []);
});

Deno.test("every file but a test opens with a comment that says what it is", () => {
  const silent = all.filter((file) =>
    !file.path.endsWith("_test.ts") && !/^(#!.*\n)?\/\*\*\n/.test(file.text)
  );
  assertEquals(silent.map((file) => file.path), []);
});

Deno.test("nothing is left for later", () => {
  const marker = new RegExp(`\\b(TO${"DO"}|FIX${"ME"}|X${"XX"}|not ${"implemented"})\\b`, "i");
  const found = all.flatMap((file) =>
    file.text.split("\n").flatMap((line, at) =>
      marker.test(line) ? [`${file.path}:${at + 1}: ${line.trim()}`] : []
    )
  );
  assertEquals(found, []);
});

Deno.test("no tracked file names a path or a registry of the machine that it was written on", async () => {
  const tracked = (await output(["git", "ls-files"])).trim().split("\n");
  const homes = ["root", "work", "home", "Users"].map((name) => `/${name}/`).join("|");
  const local = new RegExp(
    `(?<![\\w./:-])(${homes})[\\w.]|"(tarball|resolved)": "(?!https://registry\\.npmjs\\.org/)`,
  );
  const found = tracked.filter((path) => /\.(ts|json|lock|md|xml|sh|ya?ml|js)$|^\.ci\//.test(path))
    .filter((path) => !path.startsWith("tests/fixtures/"))
    .filter((path) => local.test(Deno.readTextFileSync(path)));
  assertEquals(found, []);
});

Deno.test("every file of tests/fixtures is read by a test", () => {
  const tests = all.filter((file) => file.path.startsWith("tests/")).map((file) => file.text).join("\n");
  const names = filesBelow("tests/fixtures", "").map((path) => path.slice(path.lastIndexOf("/") + 1));
  // a test may put a name together: its stem, without the extension, must stand in one
  assertEquals(
    // captures_test.ts walks every capture there is
    names.filter((name) => !name.startsWith("capture_") && !tests.includes(name.replace(/\.\w+$/, ""))),
    [],
  );
});

Deno.test("the public surface is the one recorded in tests/fixtures/api.txt", async () => {
  const recorded = await Deno.readTextFile("tests/fixtures/api.txt");
  const now = await apiSnapshot();
  const before = new Set(recorded.split("\n"));
  const after = new Set(now.split("\n"));
  const changes = [
    ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
    ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ];
  assert(
    now === recorded,
    `The public surface changed; if it was meant to, run "deno task api":\n${changes.join("\n")}`,
  );
});

Deno.test("src/README.md names every folder of src and its row of the layer table", () => {
  const page = Deno.readTextFileSync("src/README.md");
  const rows = new Map(
    [...page.matchAll(/^\| (\d+) +\| `([a-z]+)\/` +\|.*\| ([^|]*[^| ]) +\|$/gm)].map((row) => [row[2]!, row]),
  );
  for (const [name, { rank, from }] of Object.entries(LAYERS)) {
    const row = rows.get(name);
    assert(row, `${name}/ has no row`);
    assertEquals(Number(row[1]), rank, name);
    assertEquals(row[3] === "–" ? [] : row[3]!.split(", "), from, name);
  }
});

Deno.test("src/README.md has an up-to-date map of the files of src", () => {
  const page = Deno.readTextFileSync("src/README.md");
  assert(page === withFileMap(page), 'The file map is out of date: run "deno task map"');
  assertEquals(library.filter((file) => firstSentence(file.text) === "").map((file) => file.path), []);
});

Deno.test("src/README.md shows the life cycle that the code has", () => {
  const page = Deno.readTextFileSync("src/README.md");
  assert(page.includes("```mermaid\n" + lifecycleDiagram() + "\n```"), lifecycleDiagram());
});

Deno.test("the scanner behind these tests keeps code and drops the rest", () => {
  const text =
    'const a = "Date" + `x ${Date.now() + `${b}`} y`; // Date\nconst c = /"[/"]/g.test(d) ? e / f / g : 1;';
  const code = codeOnly(text);
  assertEquals(code.length, text.length);
  assertEquals(code.match(/Date/g)?.length, 1);
  assertEquals(code.includes("e / f / g"), true);
  assertEquals(functionSpans("function a() {\n  b();\n}\nif (x) {\n}\n").map((span) => span.lines), [3]);
});
