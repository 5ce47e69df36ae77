/**
 * A consumer process is killed (SIGKILL), in every mode, and another takes over: what comes again, and what does not.
 *
 * Everything that was not settled comes again. Nothing below the last persisted offset does. What was settled and comes again lay
 * above the lowest unsettled message, or was settled after that persist: how many that may be follows from the journal alone.
 */
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConsumer } from "@contrail/rocketmq";
import { AckWitness } from "../ack_witness.ts";
import { bareCall, bareRequest, queuesOf, RequestCode } from "../bare_request.ts";
import { type Journal, readJournal } from "../journal.ts";
import { type Assignment, memberConfig } from "../programs/journalist.ts";
import { popping } from "../popping.ts";
import { startProgram } from "../runtime_program.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { queueName } from "../stage.ts";

const MESSAGES = 1_200;
/** How long the member has worked when the kill comes, in milliseconds: longer than a persist may be old. */
const WORKS_FOR_MS = 3_000;
const PERSIST_EVERY_MS = 250;
/** A persist may be so late: the interval, and what a busy machine adds. */
const PERSIST_LATE_MS = PERSIST_EVERY_MS + 1_500;
/** A broker keeps a dead member's locks for so long, in milliseconds. */
const LOCK_LIFE_MS = 60_000;

/** Starts a member, and kills it while it works. */
async function killAtWork(t: Stage, task: Assignment): Promise<{ journal: Journal; killedAt: number }> {
  writeFileSync(task.journal, "");
  const child = startProgram("journalist.ts", [JSON.stringify(task)]);
  const ended = new Promise((resolve) => child.on("close", resolve));
  t.defer(() => child.kill("SIGKILL"));
  await t.eventually("it is well at work", () => {
    if (child.exitCode !== null) throw new Error(`The member died by itself: ${child.exitCode}`);
    return Date.now() - readJournal(task.journal).began > WORKS_FOR_MS;
  }, 60_000);
  await t.sleep(Math.random() * PERSIST_EVERY_MS);
  child.kill("SIGKILL");
  const killedAt = Date.now();
  await ended;
  return { journal: readJournal(task.journal), killedAt };
}

/** What the brokers, or the file, have as the group's offsets; by queue. */
async function persistedOffsets(task: Assignment): Promise<Map<string, number>> {
  const { namesrvAddr, consumerGroup, topic } = task;
  const queues = await queuesOf(namesrvAddr.split(";")[0]!, topic);
  if (task.mode === "broadcasting") {
    const [file] = readdirSync(task.offsetStorePath).filter((name) => name.endsWith(".json"));
    const { offsets } = JSON.parse(readFileSync(`${task.offsetStorePath}/${file}`, "utf8"));
    return new Map(queues.map((queue) => [
      queueName(queue),
      offsets[topic]?.[queue.brokerName]?.[queue.queueId] ?? 0,
    ]));
  }
  return new Map(
    await Promise.all(queues.map(async (queue) => {
      const { address, queueId } = queue;
      const fields = { consumerGroup, topic, queueId, setZeroIfNotFound: false };
      const { code, fields: answer } = await bareRequest(address, RequestCode.QUERY_CONSUMER_OFFSET, fields);
      return [queueName(queue), code === 0 ? Number(answer["offset"]) : 0] as const;
    })),
  );
}

/** Gives the dead member's locks back in its name: what its broker does by itself after a minute. */
async function buryLocks(task: Assignment, clientId: string): Promise<void> {
  for (
    const { address, brokerName, queueId } of await queuesOf(task.namesrvAddr.split(";")[0]!, task.topic)
  ) {
    const mqSet = [{ topic: task.topic, brokerName, queueId }];
    const body = JSON.stringify({ consumerGroup: task.consumerGroup, clientId, mqSet });
    await bareCall(address, RequestCode.UNLOCK_BATCH_MQ, {}, body);
  }
}

/** Starts the next member in this process, and remembers which offsets of which queue it is handed. */
async function takeOver(t: Stage, task: Assignment): Promise<Map<string, Set<number>>> {
  const handed = new Map<string, Set<number>>();
  const next = createConsumer(memberConfig(task));
  t.defer(() => next.shutdown());
  next.subscribe(task.topic, "*", ({ queue, queueOffset }) => {
    const name = queueName(queue);
    const offsets = handed.get(name) ?? new Set();
    handed.set(name, offsets.add(queueOffset));
  });
  await next.start();
  return handed;
}

