/**
 * A client made of nothing but a channel, for tests that speak to the embedded cluster request by request.
 */
import { seededRandom } from "../../../src/core/random.ts";
import { encodeProperties } from "../../../src/message/properties.ts";
import { heartbeatData } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { parseSubscription } from "../../../src/protocol/subscription_data.ts";
import { parseAddress } from "../../../src/remoting/address.ts";
import type { InboundRequest, OutboundReply, Reply } from "../../../src/remoting/call.ts";
import { Channel } from "../../../src/remoting/channel.ts";
import {
  type ClusterOptions,
  ManualClock,
  startCluster,
  type TestCluster,
} from "../../../src/testing/mod.ts";
import { createMemoryNetwork } from "../../../src/transport/memory.ts";
import type { Fields, Of, Operation } from "../../../src/wire/schema.ts";
import { decodeRecord, type StoredRecord } from "../../../src/wire/record.ts";

/** A cluster on a network in memory, on a manual clock. */
export interface Stage {
  readonly cluster: TestCluster;
  readonly clock: ManualClock;
  dial(address?: string, language?: string): Promise<Client>;
  stop(): Promise<void>;
}

/** Starts a cluster that only this test sees. */
export async function stage(options: ClusterOptions = {}): Promise<Stage> {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const { connect, listen } = createMemoryNetwork({ clock, random });
  const cluster = await startCluster({ clock, random, connect, listen, ...options });
  const clients: Client[] = [];
  return {
    cluster,
    clock,
    async dial(address = cluster.brokerAddress(cluster.brokers[0]!), language = "JAVA") {
      const client = new Client(clock);
      client.channel = new Channel(await connect(parseAddress(address)), {
        clock,
        language,
        onRequest: (request) => client.serve(request),
      });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.channel.close();
      await Promise.all(clients.map((client) => client.channel.closed));
      await cluster.stop();
    },
  };
}

/** The bare client. */
export class Client {
  readonly clock: ManualClock;
  channel!: Channel;
  /** Requests that the server made. */
  readonly received: InboundRequest[] = [];
  /** What the server's requests are answered with. */
  onRequest: (request: InboundRequest) => OutboundReply | undefined = () => ({ code: 0 });

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  serve(request: InboundRequest): OutboundReply | undefined {
    this.received.push(request);
    return this.onRequest(request);
  }

  /** Makes a call; codes that are no answer come back as replies too. */
  async call<Q extends Fields, R extends Fields>(
    operation: Operation<Q, R>,
    header: Of<Q>,
    body?: Uint8Array,
  ): Promise<
    {
      code: number;
      remark: string | undefined;
      header: Of<R>;
      body: Uint8Array;
      fields: Record<string, string>;
    }
  > {
    const any = {
      ...operation,
      response: {},
      answers: { includes: () => true } as unknown as readonly number[],
    };
    const reply = await this.channel.call(any as Operation<Q, Record<never, never>>, header, {
      timeoutMs: 60_000,
      body,
    }) as Reply<Record<never, never>>;
    const fields = reply.extFields as Record<string, string>;
    const read: Record<string, unknown> = {};
    for (const [name, kind] of Object.entries(operation.response)) {
      const text = fields[kind.wireName ?? name];
      if (text !== undefined) read[name] = kind.read(text);
    }
    return { code: reply.code, remark: reply.remark, header: read as Of<R>, body: reply.body, fields };
  }

  /** Sends one message. */
  send(topic: string, queueId: number, text: string, properties: Record<string, string> = {}, more = {}) {
    return this.call(operations.sendMessageV2, {
      producerGroup: "PG",
      topic,
      defaultTopic: "TBW102",
      defaultTopicQueueNums: 4,
      queueId,
      sysFlag: 0,
      bornTimestamp: this.clock.now(),
      flag: 0,
      properties: encodeProperties(properties),
      ...more,
    }, new TextEncoder().encode(text));
  }

  /** Pulls with an expression of its own. */
  pull(
    topic: string,
    queueId: number,
    queueOffset: number,
    more: Partial<Of<typeof operations.pullMessage.request>> = {},
  ) {
    return this.call(operations.pullMessage, {
      consumerGroup: "CG",
      topic,
      queueId,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: 4,
      commitOffset: 0,
      suspendTimeoutMillis: 15_000,
      subVersion: 0,
      subscription: "*",
      ...more,
    });
  }

  /** Sends a heartbeat as a member of one consumer group. */
  heartbeat(
    clientId: string,
    group: string,
    topics: Record<string, string>,
    more: { version?: number; model?: "CLUSTERING" | "BROADCASTING" } = {},
  ) {
    return this.call(
      operations.heartBeat,
      {},
      heartbeatData.write({
        clientID: clientId,
        producerDataSet: [{ groupName: "PG" }],
        consumerDataSet: [{
          groupName: group,
          consumeType: "CONSUME_PASSIVELY",
          messageModel: more.model ?? "CLUSTERING",
          consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
          subscriptionDataSet: Object.entries(topics).map(([topic, expression]) =>
            parseSubscription(topic, expression, "TAG", more.version ?? 1)
          ),
          unitMode: false,
        }],
        heartbeatFingerprint: 0,
        withoutSub: false,
      }),
    );
  }
}

/** The records of a body. */
export function recordsOf(body: Uint8Array): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = 0; at < body.length;) {
    const record = decodeRecord(body, at);
    records.push(record);
    at = record.end;
  }
  return records;
}

/** The bodies of records as texts. */
export function textsOf(body: Uint8Array): string[] {
  return recordsOf(body).map((record) => new TextDecoder().decode(record.body));
}
