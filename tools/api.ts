/**
 * The public surface as text: one line per exported symbol and member, under the entry point that exports it.
 *
 *   deno task api      writes tests/fixtures/api.txt
 *
 * Made from `deno doc --json`, reduced to names and signatures, so that docs and line numbers may change freely while
 * every change of the surface shows up in a diff. A type of a kind unknown here is kept as its JSON: nothing is lost.
 */
import { output } from "./command.ts";

/** A node of the documentation tree, as far as it is read here. */
// deno-lint-ignore no-explicit-any
type Node = any;

/** Every entry point's surface, entry points in the order of `deno.json`. */
export async function apiSnapshot(): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile("deno.json")) as { exports: Record<string, string> };
  const sections: string[] = [];
  for (const [name, path] of Object.entries(config.exports)) {
    const tree = JSON.parse(
      await output(["deno", "doc", "--json", "--quiet", path], { env: { NO_COLOR: "1" } }),
    );
    const symbols = Object.values<Node>(tree.nodes).flatMap((module) => module.symbols);
    symbols.sort((a, b) => a.name < b.name ? -1 : 1);
    const lines = symbols.flatMap((symbol) =>
      symbol.declarations.flatMap((declaration: Node) => declarationLines(symbol.name, declaration))
    );
    sections.push(`${name}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  }
  return sections.join("\n");
}

/** A declaration, and a line for each of its members. */
function declarationLines(name: string, declaration: Node): string[] {
  const def = declaration.def ?? {};
  const params = typeParameters(def.typeParams);
  switch (declaration.kind) {
    case "typeAlias":
      return [`type ${name}${params} = ${type(def.tsType)}`];
    case "variable":
      return [`const ${name}: ${type(def.tsType)}`];
    case "function":
      return [`function ${name}${params}${signature(def)}`];
    case "interface": {
      const parents = def.extends?.length ? ` extends ${def.extends.map(type).join(", ")}` : "";
      return [`interface ${name}${params}${parents}`, ...memberLines(def)];
    }
    case "class": {
      const parent = def.extends ? ` extends ${def.extends}` : "";
      const contracts = def.implements?.length ? ` implements ${def.implements.map(type).join(", ")}` : "";
      return [`class ${name}${params}${parent}${contracts}`, ...memberLines(def)];
    }
    default:
      return [`${declaration.kind} ${name} ${bare(def)}`];
  }
}

/** One line per member, indented below its owner. */
function memberLines(def: Node): string[] {
  return members(def).sort().map((line) => `  ${line}`);
}

function members(def: Node): string[] {
  const lines: string[] = [];
  for (const item of def.constructors ?? []) lines.push(`new(${parameters(item.params)})`);
  for (const item of def.properties ?? []) lines.push(property(item));
  for (const item of def.methods ?? []) lines.push(method(item));
  for (const item of def.callSignatures ?? []) lines.push(signature(item));
  for (const item of def.indexSignatures ?? []) lines.push(index(item));
  return lines;
}

function property(item: Node): string {
  const words = `${item.isStatic ? "static " : ""}${item.readonly ? "readonly " : ""}`;
  return `${words}${item.name}${item.optional ? "?" : ""}: ${type(item.tsType)}`;
}

function method(item: Node): string {
  const def = item.functionDef ?? item;
  const kind = item.kind === "getter" ? "get " : item.kind === "setter" ? "set " : "";
  const words = `${item.isStatic ? "static " : ""}${kind}`;
  return `${words}${item.name}${item.optional ? "?" : ""}${typeParameters(def.typeParams)}${signature(def)}`;
}

function index(item: Node): string {
  return `${item.readonly ? "readonly " : ""}[${parameters(item.params)}]: ${type(item.tsType)}`;
}

function signature(def: Node): string {
  return `(${parameters(def.params)}): ${type(def.returnType ?? def.tsType)}`;
}

function parameters(list: Node[] = []): string {
  return list.map(parameter).join(", ");
}

function parameter(item: Node): string {
  switch (item.kind) {
    case "assign":
      return parameter({ ...item.left, optional: true });
    case "rest":
      return `...${parameter({ ...item.arg, tsType: item.tsType ?? item.arg.tsType })}`;
    case "identifier":
      return `${item.name}${item.optional ? "?" : ""}: ${type(item.tsType)}`;
    default:
      return `{…}${item.optional ? "?" : ""}: ${type(item.tsType)}`;
  }
}

function typeParameters(list: Node[] = []): string {
  if (list.length === 0) return "";
  const one = (item: Node): string =>
    item.name + (item.constraint ? ` extends ${type(item.constraint)}` : "") +
    (item.default ? ` = ${type(item.default)}` : "");
  return `<${list.map(one).join(", ")}>`;
}

/** A type as it would be written. */
function type(node: Node): string {
  if (!node) return "?";
  const value = node.value;
  switch (node.kind) {
    case "typeRef": {
      const args = value.typeParams?.length ? `<${value.typeParams.map(type).join(", ")}>` : "";
      return value.typeName + args;
    }
    case "union":
      return value.map(type).join(" | ");
    case "intersection":
      return value.map(type).join(" & ");
    case "array":
      return `${type(value)}[]`;
    case "tuple":
      return `[${value.map(type).join(", ")}]`;
    case "parenthesized":
      return `(${type(value)})`;
    case "optional":
      return `${type(value)}?`;
    case "rest":
      return `...${type(value)}`;
    case "typeOperator":
      return `${value.operator} ${type(value.tsType)}`;
    case "indexedAccess":
      return `${type(value.objType)}[${type(value.indexType)}]`;
    case "literal":
      return value.kind === "string" ? JSON.stringify(value.string) : node.repr;
    case "fnOrConstructor":
      return `${value.constructor === true ? "new " : ""}${typeParameters(value.typeParams)}(${
        parameters(value.params)
      }) => ${type(value.tsType)}`;
    case "typeLiteral":
      return `{ ${members(value).join("; ")} }`;
    case "typePredicate":
      return `${value.asserts ? "asserts " : ""}${value.param.name ?? "this"}${
        value.type ? ` is ${type(value.type)}` : ""
      }`;
    default:
      return node.repr || bare(node);
  }
}

/** A node without what may change while the surface stays. */
function bare(node: Node): string {
  const noise = new Set(["jsDoc", "location", "resolution", "hasBody", "byteIndex"]);
  return JSON.stringify(node, (key, value) => noise.has(key) ? undefined : value);
}

if (import.meta.main) await Deno.writeTextFile("tests/fixtures/api.txt", await apiSnapshot());
