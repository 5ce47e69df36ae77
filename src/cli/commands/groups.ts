/**
 * `groups`: which there are; the members of one, and who owns which queue.
 */
import type { ClusterAdmin } from "../../cluster/cluster_admin.ts";
import { isSystemGroup } from "../../protocol/names.ts";
import { type Command, type Context, Exit } from "../command.ts";
import { asking, named } from "../connected.ts";
import { jsonLine, table } from "../layout.ts";
import { harmless } from "../terminal.ts";

/** What every broker makes for itself (SubscriptionGroupManager.init), beside the groups with the system's prefix. */
const MADE_BY_BROKERS: ReadonlySet<string> = new Set([
  "TOOLS_CONSUMER",
  "FILTERSRV_CONSUMER",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_OWNER",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_PULL",
]);

/** The command. */
export const groups: Command = {
  name: "groups",
  words: "[group]",
  wordCount: [0, 1],
  summary: "list consumer groups, or show one: who is in it and owns which queue",
  about: `
A group is a set of consumers that share the work: each queue of a topic belongs to one of them at a time, and the
group's offset in that queue says how far they are ("contrail lag" shows that). All members must subscribe to
the same: where two differ, messages are lost. Groups that every broker makes for itself are left out of the list
unless --all.`,
  examples: [
    ["groups", "the names of all groups"],
    ["groups billing", "its members, their versions and queues"],
  ],
  flags: [{ name: "all", help: "groups of the system too" }],
  run: (context) => asking(context, (admin) => run(context, admin)),
};

async function run({ given, terminal, paint }: Context, admin: ClusterAdmin): Promise<number> {
  const { signal } = terminal;
  const [group] = given.words;
  if (group === undefined) {
    for (const each of await admin.groups({ signal })) {
      if (!given.has("all") && (isSystemGroup(each.group) || MADE_BY_BROKERS.has(each.group))) continue;
      terminal.print(given.has("json") ? jsonLine(each) : harmless(each.group));
    }
    return Exit.OK;
  }
  const found = await admin.members(named(admin, group), { signal });
  if (given.has("json")) {
    terminal.print(jsonLine(found));
    return Exit.OK;
  }
  if (found.members.length === 0) {
    terminal.print(`Nobody of group ${group} is online.`);
    return Exit.OK;
  }
  terminal.print(`${found.messageModel}, ${found.consumeType}`);
  for (const { topic, subString } of found.subscriptions) {
    terminal.print(harmless(`subscribes ${topic} ${subString}`));
  }
  const rows = found.members.map(({ clientId, address, language, version, queues, problem }) => [
    clientId,
    address,
    `${language} ${version}`,
    problem ?? queues.map((queue) => `${queue.topic}@${queue.brokerName}:${queue.queueId}`).join(" "),
  ]);
  for (const line of table(["member", "address", "client", "queues"], rows, paint)) terminal.print(line);
  return Exit.OK;
}
