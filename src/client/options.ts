/**
 * The options of a client, checked all at once.
 *
 * `parseClientOptions` leaves alone what it does not know: a consumer's or producer's config is handed on as it is.
 */
import * as v from "valibot";
import { ConfigError } from "../core/errors.ts";
import type { Credentials } from "../protocol/acl.ts";
import { topicProblem } from "../protocol/names.ts";
import { instanceIdOf, isInstanceEndpoint } from "../protocol/namespace.ts";
import { parseNameServers } from "../routing/name_server_list.ts";
import type { TlsOptions } from "../transport/seam.ts";

/** How a client is made. An explicit `undefined` means the default. */
export interface ClientOptions {
  /** Name servers: `a:9876;b:9876`, an array of such, or `http://host/path` of an address server. */
  readonly namesrvAddr: string | readonly string[];
  /** This host in the client id; the local address of the first connection by default. */
  readonly clientIp?: string | undefined;
  /** Second part of the client id; `pid#random` by default. Unique per client of a host. */
  readonly instanceName?: string | undefined;
  /** Name of the unit in a unitised deployment. */
  readonly unitName?: string | undefined;
  /** Secures every connection; off by default. `true` trusts the system's certificates. */
  readonly tls?: TlsOptions | boolean | undefined;
  /** Signs every request; never shown in a line, an error or a statistic. */
  readonly credentials?: Credentials | undefined;
  /**
   * The tenant whose topics and groups are meant: brokers call `orders` in `shop` `shop%orders`, the application does not. Letters,
   * digits, `_ - |`. By default that of an instance endpoint such as `MQ_INST_1_shop.example.com:80`, else none.
   */
  readonly namespace?: string | undefined;
  /**
   * The tenant, told beside every request (header fields `ns` and `nsd`, since 5.2): topics and groups keep their names, and whoever
   * takes the requests tells tenants apart. A proxy may; plain brokers pay no heed. Default: none.
   */
  readonly namespaceV2?: string | undefined;
  /** Language name sent; "JAVA" by default, which every broker version knows. */
  readonly language?: string | undefined;
  /** How long a name server or broker may take to answer, where a call does not say; default 3,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long dialling may take; default 3,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How often routes are asked for; default 30,000. */
  readonly routePollIntervalMs?: number | undefined;
  /** How often brokers hear of us; default 30,000. They forget a client after 120,000. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** How long a connection may be without traffic before it is closed; default 120,000. */
  readonly idleCloseMs?: number | undefined;
}

/** The options of a client, none of which need be given. */
export type PartialClientOptions = { readonly [K in keyof ClientOptions]?: ClientOptions[K] | undefined };

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** The option that it is about. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

const milliseconds = (minimum: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(minimum), v.maxValue(2_147_483_647));
const text = v.pipe(v.string(), v.nonEmpty());
/** A name that a topic may have, for an option that names one. */
export const topicName: v.GenericSchema<string> = v.pipe(
  v.string(),
  v.check((topic) => topicProblem(topic) === undefined, ({ input }) => topicProblem(input)!),
);
const idPart = v.pipe(text, v.regex(/^[^@\s]+$/, 'must not contain "@" or spaces'));

const schema = v.object({
  namesrvAddr: v.pipe(
    v.union(
      [v.string(), v.array(v.string())],
      'is missing: expected "host:port;…", an array or a URL',
    ),
    v.check((value) => nameServersProblem(value) === undefined, ({ input }) => nameServersProblem(input)!),
  ),
  clientIp: v.optional(idPart),
  instanceName: v.optional(idPart),
  unitName: v.optional(idPart),
  tls: v.optional(v.union([v.boolean(), v.custom<TlsOptions>(isObject, "must be true, false or an object")])),
  credentials: v.optional(
    v.object({ accessKey: text, secretKey: text, securityToken: v.optional(v.string()) }),
  ),
  namespace: v.optional(v.pipe(v.string(), v.regex(/^[\w|-]*$/, "must be of letters, digits, _ - |"))),
  namespaceV2: v.optional(v.pipe(text, v.regex(/^[\w|-]*$/, "must be of letters, digits, _ - |"))),
  language: v.optional(text, "JAVA"),
  requestTimeoutMs: v.optional(milliseconds(1), 3000),
  connectTimeoutMs: v.optional(milliseconds(1), 3000),
  routePollIntervalMs: v.optional(milliseconds(10), 30_000),
  heartbeatIntervalMs: v.optional(
    v.pipe(
      milliseconds(10),
      v.maxValue(119_999, "must be below 120000: brokers drop a client that is silent that long"),
    ),
    30_000,
  ),
  idleCloseMs: v.optional(milliseconds(1000), 120_000),
});

