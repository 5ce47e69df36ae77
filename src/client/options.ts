/**
 * The options of a client, checked all at once.
 *
 * Options that it does not know are left alone: a consumer's or producer's config is handed on as it is.
 */
import * as v from "valibot";
import { ConfigError } from "../core/errors.ts";
import type { Credentials } from "../protocol/acl.ts";
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

const milliseconds = (minimum: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(minimum), v.maxValue(2_147_483_647));
const text = v.pipe(v.string(), v.nonEmpty());
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
  const problems = parsed.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.message,
  }));
  const list = problems.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  throw new ConfigError(`Cannot create client: ${problems.length} problem(s) in its options${list}`, {
    problems,
  });
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
