/**
 * A member of a group that writes down what it is handed and what it settles, until it is killed.
 *
 *   journalist.ts '{ "journal": file, "mode": …, "namesrvAddr": …, "consumerGroup": …, "topic": …, "offsetStorePath"?: folder }'
 *
 * Lines of the journal: `client <id>`, then `out <queue> <offset>` and `settled <queue> <offset> <ms since the epoch>`, each in the file
 * before anything else happens. A message that was popped comes again in another queue, so its id and 0 stand there, and behind
 * `out` where it was: `<queue id> <offset>`. Messages that say "stuck" are never done with.
 */
import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { type ConsumerConfig, createConsumer } from "@contrail/rocketmq";

/** What the journalist is told. */
export interface Assignment {
  readonly journal: string;
  readonly mode: string;
  readonly namesrvAddr: string;
  readonly consumerGroup: string;
  readonly topic: string;
  readonly persistIntervalMs: number;
  /** Folder of the offset file, where the mode keeps one. */
  readonly offsetStorePath: string;
}

/** How each mode is configured; the scenario's second member is configured alike. */
export const MODES: Record<string, (task: Assignment) => Partial<ConsumerConfig>> = {
  concurrent: () => ({}),
  orderly: () => ({ ordering: "orderly" }),
  byKey: () => ({ ordering: { by: (message) => message.tag ?? "" } }),
  popping: () => ({ messageRequestMode: "POP", popInvisibleTimeMs: 5_000, consumeTimeoutMs: 300_000 }),
  broadcasting: ({ offsetStorePath }) => ({ messageModel: "BROADCASTING", offsetStorePath }),
};

/** The whole configuration of a member. */
export function memberConfig(task: Assignment): ConsumerConfig {
  const { mode, namesrvAddr, consumerGroup, persistIntervalMs } = task;
  return {
    namesrvAddr,
    consumerGroup,
    persistIntervalMs,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    ...MODES[mode]!(task),
  };
}

async function main(task: Assignment): Promise<void> {
  const file = openSync(task.journal, "a");
  const note = (line: string): void => void writeSync(file, `${line}\n`);
  const consumer = createConsumer(memberConfig(task));
  consumer.subscribe(task.topic, "*", async (message) => {
    const { queue: { brokerName, queueId }, queueOffset } = message;
    const place = task.mode === "popping"
      ? `${message.messageId} 0`
      : `${brokerName}:${queueId} ${queueOffset}`;
    note(`out ${place} ${queueId} ${queueOffset}`);
    if (message.text().startsWith("stuck")) await new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
    message.ack();
    note(`settled ${place} ${Date.now()}`);
  });
  await consumer.start();
  note(`client ${consumer.client.clientId}`);
}

const [task] = process.argv.slice(2);
if (task !== undefined && process.argv[1]?.endsWith("journalist.ts")) {
  await main(JSON.parse(task) as Assignment);
}
