/**
 * Wrong options, wrong addresses and bytes that are no protocol: a named error that says what was attempted and what was met.
 */
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type ConsumerConfig, createConsumer, createProducer, type ProducerConfig } from "@contrail/rocketmq";
import { RequestCode } from "../bare_request.ts";
import type { Scenario, Stage } from "../scenario.ts";

interface Told extends Error {
  readonly code: string;
  readonly facts: { readonly problems?: readonly { readonly path: string }[] };
}

/** Every message of an error and what caused it. */
function story(error: unknown): string {
  const told: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) told.push(`${each.name}: ${each.message}`);
  return told.join("\n");
}

/** What `attempt` throws. */
async function failure(attempt: () => unknown): Promise<Told> {
  try {
    await attempt();
  } catch (error) {
    return error as Told;
  }
  assert.fail("it succeeded");
}

/** A server that nobody would want: it says `bytes` to whoever asks anything, or goes when there are none. */
async function badServer(t: Stage, bytes: Uint8Array | undefined): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => {
      if (bytes === undefined) socket.destroy();
      else socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address that nobody listens at. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

const LONG_FRAME: Uint8Array = Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 10, 1, 2, 3, 4]);
const GARBAGE_HEADER: Uint8Array = Buffer.concat([
  Buffer.from([0, 0, 0, 14, 0, 0, 0, 10]),
  Buffer.from("{not json}"),
]);

export const wrongOptions: Scenario = {
  name: "wrong options are told all at once, each with its path, before any I/O",
  async run() {
    const consumerConfig = {
      consumerGroup: "a group",
      pullBatchSize: 0,
      consumeTimeoutMs: "soon",
      consumeFromWhere: "SOMEWHERE",
      consumeConcurrencyMin: 30,
      consumeConcurrencyMax: 20,
    } as unknown as ConsumerConfig;
    const consumer = await failure(() => createConsumer(consumerConfig));
    assert.equal(consumer.code, "CONFIG");
    const paths = consumer.facts.problems!.map(({ path }) => path);
    for (
      const path of ["consumerGroup", "pullBatchSize", "consumeTimeoutMs", "consumeFromWhere", "namesrvAddr"]
    ) {
      assert.ok(paths.includes(path), `${path} is among ${paths}`);
      assert.ok(consumer.message.includes(path), consumer.message);
    }
    const crossed = await failure(() =>
      createConsumer({
        consumerGroup: "g",
        namesrvAddr: "localhost:9876",
        consumeConcurrencyMin: 30,
        consumeConcurrencyMax: 20,
      })
    );
    assert.deepEqual(crossed.facts.problems!.map(({ path }) => path), ["consumeConcurrencyMin"]);

    const producerConfig = {
      producerGroup: "",
      sendTimeoutMs: -1,
      namesrvAddr: "nonsense",
    } as ProducerConfig;
    const producer = await failure(() => createProducer(producerConfig));
    assert.equal(producer.code, "CONFIG");
    assert.deepEqual(
      producer.facts.problems!.map(({ path }) => path.split(".")[0]).toSorted(),
      ["namesrvAddr", "producerGroup", "sendTimeoutMs"],
    );
  },
};

export const explicitUndefined: Scenario = {
  name: "an explicit undefined means the default",
  async run(t) {
    const topic = await t.topic("undefined", { queues: 1 });
    await t.fill(topic, 1);
    const consumer = t.consumer({ pullBatchSize: undefined, listener: undefined, credentials: undefined });
    consumer.subscribe(topic, undefined);
    await consumer.start({});
    for await (const message of consumer.messages({})) {
      assert.equal(message.text(), "0");
      break;
    }
  },
};

export const wrongSubscriptions: Scenario = {
  name: "a wrong topic or selector is refused by subscribe(), with the value met",
  async run(t) {
    const consumer = t.consumer();
    const topic = await failure(() => consumer.subscribe("a b"));
    assert.equal(topic.code, "INVALID_TOPIC");
    assert.match(topic.message, /^Cannot subscribe.*a b/);
    assert.equal((await failure(() => consumer.subscribe(""))).code, "INVALID_TOPIC");
    assert.equal((await failure(() => consumer.subscribe("orders", "||"))).code, "INVALID_SELECTOR");
    assert.equal((await failure(() => consumer.unsubscribe("orders"))).code, "TOPIC_NOT_SUBSCRIBED");
  },
};

