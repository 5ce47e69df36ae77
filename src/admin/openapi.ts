/**
 * The OpenAPI document, made from the same table that serves the requests.
 *
 * A row is a route: what it asks for, what it may be given (valibot schemas, which check and describe alike) and how it answers.
 */
import type { Context } from "hono";
import * as v from "valibot";
import type { Access } from "./guard.ts";

/** A schema of the kinds that {@linkcode jsonSchema} can describe. */
export type AnySchema = v.GenericSchema;

/** A name of a topic, a group, a broker or a client; brokers have the last word on its characters. */
export const name: v.GenericSchema<string> = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

/** A whole number of at least `least`. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> {
  return v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
}

/** One route. */
export interface Route {
  readonly method: "get" | "post";
  /** Path with `:name` parameters. */
  readonly path: string;
  readonly access: Access;
  /** One line that says what it is for. */
  readonly summary: string;
  readonly params: AnySchema;
  readonly query?: AnySchema | undefined;
  readonly body?: AnySchema | undefined;
  /** Answers; a value becomes JSON, nothing becomes 204. */
  // deno-lint-ignore no-explicit-any
  answer(request: { context: Context; params: any; query: any; body: any }): unknown;
}

/** The names in a path: of `/a/:b/c/:d`, b and d. */
type NamesOf<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesOf<`/${Rest}`>
  : P extends `${string}:${infer Name}` ? Name
  : never;

/** What a route is given beside the names in its path, and whom it answers when its method does not tell. */
interface Asks<Q, B> {
  readonly access?: Access;
  readonly query?: Q;
  readonly body?: B;
}

/** What is read of such entries. */
export type Read<E extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<E, undefined>>;

/** What an answer is given. */
interface Given<P extends string, Q extends v.ObjectEntries, B extends v.ObjectEntries> {
  readonly context: Context;
  readonly params: Readonly<Record<NamesOf<P>, string>>;
  readonly query: Read<Q>;
  readonly body: Read<B>;
}

/** A route: what it gets may see whoever may see state, and what it posts takes the token. Its answer knows what it is given. */
export function route<
  P extends `${"get" | "post"} /${string}`,
  Q extends v.ObjectEntries,
  B extends v.ObjectEntries,
>(
  target: P,
  summary: string,
  asks: Asks<Q, B>,
  answer: (given: Given<P, Q, B>) => unknown,
): Route {
  const [method, path] = target.split(" ") as [Route["method"], string];
  const names = Array.from(path.matchAll(/:(\w+)/g), ([, each]) => [each!, name]);
  return {
    method,
    path,
    access: asks.access ?? (method === "get" ? "state" : "change"),
    summary,
    params: v.strictObject(Object.fromEntries(names)),
    query: asks.query && v.strictObject(asks.query),
    body: asks.body && v.strictObject(asks.body),
    answer,
  };
}

/** The document of `routes`. */
export function openApiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, access, summary, params, query, body } of routes) {
    const at = path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[at] ??= {})[method] = {
      summary,
      security: access === "change" ? [{ token: [] }] : access === "state" ? [{}, { token: [] }] : [],
      parameters: [...parameters("path", params), ...parameters("query", query)],
      ...(body && {
        requestBody: { required: true, content: { "application/json": { schema: jsonSchema(body) } } },
      }),
      responses: {
        "2XX": { description: "Done." },
        default: {
          description: "Why it could not be done.",
          content: { "application/problem+json": { schema: { type: "object" } } },
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Contrail admin endpoint", version: "1" },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    paths,
  };
}

function parameters(where: "path" | "query", schema: AnySchema | undefined) {
  const { properties = {}, required = [] } = schema ? jsonSchema(schema) as ObjectSchema : {};
  return Object.entries(properties).map(([name, described]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: described,
  }));
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

/** What valibot keeps of a schema, as far as it is described. */
interface Described {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly wrapped?: AnySchema;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

const LIMITS: Readonly<Record<string, string>> = {
  min_value: "minimum",
  max_value: "maximum",
  min_length: "minLength",
  max_length: "maxLength",
};

/** The JSON schema of a valibot schema: objects, texts, numbers, switches, choices, unions, and what is optional. */
export function jsonSchema(schema: AnySchema): Record<string, unknown> {
  const { type, entries = {}, options = [], literal, wrapped, pipe = [] } = schema as unknown as Described;
  const limits = Object.fromEntries(
    pipe.flatMap(({ type, requirement }) => type in LIMITS ? [[LIMITS[type], requirement]] : []),
  );
  switch (type) {
    case "strict_object":
      return {
        type: "object",
        properties: Object.fromEntries(
          Object.entries(entries).map(([name, each]) => [name, jsonSchema(each)]),
        ),
        required: Object.keys(entries).filter((name) =>
          (entries[name] as unknown as Described).type !== "optional"
        ),
        additionalProperties: false,
      };
    case "optional":
      return jsonSchema(wrapped!);
    case "picklist":
      return { enum: options };
    case "literal":
      return { const: literal };
    case "union":
      return { anyOf: options.map((each) => jsonSchema(each as AnySchema)) };
    default:
      return { type: pipe.some((step) => step.type === "integer") ? "integer" : type, ...limits };
  }
}
