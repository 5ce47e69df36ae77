/**
 * The producer: the rim of everything in this folder.
 *
 *   message → Outgoing (checked, named, compressed) → Sender (queue, attempts) → client → broker
 *
 * It is the client's member under its group: brokers know it by heartbeats, ask it about transactions and push replies
 * to it. It owns its client unless it was given one.
 */
import type { ProducerMember, RocketMQClient } from "../client/client.ts";
import type { PartialWorld } from "../client/world.ts";
import { ProducerError, ValidationError } from "../core/errors.ts";
import type { Phase } from "../core/lifecycle.ts";
import type { ProducerTracer } from "../core/tracer.ts";
import { createUniqueIds } from "../message/ids.ts";
import type { Message } from "../message/message.ts";
import { PropertyKey } from "../message/property_keys.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { wrapNamespace } from "../protocol/namespace.ts";
import { validateTopic } from "../protocol/names.ts";
import { checkTransactionState, pushReplyMessageToClient } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { InboundRequest, OutboundReply } from "../remoting/call.ts";
import { deadlineIn } from "../time/deadline.ts";
import { Membership } from "./membership.ts";
import { messageWriter, type WritableOptions } from "./message_writer.ts";
import { type ProducerConfig, type ResolvedProducerOptions, resolveProducerConfig } from "./options.ts";
import type { Outgoing, OutgoingOptions, SendExtras } from "./outgoing.ts";
import { PublishRoutes } from "./publish_routes.ts";
import { MessageHashSelector, RoundRobinSelector } from "./queue_selector.ts";
import { recall } from "./recall.ts";
import type { ReceivedMessage } from "./received_message.ts";
import {
  correlationId,
  PendingRequests,
  type RepliableMessage,
  replyAddress,
  shuttingDown,
} from "./request_reply.ts";
import { followSend, tracedBatch, tracedMessage, tracedReply } from "./send_trail.ts";
import { Sender, type SendOptions } from "./sender.ts";
import type { SendResult } from "./send_result.ts";
import { SendTrace } from "./send_trace.ts";
import type { ProducerStatistics } from "./statistics.ts";
import {
  halfMessageExtras,
  type TransactionExecutor,
  Transactions,
  type TransactionSendResult,
} from "./transactions.ts";

/** How a one-way message is sent. */
export type OnewayOptions = Omit<SendOptions, "timeoutMs">;

const hashSelector = new MessageHashSelector();

/**
 * Makes a producer. Checks the whole config at once and does no I/O; `start()` connects.
 *
 * @example
 * ```ts
 * import { createProducer } from "@contrail/rocketmq";
 *
 * const producer = createProducer({ producerGroup: "billing", namesrvAddr: "127.0.0.1:9876" });
 * await producer.start();
 * const { messageId } = await producer.send({ topic: "orders", tag: "paid", body: JSON.stringify({ id: 7 }) });
 * await producer.shutdown();
 * ```
 *
 * @param config Options; an explicit `undefined` means the default.
 * @param world What it lives in (sockets, clock, chance, logger); the platform's by default. A given `client` has one.
 * @throws ConfigError naming every problem with its path.
 */
export function createProducer(config: ProducerConfig, world?: PartialWorld): Producer {
  const { options, client } = resolveProducerConfig(config, world);
  return new Producer(options, client);
}

/** Sends messages. Made by `createProducer`. */
export class Producer {
  readonly #options: ResolvedProducerOptions;
  readonly #client: RocketMQClient;
  readonly #membership: Membership;
  readonly #group: string;
  readonly #routes: PublishRoutes;
  readonly #trace: SendTrace;
  readonly #sender: Sender;
  readonly #transactions: Transactions;
  readonly #requests = new PendingRequests();
  readonly #outgoing: OutgoingOptions;
  readonly #tracer: ProducerTracer | undefined;

