/**
 * The routes about the cluster, asked through the brokers: topics, groups, members, progress, dead letters.
 */
import * as v from "valibot";
import type { ClusterAdmin, StoredMessage } from "../cluster/cluster_admin.ts";
import type { Guard } from "./guard.ts";
import { name, type Route, route, whole } from "./openapi.ts";

/** Largest body that is shown, in bytes. */
const SHOWN_BYTES = 4_096;

/** Where a reset goes: milliseconds since the epoch, an ISO time, or one of two words. */
const target = v.union([
  v.picklist(["earliest", "latest"]),
  whole(0),
  v.pipe(v.string(), v.isoTimestamp(), v.transform((text) => Date.parse(text))),
]);
const limit = v.pipe(v.string(), v.transform(Number), v.integer(), v.minValue(1), v.maxValue(256));

/** The routes; `cluster` throws a ProblemError when there is nobody to ask. */
export function clusterRoutes(cluster: () => ClusterAdmin, guard: Guard): Route[] {
  const reset = "Moves a group in a topic to a time, the first message kept (earliest) or the end (latest).";
  const letters = { query: { limit: v.optional(limit, "32"), after: v.optional(name) } };
  return [
    route("get /cluster/brokers", "The brokers of all clusters.", {}, () => cluster().brokers()),
    route("get /cluster/topics", "All topics.", {}, () => cluster().topics()),
    route("get /cluster/topics/:topic", "A topic: its places, queues and groups.", {}, ({ params }) => {
      return cluster().topic(params.topic);
    }),
    route("get /cluster/groups", "All consumer groups.", {}, () => cluster().groups()),
    route("get /cluster/groups/:group/members", "Who is in a group, and owns what.", {}, ({ params }) => {
      return cluster().members(params.group);
    }),
    route("get /cluster/groups/:group/progress", "How far a group is, by queue.", {}, ({ params }) => {
      return cluster().progress(params.group);
    }),
    route(
      "get /cluster/groups/:group/dead-letters",
      "The newest dead letters of a group; their content only with the token.",
      letters,
      async ({ context, params, query }) => {
        const { messages, next } = await cluster().deadLetters(params.group, query);
        const isTrusted = guard.isTrusted(context) === true;
        return { messages: messages.map((each) => letterView(each, isTrusted)), next };
      },
    ),
    route(
      "post /cluster/groups/:group/dead-letters/send-back",
      "Sends a dead letter back: its group gets it once more.",
      { body: { brokerName: name, offsetMessageId: name } },
      ({ params, body: { brokerName, offsetMessageId } }) =>
        cluster().sendBack(params.group, { queue: { brokerName }, offsetMessageId }),
    ),
    ...(["/consumers", "/cluster/groups"] as const).map((path) =>
      route(
        `post ${path}/:group/reset-offset`,
        reset,
        { body: { topic: name, to: target } },
        ({ params, body }) => {
          return cluster().resetOffsets(params.group, body.topic, body.to);
        },
      )
    ),
  ];
}

/** A dead letter as it is shown. */
export type LetterView = ReturnType<typeof letterView>;

/** Properties, keys and body are content. */
function letterView(
  { body, bornAt, storedAt, tag, keys, properties, ...message }: StoredMessage,
  withContent: boolean,
) {
  const text = () => new TextDecoder().decode(body.subarray(0, SHOWN_BYTES));
  const content = () => ({ tag, keys, properties, text: text(), isCut: body.length > SHOWN_BYTES });
  const times = { bornAt: bornAt.getTime(), storedAt: storedAt.getTime() };
  return { ...message, ...times, sizeBytes: body.length, ...(withContent ? content() : {}) };
}
