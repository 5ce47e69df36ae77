/**
 * A name server and brokers on a memory network that say what a test tells them to.
 *
 * Every send that reaches a broker is written down, then answered by `answer`: by default as stored. Nothing is kept;
 * what a real broker would do with a message is the embedded broker's business.
 */
import { seededRandom } from "../../../src/core/random.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { decodeProperties } from "../../../src/message/properties.ts";
import { createProducer, type Producer } from "../../../src/producer/producer.ts";
import type { ProducerOptions } from "../../../src/producer/options.ts";
import type { InboundRequest, OutboundReply } from "../../../src/remoting/call.ts";
import { Channel } from "../../../src/remoting/channel.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory.ts";
import type { Listener } from "../../../src/transport/seam.ts";

/** A send as a broker saw it. */
export interface SeenSend {
  readonly broker: string;
  readonly code: number;
  readonly oneway: boolean;
  readonly header: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly request: InboundRequest;
}

/** What to say to a send; `undefined` says nothing. */
export type Answer = (send: SeenSend, number: number) => OutboundReply | undefined | Promise<OutboundReply>;

/** How many queues of a topic each broker has. */
export type Topics = Record<string, Record<string, number>>;

const SEND_CODES = new Set([10, 310, 320, 324, 325]);
const NAME_SERVER = { host: "10.0.0.9", port: 9876 };
const BROKER_PORT = 10911;

/** The answer of a broker that stored the message. */
export function stored(send: SeenSend, more: Record<string, string> = {}, code = 0): OutboundReply {
  return {
    code,
    extFields: {
      msgId: "7F00000100002A9F00000000000003E8",
      queueId: send.header.e ?? "0",
      queueOffset: "5",
      transactionId: send.properties.UNIQ_KEY ?? "",
      TRACE_ON: "true",
      MSG_REGION: "DefaultRegion",
      ...more,
    },
  };
}

/** The cluster. */
export class ScriptedCluster {
  readonly clock = new ManualClock();
  readonly random = seededRandom(7);
  readonly network: MemoryNetwork = createMemoryNetwork({ clock: this.clock, random: seededRandom(8) });
  readonly sends: SeenSend[] = [];
  readonly others: {
    place: string;
    code: number;
    header: Record<string, string>;
    request: InboundRequest;
  }[] = [];
  readonly lines: string[] = [];
  topics: Topics;
  answer: Answer = (send) => stored(send);
  /** Answers requests that are no sends; `undefined` for the default. */
  answerOther: (code: number, header: Record<string, string>) => OutboundReply | undefined = () => undefined;
  readonly #listeners: Listener[] = [];
  readonly #channels = new Set<Channel>();
  #producers: Producer[] = [];

  constructor(topics: Topics) {
    this.topics = topics;
  }

  /** Address of a broker's master, made of the place of its name in the alphabet. */
  brokerHost(name: string): string {
    return `10.0.1.${name.charCodeAt(name.length - 1)}`;
  }

  /** Starts listening: the name server and each broker that a topic names. */
  async start(): Promise<void> {
    const names = new Set(Object.values(this.topics).flatMap((brokers) => Object.keys(brokers)));
    await this.#listen(NAME_SERVER, (request) => this.#onNameServer(request));
    for (const name of names) {
      const address = { host: this.brokerHost(name), port: BROKER_PORT };
      await this.#listen(address, (request) => this.#onBroker(name, request));
    }
  }

  /** A producer of this cluster, shut down with it. */
  producer(options: Partial<ProducerOptions> & Record<string, unknown> = {}): Producer {
    const record = (message: string): void => void this.lines.push(message);
    const producer = createProducer(
      { producerGroup: "PG", namesrvAddr: "10.0.0.9:9876", instanceName: "test", ...options } as Parameters<
        typeof createProducer
      >[0],
      {
        connect: this.network.connect,
        clock: this.clock,
        random: this.random,
        logger: { ...silentLogger, warn: record, error: record },
      },
    );
    this.#producers.push(producer);
    return producer;
  }

  /** Shuts everything down. */
  async stop(): Promise<void> {
    for (const producer of this.#producers) await producer.shutdown();
    for (const listener of this.#listeners) await listener.close();
    for (const channel of this.#channels) channel.close();
    for (const channel of this.#channels) await channel.closed;
  }

  async #listen(
    address: { host: string; port: number },
    onRequest: (request: InboundRequest) => OutboundReply | undefined | Promise<OutboundReply>,
  ): Promise<void> {
    const { clock } = this;
    this.#listeners.push(
      await this.network.listen(address, {
        onDuplex: (duplex) => {
          this.#channels.add(new Channel(duplex, { clock, onRequest }));
        },
      }),
    );
  }

  #onNameServer(request: InboundRequest): OutboundReply {
    const { topic = "" } = request.command.extFields ?? {};
    this.others.push({ place: "namesrv", code: request.command.code, header: { topic }, request });
    const brokers = this.topics[topic];
    if (brokers === undefined) {
      return { code: 17, remark: `No topic route info in name server for the topic: ${topic}` };
    }
    const route = {
      brokerDatas: Object.keys(brokers).map((brokerName) => ({
        brokerName,
        cluster: "DefaultCluster",
        brokerAddrs: { 0: `${this.brokerHost(brokerName)}:${BROKER_PORT}` },
      })),
      queueDatas: Object.entries(brokers).map(([brokerName, count]) => ({
        brokerName,
        readQueueNums: count,
        writeQueueNums: count,
        perm: 6,
        topicSysFlag: 0,
      })),
      filterServerTable: {},
    };
    return { code: 0, body: new TextEncoder().encode(JSON.stringify(route)) };
  }

  #onBroker(broker: string, request: InboundRequest): OutboundReply | undefined | Promise<OutboundReply> {
    const { command: { code, extFields = {} }, body, oneway } = request;
    if (!SEND_CODES.has(code)) {
      this.others.push({ place: broker, code, header: extFields, request });
      return this.answerOther(code, extFields) ?? { code: 0, extFields: {} };
    }
    const properties = decodeProperties(extFields.i ?? "");
    const send: SeenSend = {
      broker,
      code,
      oneway,
      header: extFields,
      properties,
      body: body.slice(),
      request,
    };
    this.sends.push(send);
    return this.answer(send, this.sends.length);
  }
}

/** Runs `body` with a cluster, then shuts it down and sees that nothing is left. */
export async function withCluster(
  topics: Topics,
  body: (cluster: ScriptedCluster) => Promise<void>,
): Promise<void> {
  const cluster = new ScriptedCluster(topics);
  await cluster.start();
  try {
    await body(cluster);
  } finally {
    await cluster.stop();
  }
}

/** A started producer of `cluster`. */
export async function started(
  cluster: ScriptedCluster,
  options: Partial<ProducerOptions> & Record<string, unknown> = {},
): Promise<Producer> {
  const producer = cluster.producer(options);
  await producer.start();
  return producer;
}
