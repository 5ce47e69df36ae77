/**
 * A cluster of scripted servers: one name server, brokers as asked for, and a client in their world.
 */
import { createClient, type RocketMQClient } from "../../../src/client/client.ts";
import type { ConsumerMember, ProducerMember } from "../../../src/client/members.ts";
import type { ClientOptions } from "../../../src/client/options.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { topicRouteData } from "../../../src/protocol/bodies.ts";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { inTestWorld, type ScriptedServer, type TestWorld } from "../remoting/scripted_server.ts";

/** Where the name server listens. */
export const NAME_SERVER = "10.1.0.1:9876";
/** Where brokers listen, by name: master first, then slaves with the ids 1, 2, …. */
export type Brokers = Record<string, string[]>;

/** Accepts everything. */
export const accepting: RequestHandler = () => ({ code: 0 });

/** What a test works with. */
export interface TestCluster {
  readonly world: TestWorld;
  readonly client: RocketMQClient;
  readonly nameServer: ScriptedServer;
  /** By address. */
  readonly brokers: ReadonlyMap<string, ScriptedServer>;
  /** Queues per broker by topic; a topic that is not here does not exist. */
  readonly topics: Map<string, number>;
  /** What routes say about brokers; may be changed. */
  readonly addresses: Brokers;
}

/** Runs `body` with a client that has not started; shuts it down afterwards. */
export async function withCluster(
  addresses: Brokers,
  body: (cluster: TestCluster) => Promise<void>,
  options: Partial<ClientOptions> = {},
): Promise<void> {
  await inTestWorld(async (world) => {
    const topics = new Map([["T", 4]]);
    const nameServer = await world.server(NAME_SERVER, ({ command }) => {
      const queues = topics.get(command.extFields!.topic!);
      return queues === undefined ? { code: 17 } : { code: 0, body: routeBody(addresses, queues) };
    });
    const brokers = new Map<string, ScriptedServer>();
    for (const address of Object.values(addresses).flat()) {
      brokers.set(address, await world.server(address, accepting));
    }
    const client = createClient({ namesrvAddr: NAME_SERVER, ...options }, {
      connect: world.network.connect,
      clock: world.clock,
      random: world.random,
      pid: 7,
      logger: silentLogger,
    });
    try {
      await body({ world, client, nameServer, brokers, topics, addresses });
    } finally {
      await world.clock.runUntil(client.shutdown());
    }
  });
}

function routeBody(addresses: Brokers, queues: number): Uint8Array {
  return topicRouteData.write({
    filterServerTable: {},
    brokerDatas: Object.entries(addresses).map(([brokerName, list]) => ({
      brokerName,
      brokerAddrs: new Map(list.map((address, id) => [id, address])),
      enableActingMaster: false,
    })),
    queueDatas: Object.keys(addresses).map((brokerName) => ({
      brokerName,
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: 6,
      topicSysFlag: 0,
    })),
  });
}

/** A consumer of group "CG" and topic "T" that writes down what it is told. */
export function consumerMember(
  told: string[],
  parts: Partial<ConsumerMember> = {},
): ConsumerMember {
  return {
    kind: "consumer",
    group: "CG",
    heartbeat: () => ({
      groupName: "CG",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      subscriptionDataSet: [],
      unitMode: false,
    }),
    topics: () => ["T"],
    onMembersChanged: () => told.push("members"),
    onRouteChanged: (topic) => told.push(`route ${topic}`),
    onBrokerConnected: (brokerName) => told.push(`connected ${brokerName}`),
    ...parts,
  };
}

/** A producer of group "PG" and topic "T". */
export function producerMember(parts: Partial<ProducerMember> = {}): ProducerMember {
  return { kind: "producer", group: "PG", topics: () => ["T"], ...parts };
}
