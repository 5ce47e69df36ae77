/**
 * `consume`: reads a topic, for people or programs, without moving anybody's offset.
 *
 * It names the queues that it reads, so no group has to share them, and commits nothing: what it shows, others get too.
 */
import type { ClusterAdmin, TopicDetails } from "../../cluster/cluster_admin.ts";
import {
  createLitePullConsumer,
  type LitePullConsumer,
} from "../../consumer/lite_pull/lite_pull_consumer.ts";
import { type MessageSelector, sql } from "../../consumer/subscription/selector.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { unwrapQueue } from "../../protocol/namespace.ts";
import { systemClock } from "../../time/clock.ts";
import { type Command, type Context, Exit, UsageError } from "../command.ts";
import { asking, during, named } from "../connected.ts";
import { ProgressBar, readable } from "../layout.ts";
import { bodyText, jsonOf, prettyLines, type ShownMessage } from "../message_text.ts";
import { harmless } from "../terminal.ts";
import { POINT, type Point, readPoint } from "../when.ts";

/** The group that brokers see. Nothing is stored for it. */
const GROUP = "contrail-cli-consumer";

/** Polls of half a second without a message, after which a topic that is filtered is taken to be at its end. */
const MAX_SILENT_POLLS = 3;

/** The command. */
export const consume: Command = {
  name: "consume",
  words: "<topic>",
  wordCount: [1, 1],
  summary: "read a topic, from now on or from any point",
  about: `
Shows messages as they come, until Ctrl-C, --count messages, or with --until-end what is there now. No group's offset is
moved: reading changes nothing. --tag and --sql are applied by the broker, --match to the text of the body here.`,
  examples: [
    ["consume orders", "what comes from now on"],
    ["consume orders --from 15m --until-end", "the last quarter of an hour, then stop"],
    ["consume orders --from offset:1200 --queue 3 --count 1", "one message of one queue"],
    ["consume orders --tag 'paid || refunded' --json | jq .body", "for programs"],
  ],
  flags: [
    { name: "from", value: POINT, help: "where to begin; latest by default" },
    { name: "until-end", help: "stop at what was the end when it began" },
    { name: "count", value: "n", range: [1], help: "stop after so many messages" },
    { name: "queue", value: "n", range: [0], help: "this queue only" },
    { name: "tag", value: "a || b", help: "messages with one of these tags" },
    {
      name: "sql",
      value: "expression",
      help: "messages whose properties fit, where the broker allows SQL92",
    },
    { name: "match", value: "text", help: "messages with this text in the body" },
    { name: "body", help: "print the body alone" },
  ],
  run(context) {
    const wish = wishOf(context);
    return asking(context, (admin) => run(context, admin, wish));
  },
};

/** Where one queue is read from and to. */
interface Stretch {
  readonly queue: MessageQueue;
  readonly from: number;
  readonly end: number;
}

/** What is to be read, checked before anybody is asked. */
interface Wish {
  readonly point: Point;
  readonly queueId: number | undefined;
  readonly count: number | undefined;
  readonly selector: string | MessageSelector;
}

function wishOf({ given, world }: Context): Wish {
  return {
    point: readPoint(given.text("from") ?? "latest", (world.clock ?? systemClock).now()),
    queueId: given.count("queue"),
    count: given.count("count"),
    selector: selectorOf(given.text("tag"), given.text("sql")),
  };
}

async function run(context: Context, admin: ClusterAdmin, wish: Wish): Promise<number> {
  const { given, terminal } = context;
  const topic = given.words[0]!;
  const consumer = createLitePullConsumer({
    consumerGroup: GROUP,
    client: admin.client,
    autoCommit: false,
    messageTrace: false,
    pullBatchSize: 256,
    pollTimeoutMs: 500,
  });
  return await during(consumer, terminal.signal, async () => {
    const { namespace } = admin.client.options;
    const { queues } = await admin.topic(named(admin, topic), { signal: terminal.signal });
    // as the consumer shows them
    const shown = queues.map((each) => ({ ...each, queue: unwrapQueue(namespace, each.queue) }));
    const stretches = await stretchesOf({ topic, queues: shown }, wish, consumer);
    consumer.setSubExpressionForAssign(topic, wish.selector);
    consumer.assign(stretches.map(({ queue }) => queue));
    for (const { queue, from } of stretches) await consumer.seek(queue, from);
    const missing = await read(context, consumer, stretches, wish.count);
    return missing > 0 ? Exit.UNMET : Exit.OK;
  });
}

