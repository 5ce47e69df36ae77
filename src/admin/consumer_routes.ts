/**
 * The routes about the consumers of this process: what each does, and what an operator may change.
 */
import * as v from "valibot";
import type { Producer } from "../producer/producer.ts";
import { takeReadings } from "../telemetry/metric.ts";
import type { Clock } from "../time/clock.ts";
import type { EventStreams } from "./event_stream.ts";
import type { Guard } from "./guard.ts";
import { name, type Read, type Route, route, whole } from "./openapi.ts";
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

const ofGroup = { query: { group: v.optional(name) } };
/** Two clients of this process may hold the same group. */
const ofClient = { client: v.optional(name) };
const someQueues = { topic: v.optional(name), queueId: v.optional(whole(0)) };
const oneOffset = { topic: name, brokerName: name, queueId: whole(0), offset: whole(0) };
const ofLevel = { body: { level: v.picklist(["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"]) } };

/** Routes that programs ask: probes and scrapes. */
export function probeRoutes({ consumers, producers, clock, bounds, guard }: ConsumerRouteOptions): Route[] {
  const open = { access: "probe" } as const;
  const ready = "Whether every consumer runs, has its queues, is connected, does not stall and keeps up.";
  return [
    route("get /healthz", "Whether this process answers.", open, () => ({ status: "ok" })),
    route("get /readyz", ready, open, ({ context }) => {
      const problems = [...consumers].flatMap((each) => problemsOf(each, clock.now(), bounds));
      const [status, code] = problems.length === 0 ? ["ready", 200] as const : ["unready", 503] as const;
      return Response.json({ status, ...(guard.mayReadState(context) && { problems }) }, { status: code });
    }),
    route("get /metrics", "All metrics, as Prometheus reads them.", {}, () => {
      const headers = { "content-type": PROMETHEUS_TYPE };
      return new Response(prometheusText(takeReadings(consumers, producers)), { headers });
    }),
  ];
}

/** Routes that show. */
export function stateRoutes(options: ConsumerRouteOptions): Route[] {
  const { consumers, producers, clock, bounds, guard, events } = options;
  type View = (consumer: ShownConsumer, now: number, bounds: HealthBounds) => unknown;
  const list = (path: `/${string}`, summary: string, view: View): Route =>
    route(`get ${path}`, summary, ofGroup, ({ query: { group } }) => {
      return those(consumers, group).flatMap((each) => view(each, clock.now(), bounds));
    });
  const details = "One consumer: state, options without secrets, queues, windows, rates.";
  return [
    list("/consumers", "The consumers of this process.", consumerSummary),
    list("/queues", "The queues that they own.", queueViews),
    list("/subscriptions", "What they subscribe to.", subscriptionViews),
    route("get /connections", "The clients: connections, heartbeats, name servers.", {}, () => {
      const clients = new Set([...consumers, ...producers].map(({ client }) => client));
      return Array.from(clients, (client) => client.statistics());
    }),
    route("get /consumers/:group", details, { query: ofClient }, ({ params, query }) => {
      return consumerDetails(one(consumers, params.group, query.client), clock.now(), bounds);
    }),
    route("get /events", "What happens, as server-sent events.", ofGroup, ({ context, query }) => {
      return events.open(those(consumers, query.group), guard.isTrusted(context) === true);
    }),
  ];
}

/** Routes that change. */
export function changeRoutes({ consumers, log }: ConsumerRouteOptions): Route[] {
  const act = <B extends v.ObjectEntries>(
    action: string,
    summary: string,
    body: B,
    apply: (consumer: ShownConsumer, body: Read<B>) => unknown,
  ): Route =>
    route(`post /consumers/:group/${action}`, summary, { query: ofClient, body }, (given) => {
      return apply(one(consumers, given.params.group, given.query.client), given.body);
    });
  const pause = (isOn: boolean) => (consumer: ShownConsumer, { topic, queueId }: Read<typeof someQueues>) => {
    const queues = consumer.assignment().filter((queue) =>
      (topic ?? queue.topic) === queue.topic && (queueId ?? queue.queueId) === queue.queueId
    );
    // What is meant for everything holds for queues that come later, too.
    const targets = topic === undefined && queueId === undefined ? undefined : queues;
    if (isOn) consumer.pause(targets);
    else consumer.resume(targets);
    return { queues: queues.length };
  };
  const slots = { min: whole(1, 1000), max: whole(1, 1000) };
  return [
    act("pause", "Stops pulling: all queues, those of a topic, or one number.", someQueues, pause(true)),
    act("resume", "Pulls again what was paused.", someQueues, pause(false)),
    act("seek", "Goes on with one owned queue at an offset.", oneOffset, (consumer, { offset, ...queue }) => {
      return consumer.seek(queue, offset);
    }),
    act("concurrency", "Changes how many listener calls may be pending.", slots, (consumer, bounds) => {
      if ("setConcurrency" in consumer) return consumer.setConcurrency(bounds);
      throw new ProblemError(409, "Cannot change concurrency: a lite pull consumer calls no listeners");
    }),
    act("drain", "Begins the ordered drain: settles what is out, commits and leaves.", {}, (consumer) => {
      // The answer does not wait for it: a drain may take as long as a handler.
      consumer.shutdown().catch(() => {});
      return Response.json({ phase: consumer.phase }, { status: 202 });
    }),
    route(
      "post /log-level",
      "Changes the level of the logger that the app was given.",
      ofLevel,
      ({ body }) => {
        if (!log) throw new ProblemError(404, "Cannot change the log level: the app was given no logger");
        log.levelName = body.level;
      },
    ),
  ];
}

/** Those of the group and the client, or all; of a group at least one. */
function those(consumers: Iterable<ShownConsumer>, group?: string, client?: string): ShownConsumer[] {
  const found = [...consumers].filter((each) =>
    (group ?? each.consumerGroup) === each.consumerGroup && (!client || each.client.clientId === client)
  );
  if (group === undefined || found.length > 0) return found;
  throw new ProblemError(404, `Cannot find consumer "${group}": this process has none of that group`);
}

function one(consumers: Iterable<ShownConsumer>, group: string, client?: string): ShownConsumer {
  const [first, second] = those(consumers, group, client);
  if (first && !second) return first;
  throw new ProblemError(409, `Cannot tell which consumer of "${group}" is meant: add ?client=<client id>`);
}
