/**
 * `topics`: which there are; one of them in detail; a new one.
 */
import type { ClusterAdmin, TopicDetails } from "../../cluster/cluster_admin.ts";
import { type Command, type Context, Exit, UsageError } from "../command.ts";
import { asking, named } from "../connected.ts";
import { jsonLine, readable, table } from "../layout.ts";
import { harmless } from "../terminal.ts";

/** The command. */
export const topics: Command = {
  name: "topics",
  words: "[topic]",
  wordCount: [0, 1],
  summary: "list topics, or show one: its queues, what they hold, who consumes it",
  about: `
A topic is a set of queues on brokers. A message goes into one queue and gets the next offset there; "first" and
"next" are the offsets of the oldest message that is kept and of the one to come. Topics of the system, of retries
(%RETRY%group) and of dead letters (%DLQ%group) are left out of the list unless --all.`,
  examples: [
    ["topics", "the names of all topics"],
    ["topics orders", "queues of one, and the groups that consume it"],
    ["topics orders --create --queues 8", "make it on every broker"],
  ],
  flags: [
    { name: "all", help: "retry, dead-letter and system topics too" },
    { name: "create", help: "make the topic" },
    {
      name: "queues",
      value: "n",
      range: [1],
      beside: "create",
      help: "queues on each broker, with --create; 4 by default",
    },
  ],
  run(context) {
    const { given } = context;
    if (given.has("create") && given.words.length === 0) {
      throw new UsageError("Cannot make a topic: its name is missing");
    }
    return asking(context, (admin) => run(context, admin));
  },
};

async function run(context: Context, admin: ClusterAdmin): Promise<number> {
  const { given, terminal } = context;
  const [topic] = given.words;
  const { signal } = terminal;
  if (topic === undefined) {
    const found = (await admin.topics({ signal })).filter(({ kind }) =>
      given.has("all") || kind === "normal"
    );
    if (given.has("json")) { for (const each of found) terminal.print(jsonLine(each)); }
    else if (given.has("all")) {
      print(context, ["topic", "kind"], found.map((each) => [each.topic, each.kind]));
    } else for (const each of found) terminal.print(harmless(each.topic));
    return Exit.OK;
  }
  if (given.has("create")) {
    await admin.createTopic(named(admin, topic), { queues: given.count("queues") ?? 4 }, { signal });
    terminal.note(`Topic ${topic} is made.\n`);
    return Exit.OK;
  }
  show(context, await admin.topic(named(admin, topic), { signal }));
  return Exit.OK;
}

function show(context: Context, details: TopicDetails): void {
  const { given, terminal } = context;
  if (given.has("json")) return terminal.print(jsonLine(details));
  print(
    context,
    ["broker", "queue", "first", "next", "kept"],
    details.queues.map(({ queue, minOffset, maxOffset }) => [
      queue.brokerName,
      String(queue.queueId),
      readable(minOffset),
      readable(maxOffset),
      readable(maxOffset - minOffset),
    ]),
  );
  terminal.print(`consumed by ${harmless(details.groups.join(", ")) || "nobody"}`);
}

function print({ terminal, paint }: Context, heading: readonly string[], rows: readonly string[][]): void {
  for (const line of table(heading, rows, paint)) terminal.print(line);
}