function selectorOf(
  tags: string | undefined,
  expression: string | undefined,
): string | MessageSelector {
  if (tags !== undefined && expression !== undefined) {
    throw new UsageError("Cannot filter by --tag and --sql at once: write TAGS = 'a' into the expression");
  }
  return expression === undefined ? tags ?? "*" : sql(expression);
}

/** Where each queue begins and, as of now, ends. */
async function stretchesOf(
  { topic, queues }: Pick<TopicDetails, "topic" | "queues">,
  { point, queueId }: Wish,
  consumer: LitePullConsumer,
): Promise<Stretch[]> {
  const chosen = queues.filter(({ queue }) => queueId === undefined || queue.queueId === queueId);
  if (chosen.length === 0) {
    throw new UsageError(`Cannot read topic "${topic}": it has no queue ${queueId ?? ""}`.trimEnd());
  }
  const stretches: Stretch[] = [];
  for (const { queue, minOffset, maxOffset } of chosen) {
    let from: number;
    if (point === "earliest") from = minOffset;
    else if (point === "latest") from = maxOffset;
    else if ("offset" in point) from = point.offset;
    else from = await consumer.offsetForTimestamp(queue, point.time);
    stretches.push({ queue, from: Math.min(Math.max(from, minOffset), maxOffset), end: maxOffset });
  }
  return stretches;
}

/** How far reading has come in each queue. */
class Positions {
  readonly #stretches: ReadonlyMap<string, Stretch>;
  readonly #next = new Map<string, number>();
  /** Messages between beginnings and ends. */
  readonly total: number;

  constructor(stretches: readonly Stretch[]) {
    this.#stretches = new Map(stretches.map((stretch) => [queueKey(stretch.queue), stretch]));
    this.total = stretches.reduce((sum, { from, end }) => sum + end - from, 0);
    for (const { queue, from } of stretches) this.#next.set(queueKey(queue), from);
  }

  /** Goes past a message; whether it lies before what was the end. */
  pass({ queue, queueOffset }: ShownMessage & { readonly queue: MessageQueue }): boolean {
    const key = queueKey(queue);
    this.#next.set(key, queueOffset + 1);
    return queueOffset < this.#stretches.get(key)!.end;
  }

  /** Messages passed that lie before the ends. */
  get done(): number {
    let done = 0;
    for (const [key, { from, end }] of this.#stretches) done += Math.min(this.#next.get(key)!, end) - from;
    return done;
  }
}

/** Shows messages until it is enough; how many of `count` are missing then. */
async function read(
  context: Context,
  consumer: LitePullConsumer,
  stretches: readonly Stretch[],
  count = Infinity,
): Promise<number> {
  const { given, terminal } = context;
  const { signal } = terminal;
  const match = given.text("match");
  const untilEnd = given.has("until-end");
  const positions = new Positions(stretches);
  // beside messages on the same terminal a bar would only be in the way
  const bar = new ProgressBar(terminal, "reading", untilEnd && !terminal.isTerminal ? positions.total : 0);
  let shown = 0;
  // what a filter keeps back at the broker never comes: a while of silence is the end too
  for (let silent = 0; !signal.aborted && shown < count && silent <= MAX_SILENT_POLLS;) {
    if (untilEnd && positions.done >= positions.total) break;
    const messages = await consumer.poll({ signal }).catch((error) => {
      if (signal.aborted) return [];
      throw error;
    });
    silent = messages.length > 0 || !untilEnd ? 0 : silent + 1;
    for (const message of messages) {
      if (!positions.pass(message) && untilEnd) continue;
      if (shown === count || signal.aborted) break;
      if (match !== undefined && !bodyText(message.body)?.includes(match)) continue;
      shown++;
      show(context, message);
    }
    await terminal.room();
    bar.show(positions.done);
  }
  bar.end();
  if (terminal.notesAreRead) terminal.note(`${readable(shown)} ${shown === 1 ? "message" : "messages"}.\n`);
  return count === Infinity ? 0 : count - shown;
}

function show({ given, terminal, paint }: Context, message: ShownMessage): void {
  if (given.has("json")) return terminal.print(jsonOf(message));
  if (!given.has("body")) return prettyLines(message, paint).forEach((line) => terminal.print(line));
  const body = bodyText(message.body) ?? "";
  terminal.print(terminal.isTerminal ? harmless(body) : body);
}
