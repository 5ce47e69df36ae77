/**
 * The way of a message to a broker: choose a queue, send, and on failure try another broker, all within one deadline.
 *
 * Every attempt gets the time that is left, never a fresh timeout. A queue that the caller chose is tried once: no other
 * would be right. Agrees with Java's DefaultMQProducerImpl (sendDefaultImpl, sendSelectImpl, sendKernelImpl).
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerNotAvailableError, NetworkError, TimeoutError, ValidationError } from "../core/errors.ts";
import type { Message } from "../message/message.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { sendMessageV2 } from "../protocol/operations.ts";
import { deadlineIn } from "../time/deadline.ts";
import type { Of } from "../wire/schema.ts";
import { LatencyFaults } from "./latency_faults.ts";
import type { Outgoing } from "./outgoing.ts";
import { brokerOf, type PublishRoute, type PublishRoutes } from "./publish_routes.ts";
import type { QueueSelector } from "./queue_selector.ts";
import { type FailedAttempt, isWorthRetrying, sendFailure } from "./send_failure.ts";
import { type SendResult, sendResultOf } from "./send_result.ts";
import type { SendTrace } from "./send_trace.ts";
import { SendCounts } from "./statistics.ts";

/** What the sender keeps to. */
export interface SendPolicy {
  /** The group as brokers call it, with the namespace. */
  readonly producerGroup: string;
  /** Time for a whole send, in milliseconds. */
  readonly sendTimeoutMs: number;
  /** Longest single attempt while another may follow, in milliseconds. */
  readonly maxAttemptTimeoutMs: number;
  /** Attempts after the first. */
  readonly retryTimesWhenSendFailed: number;
  /** Whether a message stored without full confirmation is sent to another broker too. */
  readonly retryAnotherBrokerWhenNotStoreOk: boolean;
  /** Codes of a broker's refusal that are worth another attempt. */
  readonly retryResponseCodes: ReadonlySet<number>;
  /** Template topic for topics that do not exist. */
  readonly createTopicKey: string;
  /** Queues such a topic is created with. */
  readonly defaultTopicQueueNums: number;
  /** Chooses the queue when the caller does not. */
  readonly queueSelector: QueueSelector;
  /** Whether slow and failing brokers are passed over for a while. */
  readonly sendLatencyFaultTolerance: boolean;
}

/** How one message is sent. */
export interface SendOptions {
  /** The queue to send to; such a send is tried once. */
  readonly queue?: MessageQueue | undefined;
  /** Chooses the queue; such a send is tried once. */
  readonly selector?: QueueSelector | undefined;
  /** What the selector is given beside message and queues. */
  readonly selectorArg?: unknown;
  /** Ends the wait early; the message may have been stored all the same. */
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole send with all its attempts, in milliseconds; the producer's `sendTimeoutMs` by default. */
  readonly timeoutMs?: number | undefined;
}

/** Sends what is ready. */
export class Sender {
  readonly #client: RocketMQClient;
  readonly #routes: PublishRoutes;
  readonly #policy: SendPolicy;
  readonly #faults: LatencyFaults | undefined;
  readonly #trace: SendTrace;
  /** What was sent, by topic. */
  readonly counts: SendCounts = new SendCounts();

  /** A sender over `client` to the queues of `routes`, whose sends `trace` writes down. */
  constructor(client: RocketMQClient, routes: PublishRoutes, policy: SendPolicy, trace: SendTrace) {
    this.#client = client;
    this.#trace = trace;
    this.#routes = routes;
    this.#policy = policy;
    this.#faults = policy.sendLatencyFaultTolerance ? new LatencyFaults() : undefined;
  }

