/**
 * The endpoint as a server of its own, on Deno, Bun and Node alike: node:http, which all three have.
 *
 * It binds to 127.0.0.1 unless told otherwise. An answer is written as fast as the connection takes it and no faster; a reader
 * that goes away ends what it was reading.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Hono } from "hono";
import { type AdminAppOptions, createAdminApp } from "./app.ts";
import { ProblemError, problemResponse } from "./problem.ts";

/** Where the endpoint listens, and what it shows. */
export interface ServeAdminOptions extends AdminAppOptions {
  /** The address to bind to. Default 127.0.0.1. */
  readonly hostname?: string | undefined;
  /** The port; 0 for a free one. Default 8180. */
  readonly port?: number | undefined;
}

/** A server that runs. */
export interface AdminServer {
  /** Where it answers, such as `http://127.0.0.1:8180`. */
  readonly url: string;
  /** Closes every connection and stops listening. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8180;
const UNREADABLE: ProblemError = new ProblemError(
  400,
  "Cannot answer: the target is no path, or Host is not said once",
);
/** How long a client may take over the head of a request, and over all of it, in milliseconds. */
const HEAD_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often the platform looks for clients that took longer; by its default, each half minute. */
const TIMEOUT_CHECK_MS = 1_000;
/** Connections at once, readers of events among them. */
const MAX_CONNECTIONS = 256;

/**
 * Serves the endpoint until it is closed.
 *
 * @example
 * ```ts ignore
 * import { serveAdmin } from "jsr:@contrail/rocketmq/admin";
 *
 * const admin = await serveAdmin({ consumers: [consumer], token: process.env.ADMIN_TOKEN });
 * console.log(admin.url);
 * await admin.close();
 * ```
 * @throws ConfigError as `createAdminApp`; the error of the platform when the port cannot be had.
 */
export async function serveAdmin(options: ServeAdminOptions = {}): Promise<AdminServer> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT } = options;
  const app = createAdminApp(options);
  const timeouts = {
    headersTimeout: HEAD_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  const server = createServer(timeouts, (request, response) => void handle(app, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  return { url: urlOf(server, hostname), close: () => close(server) };
}

function urlOf(server: Server, hostname: string): string {
  const address = server.address();
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${typeof address === "object" ? address?.port : address}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(app: Hono, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  try {
    const request = requestOf(incoming);
    const response = request ? await app.fetch(request) : problemResponse(UNREADABLE);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body) await write(response.body, outgoing, gone.signal);
    outgoing.end();
  } catch {
    // The client left, or its request broke off: nobody is there to be told.
    outgoing.destroy();
  }
}

/** The request as the web platform has it; undefined for a target that is no path, and unless it names one host. */
function requestOf(incoming: IncomingMessage): Request | undefined {
  const { url = "", method = "GET", headers, rawHeaders } = incoming;
  // Of two, the check might see one and a proxy before it the other.
  if (rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length !== 1) {
    return undefined;
  }
  // "//host/path" and "http://host/path" would put a host of the client's choice into the URL.
  const base = "http://localhost";
  if (!/^\/(?!\/)/.test(url) || !URL.canParse(base + url)) return undefined;
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each): [string, string] => [name, each])
  );
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(base + url, {
    method,
    headers: pairs,
    ...(hasBody && { body: bodyOf(incoming), duplex: "half" }),
  });
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await chunks.return?.();
    },
  }, { highWaterMark: 0 });
}

async function write(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const onGone = (): void => void reader.cancel().catch(() => {});
  gone.addEventListener("abort", onGone, { once: true });
  if (gone.aborted) onGone();
  for (;;) {
    const { value, done } = await reader.read();
    if (done || gone.aborted) return;
    if (outgoing.write(value)) continue;
    await new Promise<void>((resolve) => {
      outgoing.once("drain", resolve);
      gone.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
