/**
 * Who may ask what: the doors that a request passes before any route sees it.
 *
 *   Host allowed (DNS rebinding) → no foreign origin (CSRF) → body of bounded size → token, where the route asks for one
 * No cookie and no other ambient credential is ever accepted, so a foreign page has nothing to ride on; the checks of the origin
 * hold even where no token guards the state.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ConfigError } from "../core/errors.ts";
import { ProblemError } from "./problem.ts";

/** The hosts that are asked for when nothing else is said: this machine by its own names. */
export const LOCAL_HOSTS: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];
/** Largest body of a request, in bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * What a route asks for. "probe": nothing, as probes come by the address of a container. "open": an allowed Host, like all that
 * follow. "state": the token, where one is configured. "change": the token, and without a
 * configured one it is refused.
 */
export type Access = "probe" | "open" | "state" | "change";

/** What the doors are told. */
export interface GuardOptions {
  readonly token?: string | undefined;
  readonly cors?: readonly string[] | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
}

/** The doors of one app. */
export class Guard {
  readonly #token: Uint8Array | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  /** @throws ConfigError for a token that is empty or has blanks, an origin that is none, or no host. */
  constructor({ token, cors = [], allowedHosts = LOCAL_HOSTS }: GuardOptions) {
    if (token !== undefined && !/^\S+$/.test(token)) {
      const met = token === ""
        ? "is empty; leave it out to show state only"
        : "has blanks, which no header can carry";
      throw new ConfigError(`Cannot create admin app: the token ${met}`);
    }
    if (allowedHosts.length === 0) throw new ConfigError("Cannot create admin app: allowedHosts is empty");
    for (const origin of cors) {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
        throw new ConfigError(
          `Cannot create admin app: cors: "${origin}" is no origin like https://ops.example`,
        );
      }
    }
    this.#token = token === undefined ? undefined : digest(token);
    this.#origins = new Set(cors);
    this.#hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
  }

  /** What every answer says to browsers, and that no foreign page may ask. */
  readonly doors: MiddlewareHandler = async (context, next) => {
    this.#checkOrigin(context);
    await next();
    const { headers } = context.res;
    headers.set("x-content-type-options", "nosniff");
    headers.set("referrer-policy", "no-referrer");
    headers.set("cross-origin-resource-policy", "same-origin");
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  };

  /** Refuses bodies that are too large, whatever length they claim. */
  readonly bodySize: MiddlewareHandler = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new ProblemError(
        413,
        `Cannot read request: its body is above the limit of ${MAX_BODY_BYTES} bytes`,
      );
    },
  });

  /** Whether the request carries the token; undefined where none is configured. */
  isTrusted(context: Context): boolean | undefined {
    if (this.#token === undefined) return undefined;
    const [, given] = context.req.header("authorization")?.match(/^Bearer +(\S+) *$/i) ?? [];
    // Digests have one length, so neither the time nor an early end tells anything about the token.
    return given !== undefined && timingSafeEqual(digest(given), this.#token);
  }

  /** Whether the request may see state: with the token, or where none is configured, by an allowed Host. */
  mayReadState(context: Context): boolean {
    return this.isTrusted(context) ?? this.#isHostAllowed(context);
  }

  /** @throws ProblemError unless the request may have this. */
  check(context: Context, access: Access): void {
    if (access === "probe") return;
    if (!this.#isHostAllowed(context)) {
      throw new ProblemError(421, "Cannot answer: this Host is not among allowedHosts");
    }
    if (access === "open") return;
    const trusted = this.isTrusted(context);
    if (trusted === false) throw new ProblemError(401, "Cannot answer: the request does not carry the token");
    if (trusted === undefined && access === "change") {
      throw new ProblemError(
        403,
        "Cannot do this: no token is configured, so this endpoint shows state only",
      );
    }
  }

  #isHostAllowed(context: Context): boolean {
    const host = hostOf(context);
    return this.#hosts.has("*") || this.#hosts.has(host) || this.#hosts.has(host.replace(/:\d+$/, ""));
  }

  /** A browser says where a request comes from; a page of another origin may not even ask. */
  #checkOrigin(context: Context): void {
    const origin = context.req.header("origin");
    if (origin !== undefined && this.#origins.has(origin)) return;
    const isForeign = origin === undefined
      ? context.req.header("sec-fetch-site") === "cross-site" && context.req.method !== "GET"
      : !URL.canParse(origin) || new URL(origin).host !== hostOf(context);
    if (isForeign) {
      throw new ProblemError(403, "Cannot answer: the request comes from a page of another origin");
    }
  }
}

function hostOf({ req }: Context): string {
  return (req.header("host") ?? new URL(req.url).host).toLowerCase();
}

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
