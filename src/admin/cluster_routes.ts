/**
 * The routes about the cluster, asked through the brokers: topics, groups, members, progress, dead letters.
 */
import * as v from "valibot";
import type { ClusterAdmin, StoredMessage } from "../cluster/cluster_admin.ts";
import type { Guard } from "./guard.ts";
import { type Route, route } from "./openapi.ts";
import { groupParams, name, resetTarget } from "./schemas.ts";

/** What the routes work with. */
export interface ClusterRouteOptions {
  /** Whom to ask. @throws ProblemError when no client runs. */
  readonly cluster: () => ClusterAdmin;
  readonly guard: Guard;
}

/** Largest body that is shown, in bytes. */
const SHOWN_BYTES = 4_096;
const LETTERS = 32;

const topicParams = v.strictObject({ topic: name });
const letterQuery = v.strictObject({
  limit: v.optional(v.pipe(v.string(), v.transform(Number), v.integer(), v.minValue(1), v.maxValue(256))),
  after: v.optional(name),
});

/** The routes. */
export function clusterRoutes({ cluster, guard }: ClusterRouteOptions): Route[] {
  const show = <P extends v.GenericSchema>(
    path: string,
    summary: string,
    params: P | undefined,
    answer: (params: v.InferOutput<P>) => unknown,
  ): Route =>
    route({
      method: "get",
      path: `/cluster${path}`,
      access: "state",
      summary,
      ...(params && { params }),
      answer: ({ params }) => answer(params),
    });
  return [
    show("/brokers", "The brokers of all clusters.", undefined, () => cluster().brokers()),
    show("/topics", "All topics.", undefined, () => cluster().topics()),
    show(
      "/topics/:topic",
      "A topic: where it is, what its queues hold, who consumes it.",
      topicParams,
      ({ topic }) => cluster().topic(topic),
    ),
    show("/groups", "All consumer groups.", undefined, () => cluster().groups()),
    show(
      "/groups/:group/members",
      "Who is in a group, and who owns which queue.",
      groupParams,
      ({ group }) => cluster().members(group),
    ),
    show(
      "/groups/:group/progress",
      "How far a group is, queue by queue.",
      groupParams,
      ({ group }) => cluster().progress(group),
    ),
    ...letterRoutes({ cluster, guard }),
    ...["/consumers/:group/reset-offset", "/cluster/groups/:group/reset-offset"].map((path) =>
      route({
        method: "post",
        path,
        access: "change",
        summary: "Moves a group in a topic to a time, the first message kept (earliest) or the end (latest).",
        params: groupParams,
        body: v.strictObject({ topic: name, to: resetTarget }),
        answer: ({ params, body: { topic, to } }) => cluster().resetOffsets(params.group, topic, to),
      })
    ),
  ];
}

function letterRoutes({ cluster, guard }: ClusterRouteOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/cluster/groups/:group/dead-letters",
      access: "state",
      summary: "The newest dead letters of a group; their content only with the token.",
      params: groupParams,
      query: letterQuery,
      answer: async ({ context, params, query: { limit = LETTERS, after } }) => {
        const { messages, next } = await cluster().deadLetters(params.group, { limit, after });
        const withContent = guard.isTrusted(context) === true;
        return { messages: messages.map((message) => letterView(message, withContent)), next };
      },
    }),
    route({
      method: "post",
      path: "/cluster/groups/:group/dead-letters/send-back",
      access: "change",
      summary: "Sends a dead letter back: its group gets it once more.",
      params: groupParams,
      body: v.strictObject({ brokerName: name, offsetMessageId: name }),
      answer: ({ params, body: { brokerName, offsetMessageId } }) =>
        cluster().sendBack(params.group, { queue: { brokerName }, offsetMessageId }),
    }),
  ];
}

/** A message; properties, keys and body are content. */
function letterView(
  { body, properties, keys, tag, bornAt, storedAt, ...message }: StoredMessage,
  withContent: boolean,
) {
  const plain = {
    ...message,
    bornAt: bornAt.getTime(),
    storedAt: storedAt.getTime(),
    sizeBytes: body.length,
  };
  if (!withContent) return plain;
  const text = new TextDecoder().decode(body.subarray(0, SHOWN_BYTES));
  return { ...plain, tag, keys, properties, text, isCut: body.length > SHOWN_BYTES };
}
