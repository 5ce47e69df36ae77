/**
 * The admin endpoint as a Hono app: every route is a row, and this serves the rows.
 *
 *   doors (guard.ts) → token → checked input → answer → JSON, or a problem
 * It keeps nothing but the readers of its event stream, and does nothing by itself.
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import * as v from "valibot";
import { type ClusterAdmin, createClusterAdmin } from "../cluster/cluster_admin.ts";
import type { Consumer } from "../consumer/consumer.ts";
import type { LitePullConsumer } from "../consumer/lite_pull/lite_pull_consumer.ts";
import type { Producer } from "../producer/producer.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { clusterRoutes } from "./cluster_routes.ts";
import { changeRoutes, type LogLevelHolder, probeRoutes, stateRoutes } from "./consumer_routes.ts";
import { EventStreams } from "./event_stream.ts";
import { Guard } from "./guard.ts";
import { type AnySchema, openApiDocument, type Route, route } from "./openapi.ts";
import { pageResponse } from "./page.ts";
import { ProblemError, problemResponse } from "./problem.ts";

export type { LogLevelHolder } from "./consumer_routes.ts";

/** What the endpoint shows, and to whom. */
export interface AdminAppOptions {
  /** The consumers, lite pull ones too; read at each request, so the same array may grow and shrink. */
  readonly consumers?: Iterable<Consumer | LitePullConsumer> | undefined;
  /** The producers, for their metrics and connections. */
  readonly producers?: Iterable<Producer> | undefined;
  /**
   * What `Authorization: Bearer …` must carry for everything but `/`, `/healthz` and `/readyz`. Without one the endpoint shows state
   * only: no message content, no changes.
   */
  readonly token?: string | undefined;
  /** Origins whose pages may ask, such as `https://ops.example`. Default none. */
  readonly cors?: readonly string[] | undefined;
  /**
   * Hosts that requests may name, with or without a port; `*` for any. Default `127.0.0.1`, `localhost`, `[::1]`. The probes
   * `/healthz` and `/readyz` are answered for any Host.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Lag of a consumer above which `/readyz` says no. Default no bound. */
  readonly maxLag?: number | undefined;
  /** A queue that waits for so long is stalled, in milliseconds. Default 60,000. */
  readonly stalledAfterMs?: number | undefined;
  /** The logger whose level may be changed: one of @std/log, or whatever has a `levelName`. */
  readonly log?: LogLevelHolder | undefined;
  /** Whom to ask about the cluster. Default: the first of the consumers and producers that runs. */
  readonly cluster?: ClusterAdmin | undefined;
  /** Tells the time; the platform's by default. */
  readonly clock?: Clock | undefined;
}

/** A Hono app: it has `fetch`, and mounts under another one by `route`. */
export type AdminApp = import("hono").Hono;

const STALLED_AFTER_MS = 60_000;

/**
 * Makes the app, for `Deno.serve`, `Bun.serve` and `@hono/node-server`, to mount under another Hono app, or for `serveAdmin`.
 *
 * @example
 * ```ts ignore
 * import { createAdminApp } from "jsr:@contrail/rocketmq/admin";
 *
 * Deno.serve({ hostname: "127.0.0.1", port: 8180 }, createAdminApp({ consumers: [consumer] }).fetch);
 * ```
 * @throws ConfigError for a token that is empty or has blanks, an origin that is none, or no host.
 */
export function createAdminApp(options: AdminAppOptions = {}): AdminApp {
  const guard = new Guard(options);
  const app = new Hono();
  app.onError((error) => problemResponse(error));
  const missing = new ProblemError(404, "Cannot find this: no route has this method and path");
  app.notFound(() => problemResponse(missing));
  app.use(guard.doors);
  const allowHeaders = ["authorization", "content-type"];
  app.use(
    cors({ origin: [...options.cors ?? []], allowMethods: ["GET", "POST"], allowHeaders, maxAge: 600 }),
  );
  app.use(guard.bodySize);
  for (const row of allRoutes(options, guard)) serveRow(app, row, guard);
  return app;
}

function allRoutes(options: AdminAppOptions, guard: Guard): Route[] {
  const { consumers = [], producers = [], clock = systemClock, log } = options;
  const { stalledAfterMs = STALLED_AFTER_MS, maxLag = Infinity } = options;
  const bounds = { stalledAfterMs, maxLag };
  const parts = { consumers, producers, clock, guard, bounds, log, events: new EventStreams(clock) };
  const cluster = (): ClusterAdmin => {
    if (options.cluster) return options.cluster;
    const running = [...consumers, ...producers].find(({ client }) => client.isRunning);
    if (running) return createClusterAdmin({ client: running.client });
    throw new ProblemError(503, "Cannot ask the cluster: no consumer or producer runs");
  };
  const routes: Route[] = [
    route("get /", "The page. What it shows it asks for.", { access: "open" }, pageResponse),
    ...probeRoutes(parts),
    ...stateRoutes(parts),
    ...changeRoutes(parts),
    ...clusterRoutes(cluster, guard),
    route("get /openapi.json", "This description.", {}, () => openApiDocument(routes)),
  ];
  return routes;
}

function serveRow(app: Hono, row: Route, guard: Guard): void {
  app.on(row.method.toUpperCase(), row.path, async (context) => {
    guard.check(context, row.access);
    const params = checked("path", row.params, context.req.param());
    const query = checked("query", row.query, context.req.query());
    const body = row.body && checked("body", row.body, await readBody(context.req.raw));
    const answer = await row.answer({ context, params, query, body });
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer);
  });
}

/** A form of a foreign page cannot send this type without asking first. */
async function readBody(request: Request): Promise<unknown> {
  const text = await request.text();
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new ProblemError(415, "Cannot read body: it is no application/json");
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new ProblemError(400, "Cannot read request: its body is no JSON");
  }
}

function checked(where: string, schema: AnySchema | undefined, value: unknown): unknown {
  if (schema === undefined) return value;
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  const fields = issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message }));
  throw new ProblemError(400, `Cannot read request: ${fields.length} problem(s) in its ${where}`, fields);
}
