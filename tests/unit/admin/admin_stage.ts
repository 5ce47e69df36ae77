/**
 * A consumer of topic T (two queues) on an embedded cluster, and the admin app over it.
 */
import {
  type Consumer,
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumer,
  createProducer,
  type Producer,
} from "../../../mod.ts";
import { type AdminAppOptions, createAdminApp } from "../../../src/admin/mod.ts";
import { EventQueue } from "../../../src/core/event_queue.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { startCluster, type TestCluster } from "../../../src/testing/mod.ts";

/** The token of tests. */
export const TOKEN = "let-me-in-0123456789";

/** What a test plays with. */
export interface AdminStage {
  readonly app: ReturnType<typeof createAdminApp>;
  readonly cluster: TestCluster;
  readonly consumer: Consumer;
  readonly producer: Producer;
  /** GET with the token. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** POST of JSON with the token. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** Runs `play`; options of the app beside the members. */
export async function onAdminStage(
  play: (stage: AdminStage) => Promise<void>,
  { config = {}, topic = "T", ...options }: AdminAppOptions & {
    config?: Partial<ConsumerConfig>;
    topic?: string;
  } = {},
): Promise<void> {
  const cluster = await startCluster({ topics: { [topic]: 2 }, broker: { delayLevelsMs: [20, 20, 20] } });
  const world = { logger: silentLogger };
  const { namesrvAddr } = cluster;
  const consumer = createConsumer({
    namesrvAddr,
    consumerGroup: "G",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageTrace: false,
    credentials: { accessKey: "who", secretKey: "do-not-tell" },
    ...config,
  }, world);
  const producer = createProducer({ namesrvAddr, producerGroup: "P" }, world);
  const app = createAdminApp({ consumers: [consumer], producers: [producer], token: TOKEN, ...options });
  const authorization = `Bearer ${TOKEN}`;
  try {
    await producer.start();
    await play({
      app,
      cluster,
      consumer,
      producer,
      get: async (path, headers) => await app.request(path, { headers: { authorization, ...headers } }),
      post: async (path, body, headers) =>
        await app.request(path, {
          method: "POST",
          headers: { authorization, "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        }),
    });
  } finally {
    await consumer.shutdown();
    await producer.shutdown();
    await cluster.stop();
  }
}

/** A consumer of which nothing but its events is asked. */
export function eventful() {
  const queues: EventQueue<ConsumerEvent>[] = [];
  const events = () => {
    const queue = new EventQueue<ConsumerEvent>(10_000, () => queues.splice(queues.indexOf(queue), 1));
    queues.push(queue);
    return queue;
  };
  return { queues, consumer: { consumerGroup: "G", events } as unknown as Consumer };
}

/** Waits until `holds`. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
