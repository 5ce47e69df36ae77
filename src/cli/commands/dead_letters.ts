/**
 * `dead-letters`: what a group has given up, newest first; and back to the group with it.
 */
import type { ClusterAdmin, StoredMessage } from "../../cluster/cluster_admin.ts";
import { type Command, type Context, Exit } from "../command.ts";
import { asking, named } from "../connected.ts";
import { ProgressBar } from "../layout.ts";
import { jsonOf, prettyLines } from "../message_text.ts";

const DEFAULT_LIMIT = 20;
const PAGE = 32;

/** The command. */
export const deadLetters: Command = {
  name: "dead-letters",
  words: "<group>",
  wordCount: [1, 1],
  summary: "browse what a group has given up, or send it back",
  about: `
A message that failed at every delivery (16 after the first, by default) goes to the topic %DLQ%group and stays there
until the broker's retention removes it. Looking moves nothing. A letter that is sent back is delivered to the group once
more, after about a second; it stays among the dead letters all the same, so that nothing is lost.`,
  examples: [
    ["dead-letters billing", "the newest 20"],
    ["dead-letters billing --limit 500 --json > letters.jsonl", "to look through"],
    ["dead-letters billing --send-back 7F00…1A", "one, by its message id"],
    ["dead-letters billing --limit 500 --send-back all", "the newest 500"],
  ],
  flags: [
    { name: "limit", value: "n", range: [1], help: `how many; ${DEFAULT_LIMIT} by default` },
    {
      name: "send-back",
      value: "id|all",
      help: "send back the letter with this message id, or all within the limit",
      many: true,
    },
  ],
  run: (context) => asking(context, (admin) => run(context, admin)),
};

async function run(context: Context, admin: ClusterAdmin): Promise<number> {
  const { given, terminal, paint } = context;
  const group = named(admin, given.words[0]!);
  const letters = await newest(admin, group, given.count("limit") ?? DEFAULT_LIMIT, terminal.signal);
  const ids = given.all("send-back");
  if (ids.length > 0) return await sendBack(context, admin, group, letters, ids);
  for (const letter of letters) {
    if (given.has("json")) terminal.print(jsonOf(letter));
    else for (const line of prettyLines(letter, paint)) terminal.print(line);
  }
  if (letters.length === 0) terminal.note(`Group ${group} has no dead letters.\n`);
  return Exit.OK;
}

async function newest(
  admin: ClusterAdmin,
  group: string,
  limit: number,
  signal: AbortSignal,
): Promise<StoredMessage[]> {
  const letters: StoredMessage[] = [];
  let after: string | undefined;
  do {
    const page = await admin.deadLetters(group, {
      limit: Math.min(PAGE, limit - letters.length),
      after,
      signal,
    });
    letters.push(...page.messages);
    after = page.next;
  } while (after !== undefined && letters.length < limit);
  return letters;
}

async function sendBack(
  { terminal }: Context,
  admin: ClusterAdmin,
  group: string,
  letters: readonly StoredMessage[],
  ids: readonly string[],
): Promise<number> {
  const isMeant = ({ messageId, offsetMessageId }: StoredMessage): boolean =>
    ids.includes("all") || ids.includes(messageId) || ids.includes(offsetMessageId);
  const meant = letters.filter(isMeant);
  const bar = new ProgressBar(terminal, "sending back", meant.length);
  for (const [done, letter] of meant.entries()) {
    bar.show(done);
    await admin.sendBack(group, letter, { signal: terminal.signal });
  }
  bar.end();
  const missing = ids.filter((id) =>
    id !== "all" && !meant.some((each) => each.messageId === id || each.offsetMessageId === id)
  );
  terminal.print(`${meant.length} of ${letters.length} dead letters are sent back`);
  for (const id of missing) {
    terminal.note(`Cannot send back ${id}: it is not among the newest ${letters.length}\n`);
  }
  return missing.length === 0 ? Exit.OK : Exit.FAILED;
}
