/**
 * `reset-offset`: moves a group to another point of a topic.
 */
import type { ClusterAdmin, ResetTarget } from "../../cluster/cluster_admin.ts";
import { systemClock } from "../../time/clock.ts";
import { type Command, type Context, Exit, UsageError } from "../command.ts";
import { asking, named } from "../connected.ts";
import { jsonLine, readable, table } from "../layout.ts";
import { readPoint } from "../when.ts";

/** The command. */
export const resetOffset: Command = {
  name: "reset-offset",
  words: "<group> <topic>",
  wordCount: [2, 2],
  summary: "move a group back or forward in a topic",
  about: `
Moved back, the group gets messages again that it has handled; moved forward, it never gets those in between. Members
that are online obey within seconds, the others when they come. Nothing is moved without --yes: without it the
command shows where the group is now.`,
  examples: [
    ["reset-offset billing orders --to 2h", "what would happen"],
    ["reset-offset billing orders --to 2h --yes", "handle the last two hours again"],
    ["reset-offset billing orders --to latest --yes", "skip everything that waits"],
  ],
  flags: [
    { name: "to", value: "earliest|latest|15m|time", help: "where to" },
    { name: "back-only", help: "leave queues alone that would move forward" },
    { name: "yes", help: "do it" },
  ],
  run(context) {
    const to = targetOf(context.given.text("to"), (context.world.clock ?? systemClock).now());
    return asking(context, (admin) => run(context, admin, to));
  },
};

async function run(context: Context, admin: ClusterAdmin, to: ResetTarget): Promise<number> {
  const { given, terminal, paint } = context;
  const { signal } = terminal;
  const [group, topic] = given.words.map((name) => named(admin, name)) as [string, string];
  const print = (places: readonly object[], head: readonly string[], rows: readonly string[][]): void => {
    const lines = given.has("json") ? places.map(jsonLine) : table(head, rows, paint);
    for (const line of lines) terminal.print(line);
  };
  if (!given.has("yes")) {
    const { queues } = await admin.progress(group, { topic, signal });
    const rows = queues.map(({ queue, consumerOffset, brokerOffset }) => [
      queue.brokerName,
      String(queue.queueId),
      readable(consumerOffset),
      readable(brokerOffset),
    ]);
    print(queues, ["broker", "queue", "consumed", "end"], rows);
    terminal.note(`Nothing is moved yet: add --yes to move group ${group} to ${given.text("to")}.\n`);
    return Exit.OK;
  }
  const moved = await admin.resetOffsets(group, topic, to, { force: !given.has("back-only"), signal });
  const rows = moved.map((each) => [
    each.queue.brokerName,
    String(each.queue.queueId),
    readable(each.offset),
  ]);
  print(moved, ["broker", "queue", "offset"], rows);
  return Exit.OK;
}

function targetOf(text: string | undefined, now: number): ResetTarget {
  if (text === undefined) throw new UsageError("Cannot move a group: --to is missing");
  const point = readPoint(text, now);
  if (typeof point === "string") return point;
  if ("time" in point) return point.time;
  throw new UsageError("Cannot move a group to one offset: it has many queues, say a time");
}
