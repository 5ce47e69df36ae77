/**
 * The routes about the consumers of this process: what each does, and what an operator may change.
 */
import * as v from "valibot";
import type { Producer } from "../producer/producer.ts";
import { takeReadings } from "../telemetry/metric.ts";
import type { Clock } from "../time/clock.ts";
import type { EventStreams } from "./event_stream.ts";
import type { Guard } from "./guard.ts";
import { type Route, route } from "./openapi.ts";
import { ProblemError } from "./problem.ts";
import { PROMETHEUS_TYPE, prometheusText } from "./prometheus.ts";
import {
  consumerDetails,
  consumerSummary,
  type HealthBounds,
  problemsOf,
  queueViews,
  type ShownConsumer,
  subscriptionViews,
} from "./read_model.ts";
import { groupParams, name } from "./schemas.ts";

/** Something with a level that can be set: a logger of @std/log is one. */
export interface LogLevelHolder {
  /** Name of the level from which on lines are kept. */
  levelName: string;
}

/** What the routes work with. */
export interface ConsumerRouteOptions {
  readonly consumers: Iterable<ShownConsumer>;
  readonly producers: Iterable<Producer>;
  readonly clock: Clock;
  readonly bounds: HealthBounds;
  readonly guard: Guard;
  readonly events: EventStreams;
  readonly log: LogLevelHolder | undefined;
}

const groupQuery = v.strictObject({ group: v.optional(name) });
/** Two clients of this process may hold the same group. */
const clientQuery = v.strictObject({ client: v.optional(name) });
const queueBody = {
  topic: name,
  brokerName: name,
  queueId: v.pipe(v.number(), v.integer(), v.minValue(0)),
};
const someQueues = v.optional(
  v.strictObject({ topic: v.optional(name), queueId: v.optional(queueBody.queueId) }),
  {},
);
const slots = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000));
const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"] as const;

/** Routes that programs ask: probes and scrapes. */
export function probeRoutes({ consumers, producers, clock, bounds, guard }: ConsumerRouteOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/healthz",
      access: "probe",
      summary: "Whether this process answers.",
      answer: () => ({ status: "ok" }),
    }),
    route({
      method: "get",
      path: "/readyz",
      access: "probe",
      summary: "Whether every consumer runs, has its queues, is connected, does not stall and keeps up.",
      answer: ({ context }) => {
        const problems = [...consumers].flatMap((each) => problemsOf(each, clock.now(), bounds));
        const shown = guard.mayReadState(context) ? { problems } : {};
        const status = problems.length === 0 ? "ready" : "unready";
        return Response.json({ status, ...shown }, { status: problems.length === 0 ? 200 : 503 });
      },
    }),
    route({
      method: "get",
      path: "/metrics",
      access: "state",
      summary: "All metrics, as Prometheus reads them.",
      answer: () =>
        new Response(prometheusText(takeReadings(consumers, producers)), {
          headers: { "content-type": PROMETHEUS_TYPE },
        }),
    }),
  ];
}

/** Routes that show. */
export function stateRoutes(
  { consumers, producers, clock, bounds, guard, events }: ConsumerRouteOptions,
): Route[] {
  const chosen = (group: string | undefined): ShownConsumer[] => {
    const found = [...consumers].filter((each) => group === undefined || each.consumerGroup === group);
    if (group !== undefined && found.length === 0) throw unknownGroup(group);
    return found;
  };
  const list = (path: string, summary: string, show: (consumer: ShownConsumer) => unknown): Route =>
    route({
      method: "get",
      path,
      access: "state",
      summary,
      query: groupQuery,
      answer: ({ query }) => chosen(query.group).flatMap(show),
    });
  return [
    list(
      "/consumers",
      "The consumers of this process.",
      (each) => consumerSummary(each, clock.now(), bounds),
    ),
    list("/queues", "The queues that they own.", (each) => queueViews(each, clock.now(), bounds)),
    list("/subscriptions", "What they subscribe to.", subscriptionViews),
    route({
      method: "get",
      path: "/connections",
      access: "state",
      summary: "The clients of this process: connections, heartbeats, name servers.",
      answer: () => {
        const clients = new Set([...consumers, ...producers].map(({ client }) => client));
        return Array.from(clients, (client) => client.statistics());
      },
    }),
    route({
      method: "get",
      path: "/consumers/:group",
      access: "state",
      summary: "One consumer: state, options without secrets, queues, windows, rates.",
      params: groupParams,
      query: clientQuery,
      answer: ({ params, query }) =>
        consumerDetails(pick(consumers, params.group, query.client), clock.now(), bounds),
    }),
    route({
      method: "get",
      path: "/events",
      access: "state",
      summary: "What happens from now on, as server-sent events.",
      query: groupQuery,
      answer: ({ context, query }) => events.open(chosen(query.group), guard.isTrusted(context) === true),
    }),
  ];
}

