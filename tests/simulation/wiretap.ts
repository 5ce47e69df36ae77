/**
 * What passes between members and servers: watched for the checkers, and sometimes lost or held up.
 *
 * Picture a clerk at every server's door. Requests of the kinds below go through their hands; they note commits, send-backs and
 * answers that move a member, and while the network is said to lose frames they draw for each what becomes of it.
 */
import type { Random } from "../../src/core/random.ts";
import { batchAckRequest } from "../../src/protocol/bodies.ts";
import { queueKey } from "../../src/protocol/message_queue.ts";
import { retryTopic } from "../../src/protocol/names.ts";
import { ResponseCode } from "../../src/protocol/response_codes.ts";
import type { FaultTarget, InboundRequest, OutboundReply, TestCluster } from "../../src/testing/mod.ts";
import { GROUP, type Ledger, TOPIC } from "./ledger.ts";
import type { Moves } from "./moves.ts";
import type { OffsetRules } from "./offset_rules.ts";
import type { SimClock } from "./sim_clock.ts";

/** What is watched at brokers. */
const WATCHED: readonly FaultTarget[] = [
  "pullMessage",
  "litePullMessage",
  "updateConsumerOffset",
  "queryConsumerOffset",
  "consumerSendMsgBack",
  "sendMessageV2",
  "sendBatchMessage",
  "heartBeat",
  "getConsumerListByGroup",
  "lockBatchMq",
  "unlockBatchMq",
  "popMessage",
  "ackMessage",
  "batchAckMessage",
  "changeMessageInvisibleTime",
  "queryAssignment",
];

/** How bad the network is. */
export interface Weather {
  /** Chance that a request or its answer is lost. */
  lossChance: number;
  /** Chance that an answer is held up, and for how long at most, in milliseconds. */
  delayChance: number;
  delayMs: number;
  /** Chance that a connection breaks at a request. */
  breakChance: number;
}

/** Good weather. */
export const CALM: Readonly<Weather> = { lossChance: 0, delayChance: 0, delayMs: 0, breakChance: 0 };

/** Between two connections that break, in milliseconds: what breaks makes members talk, and who talks is who breaks. */
const BREAK_PAUSE_MS = 500;

type Proceed = () => Promise<OutboundReply | undefined>;

/** The clerks of a cluster. */
export class Wiretap {
  /** How bad the network is now. */
  weather: Weather = { ...CALM };
  /** While set, name servers answer as they did at that time. */
  staleRoutes = false;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #rules: OffsetRules;
  readonly #moves: Moves;
  readonly #routes = new Map<string, OutboundReply>();
  /** No connection breaks before. */
  #calmUntil = 0;

  /** Watches `cluster` from now on. */
  constructor(
    cluster: TestCluster,
    world: { clock: SimClock; random: Random; ledger: Ledger; rules: OffsetRules; moves: Moves },
  ) {
    this.#clock = world.clock;
    this.#random = world.random;
    this.#ledger = world.ledger;
    this.#rules = world.rules;
    this.#moves = world.moves;
    for (const at of [...cluster.brokers, ...cluster.slaves]) {
      for (const operation of WATCHED) {
        cluster.once(operation, (request, proceed) => this.#pass(at, operation, request, proceed), {
          at,
          times: Infinity,
        });
      }
    }
    cluster.once("getRouteInfoByTopic", (request, proceed) => this.#route(request, proceed), {
      times: Infinity,
    });
  }

  async #pass(
    at: string,
    operation: FaultTarget,
    request: InboundRequest,
    proceed: Proceed,
  ): Promise<OutboundReply | undefined> {
    const { lossChance, breakChance, delayChance, delayMs } = this.weather;
    const draw = this.#random.next();
    if (draw < lossChance / 2) return undefined;
    if (draw > 1 - breakChance && this.#clock.now() >= this.#calmUntil) {
      this.#calmUntil = this.#clock.now() + BREAK_PAUSE_MS;
      request.channel.close();
      return undefined;
    }
    const reply = await proceed();
    if (reply !== undefined) this.#watch(at, operation, request, reply);
    if (draw < lossChance) return undefined;
    if (this.#random.next() < delayChance) await this.#clock.sleep(1 + this.#random.int(delayMs));
    return reply;
  }

  #watch(at: string, operation: FaultTarget, request: InboundRequest, reply: OutboundReply): void {
    const broker = at.replace(/-slave-\d+$/, "");
    const fields = request.command.extFields ?? {};
    const host = request.channel.remote.host;
    const { topic = "", queueId } = fields;
    const queue = queueKey({ topic, brokerName: broker, queueId: Number(queueId) });
    const ok = reply.code === ResponseCode.SUCCESS;
    switch (operation) {
      case "updateConsumerOffset":
        if (ok && topic === TOPIC) this.#rules.committed(host, queue, Number(fields["commitOffset"]));
        break;
      case "queryConsumerOffset":
        this.#rules.beginsAnew(host, queue);
        break;
      case "pullMessage":
      case "litePullMessage":
        if (reply.code === ResponseCode.PULL_OFFSET_MOVED) this.#moved(host, queue);
        else if (ok && at !== broker) this.#ledger.counts.servedBySlaves++;
        break;
      case "ackMessage":
        if (ok && topic === TOPIC) this.#rules.acked(host, queue, Number(fields["offset"]));
        break;
      case "batchAckMessage":
        for (const each of ok ? batchAckRequest.read(request.body).acks : []) {
          if (each.topic !== TOPIC || each.retry !== "0") continue;
          const acked = queueKey({ topic: TOPIC, brokerName: broker, queueId: each.queueId });
          for (const bit of each.bitSet ?? []) this.#rules.acked(host, acked, Number(each.startOffset) + bit);
        }
        break;
      case "consumerSendMsgBack":
        if (ok) this.#ledger.sentBack(broker, Number(fields["offset"]));
        break;
      case "sendMessageV2":
        if (ok && fields["b"] === retryTopic(GROUP)) this.#sentAsNew(fields["i"] ?? "");
        break;
    }
  }

  /** A broker tells a member to go on elsewhere. */
  #moved(host: string, queue: string): void {
    this.#rules.beginsAnew(host, queue);
    this.#moves.forgetQueue(queue);
  }

  /** A send-back that took the form of a new message names the one that it stands for. */
  #sentAsNew(properties: string): void {
    const id = /(?:^|\x02)ORIGIN_MESSAGE_ID\x01([0-9A-F]+)/.exec(properties)?.[1];
    if (id !== undefined) this.#ledger.sentBackById(id);
  }

  async #route(request: InboundRequest, proceed: Proceed): Promise<OutboundReply | undefined> {
    const topic = request.command.extFields?.["topic"] ?? "";
    const old = this.#routes.get(topic);
    if (this.staleRoutes && old !== undefined) return old;
    const reply = await proceed();
    if (reply !== undefined) this.#routes.set(topic, reply);
    return reply;
  }
}