  /** Sends `outgoing`, which is `message` made ready, and counts it. @throws ProducerError; the signal's reason. */
  send(outgoing: Outgoing, message: Message, options: SendOptions): Promise<SendResult> {
    return this.counts.count(this.#send(outgoing, message, options), outgoing, this.#client.clock);
  }

  async #send(outgoing: Outgoing, message: Message, options: SendOptions): Promise<SendResult> {
    const policy = this.#policy;
    const deadline = deadlineIn(options.timeoutMs ?? policy.sendTimeoutMs, this.#client.clock);
    let route = this.#routes.known(outgoing.topic) ??
      await this.#routes.find(outgoing.topic, deadline, options.signal);
    const chosen = this.#chosenQueue(route, message, options);
    const attempts = chosen === undefined ? 1 + policy.retryTimesWhenSendFailed : 1;
    const failed: FailedAttempt[] = [];
    let unconfirmed: SendResult | undefined;
    for (let attempt = 1;; attempt++) {
      const queue = chosen ?? this.#choose(route, message, options.selectorArg, failed.at(-1)?.broker);
      const leftMs = deadline.left();
      const timeoutMs = attempt < attempts ? Math.min(leftMs, policy.maxAttemptTimeoutMs) : leftMs;
      let error: unknown;
      try {
        const result = await this.#attempt(outgoing, route, queue, timeoutMs, options.signal);
        if (result.status === "SEND_OK" || !policy.retryAnotherBrokerWhenNotStoreOk) return result;
        unconfirmed = result;
        error = new TimeoutError(`stored, but ${result.status}`);
      } catch (met) {
        options.signal?.throwIfAborted();
        error = met;
      }
      failed.push({ broker: queue.brokerName, error });
      if (
        attempt === attempts || !isWorthRetrying(error, policy.retryResponseCodes) || deadline.left() === 0
      ) break;
      if (this.#needsFreshRoute(route, error)) {
        route = await this.#routes.refresh(route, deadline, options.signal);
      }
    }
    if (unconfirmed !== undefined) return unconfirmed;
    throw sendFailure(outgoing.topic, failed, deadline.timeoutMs);
  }

  /** Sends `outgoing` without waiting for an answer. @throws ProducerError when it has no route; the signal's reason. */
  async sendOneway(outgoing: Outgoing, message: Message, options: SendOptions): Promise<void> {
    const deadline = deadlineIn(options.timeoutMs ?? this.#policy.sendTimeoutMs, this.#client.clock);
    const route = this.#routes.known(outgoing.topic) ??
      await this.#routes.find(outgoing.topic, deadline, options.signal);
    const queue = this.#chosenQueue(route, message, options) ??
      this.#choose(route, message, options.selectorArg, undefined);
    this.counts.of(outgoing.topic).attempts++;
    this.#client.oneway(brokerOf(route, queue), outgoing.operation, this.#header(outgoing, route, queue), {
      body: outgoing.body,
    });
  }

  /** The queue that the caller chose, if it did. */
  #chosenQueue(route: PublishRoute, message: Message, options: SendOptions): MessageQueue | undefined {
    const queue = options.queue ??
      options.selector?.select(message, route.queues, options.selectorArg);
    if (queue !== undefined && queue.topic !== message.topic) {
      throw new ValidationError(
        `Cannot send to topic "${message.topic}": the chosen queue is of topic "${queue.topic}"`,
        { topic: message.topic },
      );
    }
    return queue;
  }

  /** The next queue, on another broker than `failedBroker` where there is one. */
  #choose(
    route: PublishRoute,
    message: Message,
    selectorArg: unknown,
    failedBroker: string | undefined,
  ): MessageQueue {
    let queues = route.queues;
    if (failedBroker !== undefined) {
      const others = queues.filter((queue) => queue.brokerName !== failedBroker);
      if (others.length > 0) queues = others;
    }
    if (this.#faults !== undefined) queues = this.#faults.prefer(queues, this.#client.clock.now());
    return this.#policy.queueSelector.select(message, queues, selectorArg);
  }

  async #attempt(
    outgoing: Outgoing,
    route: PublishRoute,
    queue: MessageQueue,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<SendResult> {
    const { clock } = this.#client;
    const startedAt = clock.now();
    this.counts.of(outgoing.topic).attempts++;
    try {
      const broker = brokerOf(route, queue);
      const reply = await this.#client.call(
        broker,
        outgoing.operation,
        this.#header(outgoing, route, queue),
        { body: outgoing.body, timeoutMs, signal },
      );
      this.#faults?.answered(queue.brokerName, clock.now() - startedAt, clock.now());
      const result = sendResultOf(reply, queue, outgoing);
      this.#trace.stored(outgoing, result, startedAt, broker);
      return result;
    } catch (error) {
      this.#faults?.failed(queue.brokerName, clock.now() - startedAt, clock.now());
      throw error;
    }
  }

  #header(outgoing: Outgoing, route: PublishRoute, queue: MessageQueue): Of<typeof sendMessageV2["request"]> {
    const policy = this.#policy;
    return {
      producerGroup: policy.producerGroup,
      topic: outgoing.wireTopic,
      defaultTopic: policy.createTopicKey,
      defaultTopicQueueNums: policy.defaultTopicQueueNums,
      queueId: queue.queueId,
      sysFlag: outgoing.sysFlag,
      bornTimestamp: this.#client.clock.now(),
      flag: outgoing.flag,
      properties: outgoing.properties,
      reconsumeTimes: 0,
      unitMode: false,
      batch: outgoing.batch,
      brokerName: brokerOf(route, queue),
    };
  }

  /** Whether the broker may have moved and there is no other to try: then name servers know more than we do. */
  #needsFreshRoute(route: PublishRoute, error: unknown): boolean {
    if (!(error instanceof NetworkError) && !(error instanceof BrokerNotAvailableError)) return false;
    const first = route.queues[0]!.brokerName;
    return route.queues.every((queue) => queue.brokerName === first);
  }
}