/** Routes that change. */
export function changeRoutes({ consumers, log }: ConsumerRouteOptions): Route[] {
  const change = <B extends v.GenericSchema>(
    action: string,
    summary: string,
    body: B,
    apply: (consumer: ShownConsumer, body: v.InferOutput<B>) => unknown,
  ): Route =>
    route({
      method: "post",
      path: `/consumers/:group/${action}`,
      access: "change",
      summary,
      params: groupParams,
      query: clientQuery,
      body,
      answer: ({ params, query, body }) => apply(pick(consumers, params.group, query.client), body),
    });
  const pause = (paused: boolean) => (consumer: ShownConsumer, chosen: v.InferOutput<typeof someQueues>) => {
    const queues = consumer.assignment().filter(({ topic, queueId }) =>
      (chosen.topic ?? topic) === topic && (chosen.queueId ?? queueId) === queueId
    );
    // What is meant for everything holds for queues that come later, too.
    const targets = chosen.topic === undefined && chosen.queueId === undefined ? undefined : queues;
    if (paused) consumer.pause(targets);
    else consumer.resume(targets);
    return { queues: queues.length };
  };
  return [
    change("pause", "Stops pulling: all queues, those of a topic, or one number.", someQueues, pause(true)),
    change("resume", "Pulls again what was paused.", someQueues, pause(false)),
    change(
      "seek",
      "Goes on with one owned queue at an offset.",
      v.strictObject({ ...queueBody, offset: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) }),
      (consumer, { offset, ...queue }) => consumer.seek(queue, offset),
    ),
    change(
      "concurrency",
      "Changes how many listener calls may be pending at once.",
      v.strictObject({ min: slots, max: slots }),
      (consumer, bounds) => {
        if ("setConcurrency" in consumer) return consumer.setConcurrency(bounds);
        throw new ProblemError(409, "Cannot change concurrency: a lite pull consumer calls no listeners");
      },
    ),
    change(
      "drain",
      "Begins the ordered drain: the consumer settles what is out, commits and leaves.",
      someQueues,
      (consumer) => {
        // The answer does not wait for it: a drain may take as long as a handler.
        consumer.shutdown().catch(() => {});
        return Response.json({ phase: consumer.phase }, { status: 202 });
      },
    ),
    route({
      method: "post",
      path: "/log-level",
      access: "change",
      summary: "Changes the level of the logger that the app was given.",
      body: v.strictObject({ level: v.picklist(LEVELS) }),
      answer: ({ body }) => {
        if (log === undefined) {
          throw new ProblemError(404, "Cannot change the log level: the app was given no logger");
        }
        log.levelName = body.level;
      },
    }),
  ];
}

function pick(
  consumers: Iterable<ShownConsumer>,
  group: string,
  clientId: string | undefined,
): ShownConsumer {
  const found = [...consumers].filter((each) =>
    each.consumerGroup === group && (clientId === undefined || each.client.clientId === clientId)
  );
  if (found.length === 0) throw unknownGroup(group);
  if (found.length === 1) return found[0]!;
  throw new ProblemError(
    409,
    `Cannot tell which consumer of group "${group}" is meant: add ?client=<its client id>`,
  );
}

function unknownGroup(group: string): ProblemError {
  return new ProblemError(404, `Cannot find consumer "${group}": this process has none of that group`);
}