export const noNameServer: Scenario = {
  name: "with no name server start() rejects, names every address and leaves nothing behind",
  async run(t) {
    const addresses = [await deadAddress(), await deadAddress()];
    const consumer = t.consumer({ namesrvAddr: addresses, connectTimeoutMs: 1_000, requestTimeoutMs: 1_000 });
    consumer.subscribe("orders", "*", () => {});
    const error = await failure(() => consumer.start());
    assert.equal(error.code, "CONSUMER_START");
    for (const address of addresses) assert.ok(story(error).includes(address), story(error));
    assert.match(error.message, /^Cannot start consumer/);

    const failing = createProducer({ producerGroup: t.name("failing"), namesrvAddr: addresses });
    const produced = await failure(() =>
      failing.start().then(() => failing.send({ topic: "orders", body: "x" }))
    );
    for (const address of addresses) assert.ok(story(produced).includes(address), story(produced));
    await failing.shutdown();
  },
};

export const startCanBeRetried: Scenario = {
  name: "a bad name server in the list is passed over",
  async run(t) {
    const topic = await t.topic("passed-over", { queues: 1 });
    const sent = await t.fill(topic, 5);
    const bad = [await deadAddress(), await badServer(t, LONG_FRAME), await badServer(t, undefined)];
    for (const address of bad) {
      const consumer = t.consumer({
        consumerGroup: t.name(`over-${address.split(":")[1]}`),
        namesrvAddr: [address, ...t.namesrvAddr.split(";")],
        requestTimeoutMs: 1_000,
      });
      consumer.subscribe(topic);
      const { bodies } = t.collect(consumer);
      await consumer.start();
      await t.eventually("all are consumed", () => bodies.length === sent.length);
      await consumer.shutdown();
    }
  },
};

function badNameServer(name: string, bytes: Uint8Array | undefined, expected: RegExp): Scenario {
  return {
    name,
    async run(t) {
      const address = await badServer(t, bytes);
      const consumer = t.consumer({ namesrvAddr: address, requestTimeoutMs: 2_000 });
      consumer.subscribe("orders", "*", () => {});
      const error = await failure(() => consumer.start());
      assert.equal(error.code, "CONSUMER_START");
      assert.ok(story(error).includes(address), story(error));
      assert.match(story(error), expected);
    },
  };
}

export const longFrame: Scenario = badNameServer(
  "a frame that claims to be too long closes its connection with the length and the limit, and allocates nothing",
  LONG_FRAME,
  /2147483647/,
);

export const garbageHeader: Scenario = badNameServer(
  "a frame with a garbage header closes its connection with an error that says so",
  GARBAGE_HEADER,
  /header/i,
);

export const hangUp: Scenario = badNameServer(
  "a server that hangs up on every request is a network error with its address",
  undefined,
  /clos|reset|end/i,
);

/** A damaged answer to one pull: the connection goes, the queue is pulled again, nothing is lost. */
function damagedPull(name: string, damage: Buffer | "tear"): Scenario {
  return {
    name,
    async run(t) {
      const topic = await t.topic("damaged", { queues: 2 });
      const proxy = await t.proxy();
      const sent = await t.fill(topic, 60);
      let damaged = 0;
      proxy.tamper = ({ requestCode, requestFields, header }) => {
        const { topic: pulled, queueId } = requestFields;
        if (requestCode !== RequestCode.PULL_MESSAGE || pulled !== topic || queueId !== "0") return;
        if (header.code !== 0 || damaged === 2) return;
        damaged++;
        return damage;
      };
      const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr });
      consumer.subscribe(topic);
      const { bodies } = t.collect(consumer);
      await consumer.start();
      await t.eventually("all are consumed", () => new Set(bodies).size === sent.length, 30_000);
      assert.equal(damaged, 2);
      await consumer.shutdown();
      assert.deepEqual(bodies.toSorted(), sent.toSorted());
      assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
    },
  };
}

export const tornPull: Scenario = damagedPull(
  "a connection that is torn in the middle of a frame is made anew, and the queue pulled again",
  "tear",
);

export const longPull: Scenario = damagedPull(
  "a frame too long from a broker closes that connection only, and the queue is pulled again",
  Buffer.from(LONG_FRAME),
);

export const garbagePull: Scenario = damagedPull(
  "a garbage header from a broker closes that connection only, and the queue is pulled again",
  Buffer.from(GARBAGE_HEADER),
);