function killed(mode: string, how: string): Scenario {
  return {
    name:
      `kill -9, ${how}: all that was unsettled comes again, and of the settled only what no persist could cover`,
    timeoutMs: 180_000,
    async run(t) {
      const folder = t.temporaryFolder();
      const topic = await t.topic(`kill-${mode}`, { queues: 4 });
      const task: Assignment = {
        journal: `${folder}/journal`,
        mode,
        namesrvAddr: t.namesrvAddr,
        consumerGroup: t.name(`kill-${mode}`),
        topic,
        persistIntervalMs: PERSIST_EVERY_MS,
        offsetStorePath: `${folder}/offsets`,
      };
      await t.fill(topic, MESSAGES / 4, { tag: keyOf });
      // in order nothing can be stuck and others go on
      await t.fill(topic, MESSAGES * 3 / 4, {
        tag: keyOf,
        ...(mode !== "orderly" && { prefix: (at: number) => at % 40 === 39 ? "stuck-" : "" }),
      });
      const { journal, killedAt } = await killAtWork(t, task);
      // what it had written to its connections when it died is with the brokers by then
      await t.sleep(500);
      const persisted = await persistedOffsets(task);
      if (mode === "orderly" || mode === "byKey") {
        if (t.enduranceMs < LOCK_LIFE_MS) await buryLocks(task, journal.clientId!);
      }
      const handed = await takeOver(t, task);
      const ends = await queueEnds(task);
      await t.eventually("all that was unsettled has come again", () =>
        [...ends].every(([queue, end]) => {
          const settledAt = journal.queues.get(queue)?.settledAt;
          for (let offset = 0; offset < end; offset++) {
            if (!settledAt?.has(offset) && !handed.get(queue)?.has(offset)) return false;
          }
          return true;
        }), 90_000);
      await t.sleep(300);
      const repeats = checkRepeats({ journal, killedAt, persisted, handed });
      assert.ok(mode === "orderly" || repeats > 0, "messages above a stuck one come again");
    },
  };
}

/** By key, only the messages of one key are ever stuck. */
const keyOf = (at: number): string => `key-${at % 20}`;

/** Where each queue ends. */
async function queueEnds({ namesrvAddr, topic }: Assignment): Promise<Map<string, number>> {
  const queues = await queuesOf(namesrvAddr.split(";")[0]!, topic);
  return new Map(
    await Promise.all(queues.map(async (queue) => {
      const { fields } = await bareCall(queue.address, RequestCode.GET_MAX_OFFSET, {
        topic,
        queueId: queue.queueId,
      });
      return [queueName(queue), Number(fields["offset"])] as const;
    })),
  );
}

/** Holds what came again to its bound; gives how many settled messages did. */
function checkRepeats({ journal, killedAt, persisted, handed }: {
  journal: Journal;
  killedAt: number;
  persisted: ReadonlyMap<string, number>;
  handed: ReadonlyMap<string, ReadonlySet<number>>;
}): number {
  let repeats = 0, above = 0, since = 0;
  for (const [queue, offsets] of handed) {
    const from = persisted.get(queue)!;
    assert.ok(Math.min(...offsets) >= from, `${queue}: nothing below ${from} comes again`);
    const known = journal.queues.get(queue);
    if (known === undefined) continue;
    assert.ok(from <= known.lowestUnsettled(killedAt), `${queue}: ${from} is not beyond what was settled`);
    const lastPersist = killedAt - PERSIST_LATE_MS;
    const lowest = known.lowestUnsettled(lastPersist);
    assert.ok(lowest > 0 && from >= lowest, `${queue}: ${from} is older than a persist may be: ${lowest}`);
    for (const offset of offsets) {
      const settledAt = known.settledAt.get(offset);
      if (settledAt === undefined) continue;
      repeats++;
      if (offset > lowest) above++;
      else if (settledAt > lastPersist) since++;
    }
  }
  assert.equal(
    above + since,
    repeats,
    "each repeat lay above the lowest unsettled or is younger than a persist",
  );
  return repeats;
}

export const killPopping: Scenario = {
  name: "kill -9, popping: all that was unsettled comes again, and nothing whose ack the broker has answered",
  timeoutMs: 180_000,
  async run(t) {
    const topic = await t.topic("kill-popping", { queues: 4 });
    const proxy = await t.proxy();
    const acks = new AckWitness(proxy, topic);
    const task: Assignment = {
      journal: `${t.temporaryFolder()}/journal`,
      mode: "popping",
      namesrvAddr: proxy.namesrvAddr,
      consumerGroup: t.name("kill-popping"),
      topic,
      persistIntervalMs: PERSIST_EVERY_MS,
      offsetStorePath: "",
    };
    const next = await popping(t, { ...memberConfig(task), namesrvAddr: t.namesrvAddr });
    await t.fill(topic, MESSAGES, { prefix: (at: number) => at % 40 === 39 ? "stuck-" : "" });
    const { journal } = await killAtWork(t, task);
    const handed = new Set<string>();
    next.subscribe(topic, "*", ({ messageId }) => void handed.add(messageId));
    await next.start();
    const { queues: settled, places } = journal;
    await t.eventually(
      "all that was unsettled has come again",
      () => settled.size + [...handed].filter((id) => !settled.has(id)).length === MESSAGES,
      90_000,
    );
    await t.sleep(8_000); // more than what is hidden stays so
    const answered = [...places].filter(([, place]) => acks.answered.has(place)).map(([id]) => id);
    assert.deepEqual(
      answered.filter((id) => handed.has(id)),
      [],
      "whose ack was answered does not come again",
    );
    assert.deepEqual(
      answered.filter((id) => !settled.has(id)),
      [],
      "nothing is acknowledged before it is settled",
    );
    assert.ok(answered.length > 100, `${answered.length} acks were answered before the kill`);
  },
};

export const killConcurrent: Scenario = killed("concurrent", "concurrent");
export const killOrderly: Scenario = killed("orderly", "in order");
export const killByKey: Scenario = killed("byKey", "by key");
export const killBroadcasting: Scenario = killed("broadcasting", "broadcasting with a file of offsets");
