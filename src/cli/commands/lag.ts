/**
 * `lag`: how far a group is behind, queue by queue; once, or again and again.
 */
import type { ClusterAdmin, GroupProgress } from "../../cluster/cluster_admin.ts";
import { systemClock } from "../../time/clock.ts";
import { type Command, type Context, Exit } from "../command.ts";
import { asking, named } from "../connected.ts";
import { jsonLine, readable, table } from "../layout.ts";
import { harmless } from "../terminal.ts";

/** The command. */
export const lag: Command = {
  name: "lag",
  words: "<group>",
  wordCount: [1, 1],
  summary: "how many messages a group has not consumed yet, queue by queue",
  about: `
Lag is the distance between the offset that the group has committed and the end of the queue. It is what a group
should be watched by: a lag that grows means that messages come faster than they are handled. With --watch the
table is drawn again every few seconds, until Ctrl-C; a cluster that cannot be asked for a while is noted. With --max
the exit code is 3 when the lag is above.`,
  examples: [
    ["lag billing", "once"],
    ["lag billing --watch", "again every 2 seconds"],
    ["lag billing --max 1000 || page-somebody", "as a check"],
  ],
  flags: [
    { name: "topic", value: "topic", help: "this topic only" },
    { name: "watch", help: "draw it again and again" },
    {
      name: "every",
      value: "seconds",
      range: [1, 86_400],
      beside: "watch",
      help: "how often, with --watch; 2 by default",
    },
    { name: "max", value: "n", range: [0], help: "exit with 3 when the total is above this" },
  ],
  run: (context) => asking(context, (admin) => run(context, admin)),
};

async function run(context: Context, admin: ClusterAdmin): Promise<number> {
  const { given, terminal } = context;
  const { signal } = terminal;
  const max = given.count("max");
  const everyMs = (given.count("every") ?? 2) * 1000;
  const clock = context.world.clock ?? systemClock;
  const group = named(admin, given.words[0]!), only = given.text("topic");
  const topic = only && named(admin, only);
  const ask = (): Promise<GroupProgress> => admin.progress(group, { topic, signal });
  let progress = await ask();
  show(context, progress, given.has("watch"));
  if (!given.has("watch")) return max !== undefined && progress.totalLag > max ? Exit.UNMET : Exit.OK;
  for (;;) {
    await clock.sleep(everyMs, signal).catch(() => {});
    if (signal.aborted) return Exit.OK;
    try {
      progress = await ask();
      show(context, progress, true);
      await terminal.room();
    } catch (error) {
      if (!signal.aborted) terminal.note(`${harmless((error as Error).message)}\n`);
    }
  }
}

function show({ given, terminal, paint }: Context, progress: GroupProgress, again: boolean): void {
  if (given.has("json")) return terminal.print(jsonLine(progress));
  if (again && terminal.isTerminal) terminal.print("\x1b[H\x1b[2J\x1b[A");
  const rows = progress.queues.map(({ queue, brokerOffset, consumerOffset, lag }) => [
    queue.topic,
    queue.brokerName,
    String(queue.queueId),
    readable(consumerOffset),
    readable(brokerOffset),
    readable(lag),
  ]);
  for (const line of table(["topic", "broker", "queue", "consumed", "end", "lag"], rows, paint)) {
    terminal.print(line);
  }
  const total = `total lag ${readable(progress.totalLag)}, ${
    progress.consumeTps.toFixed(1)
  } messages a second`;
  terminal.print(paint(progress.totalLag === 0 ? "green" : "yellow", total));
}