  /** A producer of validated options; use `createProducer`. */
  constructor(options: ResolvedProducerOptions, client: RocketMQClient) {
    const { namespace } = client.options;
    this.#options = options;
    this.#client = client;
    this.#group = wrapNamespace(namespace, options.producerGroup);
    this.#routes = new PublishRoutes(client, {
      nameServers: client.nameServers,
      createTopicKey: options.createTopicKey,
      defaultTopicQueueNums: options.defaultTopicQueueNums,
      wireTopic: (topic) => wrapNamespace(namespace, topic),
    });
    const trace = this.#trace = new SendTrace(client, options);
    this.#sender = new Sender(client, this.#routes, {
      ...options,
      producerGroup: this.#group,
      retryResponseCodes: new Set(options.retryResponseCodes),
      queueSelector: options.queueSelector ?? new RoundRobinSelector({ random: client.random }),
    }, trace);
    this.#transactions = new Transactions(client, {
      producerGroup: this.#group,
      namespace,
      listener: options.transactionListener,
      trace,
    });
    this.#outgoing = { ...options, nextId: createUniqueIds(client), namespace };
    this.#tracer = client.tracer?.producer({
      group: options.producerGroup,
      clientId: () => client.clientId,
      namespace: namespace ?? "",
      now: () => client.clock.now(),
    });
    const member: ProducerMember = {
      kind: "producer",
      group: this.#group,
      topics: () => this.#routes.wireTopics(),
      onRequest: (request) => this.#onRequest(request),
    };
    this.#membership = new Membership(client, member, {
      ...options,
      prepare: (signal) => this.#findTopics(options.topics, signal).then(() => trace.find()),
      onRunning: () => trace.start(),
      onDraining: () => this.#requests.failAll(shuttingDown(options.producerGroup)),
      conclude: () => trace.stop(),
    });
  }

  /** The group it sends under. */
  get producerGroup(): string {
    return this.#options.producerGroup;
  }

  /** The client it uses: its own, or the one it was given. */
  get client(): RocketMQClient {
    return this.#client;
  }

  /** Where in its life it is. */
  get phase(): Phase {
    return this.#membership.phase;
  }

  /** What was sent, by topic, and what is under way, now. */
  statistics(): ProducerStatistics {
    return {
      underWay: this.#membership.underWay,
      topics: this.#sender.counts.topics(),
      trace: this.#trace.statistics(),
      client: this.#client.statistics(),
    };
  }

  /**
   * Starts the client, joins it and fetches the routes of the configured topics. Calling it again while it starts or
   * runs gives the same promise.
   *
   * @throws ProducerError after a shutdown; NameServerError when no name server answers; the signal's reason.
   */
  start(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return this.#membership.start(options.signal);
  }

  /**
   * Waits for sends under way, at most `shutdownTimeoutMs`, then leaves the client. Safe to call twice, and at any time.
   */
  shutdown(): Promise<void> {
    return this.#membership.shutdown();
  }

  /**
   * The queues of a topic that messages may be sent to, in Java's order (broker name, then queue id): what a send's `queue` may be.
   *
   * @throws ValidationError; ProducerError when the topic has no route; the signal's reason.
   */
  async fetchPublishMessageQueues(
    topic: string,
    options: Pick<SendOptions, "signal" | "timeoutMs"> = {},
  ): Promise<readonly MessageQueue[]> {
    this.#membership.requireRunning("fetch queues");
    validateTopic(topic, "fetch queues");
    const deadline = deadlineIn(options.timeoutMs ?? this.#options.sendTimeoutMs, this.#client.clock);
    return (await this.#routes.find(topic, deadline, options.signal)).queues;
  }

  /**
   * Sends one message and waits until a broker has stored it. Tries up to `1 + retryTimesWhenSendFailed` times within
   * one deadline, on another broker each time where there is one; once only when `queue` or `selector` is given.
   *
   * A message whose answer got lost may be stored twice, with the same `messageId`. A `status` other than SEND_OK means
   * stored, but not as safely as the broker is configured for.
   *
   * @throws ValidationError when the message breaks a rule; ProducerError when it could not be sent, with the story of
   * the attempts in its message and the last failure as its cause; the signal's reason.
   */
  async send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return await this.#send(this.#ready("send", message), message, options);
  }

  /**
   * Hands one message to the connection and waits for nothing: it may get lost, and a failure is only logged.
   *
   * @throws ValidationError; ProducerError when the topic has no route; the signal's reason.
   */
  async sendOneway(message: Message, options: OnewayOptions = {}): Promise<void> {
    const outgoing = this.#ready("send", message);
    await followSend(outgoing, this.#sender.sendOneway(outgoing, message, options));
  }

  /**
   * Sends several messages of one topic at once: one queue gets all of them, in order, or none. Together they must not
   * exceed `maxMessageSizeBytes`; delayed messages cannot be among them.
   *
   * @throws ValidationError; ProducerError; the signal's reason.
   */
  async sendBatch(messages: Iterable<Message>, options: SendOptions = {}): Promise<SendResult> {
    this.#membership.requireRunning("send");
    const list = [...messages];
    const wireTopic = this.#wireTopic(list[0]?.topic ?? "");
    const outgoing = tracedBatch(this.#tracer, list, wireTopic, this.#outgoing);
    return await this.#send(outgoing, list[0]!, options);
  }

  /**
   * Sends to the queue that the sharding key says, so that messages of one key keep their order as long as the topic
   * keeps its queues. Tried once: another queue would break the order. Java's SelectMessageQueueByHash.
   *
   * @throws ValidationError; ProducerError; the signal's reason.
   */
  async sendOrderly(
    message: Message,
    shardingKey: string,
    options: Omit<SendOptions, "queue" | "selector" | "selectorArg"> = {},
  ): Promise<SendResult> {
    const keyed = {
      ...message,
      properties: { ...message.properties, [PropertyKey.SHARDING_KEY]: shardingKey },
    };
    return await this.send(keyed, { ...options, selector: hashSelector, selectorArg: shardingKey });
  }

  /**
   * The producer as the end of a pipe; `maxInFlight` (16) sends are under way at most. Closing the stream waits for all
   * of them and leaves the producer running.
   */
  writable(options: WritableOptions = {}): WritableStream<Message> {
    return messageWriter((message, sendOptions) => this.send(message, sendOptions), options);
  }

  /**
   * Sends a request and waits for the reply that a consumer of the topic makes with `reply`.
   *
   * @throws ValidationError; ProducerError when the request could not be sent or no reply came in time; the signal's
   * reason.
   */
  async request(message: Message, options: SendOptions = {}): Promise<ReceivedMessage> {
    this.#membership.requireRunning("request");
    const { signal } = options;
    const deadline = deadlineIn(options.timeoutMs ?? this.#options.sendTimeoutMs, this.#client.clock);
    if (!this.#requests.hasAsked(message.topic)) {
      // Brokers push replies to clients they know by heartbeat; the route may have brought brokers that had none yet.
      await this.#routes.find(message.topic, deadline, signal);
      await this.#client.heartbeat();
      this.#requests.noteAsked(message.topic);
    }
    const id = correlationId(this.#client.random);
    const outgoing = this.#ready("request", message, {
      properties: {
        [PropertyKey.CORRELATION_ID]: id,
        [PropertyKey.REPLY_TO_CLIENT]: this.#client.clientId,
        [PropertyKey.TTL]: String(deadline.timeoutMs),
      },
    });
    const { clock } = this.#client;
    const reply = this.#requests.wait(id, { topic: message.topic, deadline, clock, signal });
    this.#send(outgoing, message, { ...options, timeoutMs: deadline.left() })
      .catch((error) => this.#requests.fail(id, error));
    return await reply;
  }

  /**
   * Answers a request that was consumed.
   *
   * @throws ValidationError when the message is no request; ProducerError when the broker cannot reach the requester;
   * the signal's reason.
   */
  async reply(
    request: RepliableMessage,
    body: Uint8Array | string,
    options: Pick<SendOptions, "signal" | "timeoutMs"> = {},
  ): Promise<SendResult> {
    this.#membership.requireRunning("reply");
    const address = replyAddress(request);
    const { topic } = address;
    const outgoing = tracedReply(this.#tracer, address, body, this.#wireTopic(topic), this.#outgoing);
    return await this.#send(outgoing, { topic, body }, options);
  }

  /**
   * Sends a message that consumers see only if the local transaction commits: stores it as a half message, runs
   * `executor`, and tells the broker what came of it. If that gets lost, or the outcome is `UNKNOWN`, the broker asks the
   * configured `transactionListener`.
   *
   * @throws ValidationError when the message breaks a rule or is delayed; ProducerError when no listener is configured
   * or the half message could not be sent; the signal's reason. What `executor` throws is in the result.
   */
  async sendInTransaction(
    message: Message,
    executor: TransactionExecutor,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    this.#membership.requireRunning("send in transaction");
    if (this.#options.transactionListener === undefined) {
      throw new ProducerError("Cannot send in transaction: no transactionListener is configured", {
        retriable: false,
      });
    }
    if (message.delayLevel || message.delayMs !== undefined || message.deliverAt !== undefined) {
      throw new ValidationError(
        `Cannot send in transaction to topic "${message.topic}": the message is delayed`,
        {
          topic: message.topic,
        },
      );
    }
    const outgoing = this.#ready("send in transaction", message, halfMessageExtras(this.#group));
    const half = await this.#send(outgoing, message, options);
    return await this.#transactions.conclude(half, outgoing, executor);
  }

  /**
   * Takes a delayed message back before it is delivered (brokers since 5.3.2, if they allow it).
   *
   * @param handle The `recallHandle` of its SendResult.
   * @returns The id of the message.
   * @throws ValidationError when the handle cannot be read; ProducerError when the broker refuses; the signal's reason.
   */
  async recall(
    topic: string,
    handle: string,
    options: Pick<SendOptions, "signal" | "timeoutMs"> = {},
  ): Promise<string> {
    this.#membership.requireRunning("recall");
    validateTopic(topic, "recall message");
    const { signal } = options;
    const deadline = deadlineIn(options.timeoutMs ?? this.#options.sendTimeoutMs, this.#client.clock);
    const place = { client: this.#client, routes: this.#routes, producerGroup: this.#group };
    return await recall(topic, this.#wireTopic(topic), handle, place, { deadline, signal });
  }

  /** Shuts down. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #wireTopic(topic: string): string {
    return wrapNamespace(this.#client.options.namespace, topic);
  }

  /** The message made ready, if the producer runs. */
  #ready(action: string, message: Message, extras?: SendExtras): Outgoing {
    this.#membership.requireRunning(action);
    return tracedMessage(
      this.#tracer,
      message,
      this.#wireTopic(message?.topic ?? ""),
      this.#outgoing,
      extras,
    );
  }

  #send(outgoing: Outgoing, message: Message, options: SendOptions): Promise<SendResult> {
    return followSend(outgoing, this.#membership.track(this.#sender.send(outgoing, message, options)));
  }

  async #findTopics(topics: readonly string[], signal: AbortSignal): Promise<void> {
    for (const topic of topics) {
      await this.#routes.find(topic, deadlineIn(this.#options.sendTimeoutMs, this.#client.clock), signal);
    }
  }

  #onRequest(request: InboundRequest): OutboundReply | undefined {
    if (request.command.code === checkTransactionState.code) this.#transactions.onCheck(request);
    if (request.command.code !== pushReplyMessageToClient.code) return undefined;
    const taken = this.#requests.onReply(request, this.#client.clock.now());
    return taken ? { code: ResponseCode.SUCCESS } : undefined;
  }
}
