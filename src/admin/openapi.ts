/**
 * The OpenAPI document, made from the same table that serves the requests.
 *
 * A row is a route: what it asks for, what it may be given (valibot schemas, which check and describe alike) and how it answers.
 */
import type { Context } from "hono";
import type * as v from "valibot";
import type { Access } from "./guard.ts";

/** A schema of the kinds that {@linkcode jsonSchema} can describe. */
export type AnySchema = v.GenericSchema;

/** One route. */
export interface Route {
  readonly method: "get" | "post";
  /** Path with `:name` parameters. */
  readonly path: string;
  readonly access: Access;
  /** One line that says what it is for. */
  readonly summary: string;
  readonly params?: AnySchema | undefined;
  readonly query?: AnySchema | undefined;
  readonly body?: AnySchema | undefined;
  /** Answers; a value becomes JSON, nothing becomes 204. */
  // deno-lint-ignore no-explicit-any
  answer(request: { context: Context; params: any; query: any; body: any }): unknown;
}

/** A route whose answer knows the types of what it is given. */
export function route<
  P extends AnySchema = v.GenericSchema<unknown, Record<string, never>>,
  Q extends AnySchema = v.GenericSchema<unknown, Record<string, never>>,
  B extends AnySchema = v.GenericSchema<unknown, Record<string, never>>,
>(
  row: Omit<Route, "answer" | "params" | "query" | "body"> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    answer(
      request: {
        context: Context;
        params: v.InferOutput<P>;
        query: v.InferOutput<Q>;
        body: v.InferOutput<B>;
      },
    ): unknown;
  },
): Route {
  return row;
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
