/**
 * `groups`: which there are; the members of one, and who owns which queue.
 */
import type { ClusterAdmin } from "../../cluster/cluster_admin.ts";
import { type Command, type Context, Exit } from "../command.ts";
import { asking, named } from "../connected.ts";
import { table } from "../layout.ts";

/** The command. */
export const groups: Command = {
  name: "groups",
  words: "[group]",
  wordCount: [0, 1],
  summary: "list consumer groups, or show one: who is in it and owns which queue",
  about: `
A group is a set of consumers that share the work: each queue of a topic belongs to one of them at a time, and the
group's offset in that queue says how far they are ("contrail lag" shows that). All members must subscribe to
the same: where two differ, messages are lost.`,
  examples: [
    ["groups", "the names of all groups"],
    ["groups billing", "its members, their versions and queues"],
  ],
  flags: [],
  run: (context) => asking(context, (admin) => run(context, admin)),
};

async function run({ given, terminal, paint }: Context, admin: ClusterAdmin): Promise<number> {
  const { signal } = terminal;
  const [group] = given.words;
  if (group === undefined) {
    for (const each of await admin.groups({ signal })) {
      terminal.print(given.has("json") ? JSON.stringify(each) : each.group);
    }
    return Exit.OK;
  }
  const found = await admin.members(named(admin, group), { signal });
  if (given.has("json")) {
    terminal.print(JSON.stringify(found));
    return Exit.OK;
  }
  if (found.members.length === 0) {
    terminal.print(`Nobody of group ${group} is online.`);
    return Exit.OK;
  }
  terminal.print(`${found.messageModel}, ${found.consumeType}`);
  for (const { topic, subString } of found.subscriptions) terminal.print(`subscribes ${topic} ${subString}`);
  const rows = found.members.map(({ clientId, address, language, version, queues, problem }) => [
    clientId,
    address,
    `${language} ${version}`,
    problem ?? queues.map((queue) => `${queue.topic}@${queue.brokerName}:${queue.queueId}`).join(" "),
  ]);
  for (const line of table(["member", "address", "client", "queues"], rows, paint)) terminal.print(line);
  return Exit.OK;
}