/** Options with every default in place. */
export interface ResolvedClientOptions extends ClientOptions {
  /** Language name sent. */
  readonly language: string;
  /** How long a name server or broker may take to answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long dialling may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How often routes are asked for, in milliseconds. */
  readonly routePollIntervalMs: number;
  /** How often brokers hear of us, in milliseconds. */
  readonly heartbeatIntervalMs: number;
  /** How long a connection may be without traffic, in milliseconds. */
  readonly idleCloseMs: number;
}

/** The names of all options. */
export const CLIENT_OPTION_NAMES: readonly string[] = Object.keys(schema.entries);

/** Checks the options and fills in the defaults. @throws ConfigError naming every problem with its path. */
export function parseClientOptions(options: ClientOptions): ResolvedClientOptions {
  const parsed = v.safeParse(schema, options ?? {});
  if (parsed.success) {
    const { namespace: _, ...rest } = parsed.output;
    const namespace = namespaceFor(parsed.output);
    return Object.freeze({ ...rest, ...(namespace === undefined ? {} : { namespace }) });
  }
  throw clientRefusal(parsed.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.message,
  })));
}

/** Checks options that nobody but a client is given: one that it does not know is a problem too. @throws ConfigError */
export function checkClientOptions(options: ClientOptions): void {
  const problems = [
    ...clientProblems({ ...options, client: undefined }),
    ...unknownOptions(options, [], "client"),
  ];
  if (problems.length > 0) throw clientRefusal(problems);
}

function clientRefusal(problems: readonly ConfigProblem[]): ConfigError {
  const list = problems.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  return new ConfigError(`Cannot create client: ${problems.length} problem(s) in its options${list}`, {
    problems,
  });
}

/**
 * What is wrong with the client that a configuration names. Beside a `client` that is given no option of a client may stand, nor a
 * world: they would do nothing.
 */
export function clientProblems(
  config: PartialClientOptions & { readonly client?: unknown },
  world?: object,
): readonly ConfigProblem[] {
  if (config?.client !== undefined) {
    const given = CLIENT_OPTION_NAMES.filter((name) => Reflect.get(config, name) !== undefined);
    if (world !== undefined) given.push("world");
    return given.map((path) => ({ path, message: "is for the client to say, which is given" }));
  }
  try {
    parseClientOptions(config as ClientOptions);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.facts.problems ?? [];
  }
}

/** A name that no option of `whose` has is a slip of the pen, and would be an option that does nothing. */
export function unknownOptions(
  config: object | undefined,
  names: Iterable<string>,
  whose: string,
): ConfigProblem[] {
  const known = new Set([...names, ...CLIENT_OPTION_NAMES]);
  return Object.keys(config ?? {}).filter((name) => !known.has(name)).map((name) => ({
    path: name,
    message: `is not an option of a ${whose}`,
  }));
}

/** Agrees with Java's ClientConfig.getNamespace: an empty text says that there is none. */
function namespaceFor({ namespace, namesrvAddr }: Pick<ClientOptions, "namespace" | "namesrvAddr">) {
  const endpoint = [namesrvAddr].flat().join(";").trim();
  const found = namespace ?? (isInstanceEndpoint(endpoint) ? instanceIdOf(endpoint) : undefined);
  return found === "" ? undefined : found;
}

function nameServersProblem(value: string | readonly string[]): string | undefined {
  try {
    parseNameServers(value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
