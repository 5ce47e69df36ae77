/**
 * What brokers ask of a consumer: to move its offsets, to tell them, to tell all about itself, to consume one message now.
 *
 * One row per request code; the client has checked that the group is ours. Agrees with ClientRemotingProcessor and, for the
 * reset, MQClientInstance.resetOffset: only queues that are owned are touched, and only when clustering.
 */
import type { MemberReply } from "../../client/members.ts";
import type { RocketMQClient } from "../../client/client.ts";
import { ProtocolError } from "../../core/errors.ts";
import { scanRecords } from "../../message/record_view.ts";
import {
  type ConsumerData,
  consumerRunningInfo,
  consumerStatus,
  type ConsumeStatus,
  directConsumeResult,
  resetOffset,
  resetOffsetList,
} from "../../protocol/bodies.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { withoutNamespace } from "../../protocol/namespace.ts";
import {
  consumeMessageDirectly,
  getConsumerRunningInfo,
  getConsumerStatusFromClient,
  resetConsumerClientOffset,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest, OutboundReply } from "../../remoting/call.ts";
import type { Assignment } from "../queue/assignment.ts";
import { consumeDirectly } from "./direct_consumption.ts";
import type { ListenerPool } from "../taking/listener_pool.ts";
import { isOrdered } from "../config/options.ts";
import { type ReportedConfig, selfReport } from "./self_report.ts";

/** What answering works with. */
export interface InboundOptions {
  readonly client: RocketMQClient;
  readonly config: ReportedConfig & { readonly checkCrc: boolean };
  readonly assignment: Assignment;
  /** The listeners. */
  readonly pool: Pick<ListenerPool, "listener" | "concurrency">;
  /** What heartbeats say about the consumer, as of now. */
  readonly heartbeat: () => ConsumerData;
  /** The speed of a topic. */
  readonly speed: (topic: string) => ConsumeStatus;
  /** Fires when the consumer ends. */
  readonly signal: AbortSignal;
}

/** Body of a reset in the form of lists, which admins whose language is CPP cause. */
const LIST_FORM = /^\s*\{\s*"?offsetTable"?\s*:\s*\[/;
const decoder: TextDecoder = new TextDecoder();

/** Answers for one consumer. */
export class InboundRequests {
  readonly #options: InboundOptions;
  readonly #madeAt: number;

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#madeAt = options.client.clock.now();
  }

  /** The answer to a request; `undefined` for one that wants none. @throws ProtocolError for a body that cannot be read. */
  answer(request: InboundRequest): MemberReply {
    const { code, extFields = {} } = request.command;
    switch (code) {
      case resetConsumerClientOffset.code:
        return this.#reset(extFields.topic ?? "", request.body);
      case getConsumerStatusFromClient.code:
        return this.#offsets(extFields.topic ?? "");
      case getConsumerRunningInfo.code:
        return this.#report(extFields.jstackEnable === "true");
      case consumeMessageDirectly.code:
        return this.#consume(extFields.brokerName ?? "", request.body);
      default:
        return {
          code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
          remark: ` request type ${code} not supported`,
        };
    }
  }

  /** Starts the owned queues of `topic` afresh at the offsets that the body names. */
  #reset(topic: string, body: Uint8Array): OutboundReply {
    const { assignment, heartbeat, client, config } = this.#options;
    if (heartbeat().messageModel !== "CLUSTERING") {
      const remark = `Cannot reset the offsets of group "${config.consumerGroup}": it is broadcasting`;
      client.logger.warn(remark);
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    for (const [queue, offset] of offsetTable(body)) {
      if (queue.topic === topic) assignment.resetOffset(queue, offset);
    }
    return { code: ResponseCode.SUCCESS };
  }

  /** What may be committed of each owned queue of `topic`; of all when it is empty (Java: cloneOffsetTable). */
  #offsets(topic: string): OutboundReply {
    const messageQueueTable = new Map<MessageQueue, number>();
    for (const { queue, commitOffset } of this.#options.assignment.pulled()) {
      if (topic === "" || queue.topic === topic) messageQueueTable.set(queue, commitOffset);
    }
    const body = consumerStatus.write({ messageQueueTable, consumerTable: {} });
    return { code: ResponseCode.SUCCESS, body };
  }

  #report(withDump: boolean): OutboundReply {
    const { client, config, assignment, pool, heartbeat, speed } = this.#options;
    const report = selfReport({
      client,
      config,
      heartbeat: heartbeat(),
      pulled: [...assignment.pulled()],
      popped: [...assignment.popped()],
      concurrency: pool.concurrency,
      madeAt: this.#madeAt,
      speed,
      withDump,
      now: client.clock.now(),
    });
    return { code: ResponseCode.SUCCESS, body: consumerRunningInfo.write(report) };
  }

  async #consume(brokerName: string, body: Uint8Array): Promise<OutboundReply> {
    const { client, config, pool, signal } = this.#options;
    const { records: [record], bad } = scanRecords(body, { checkCrc: config.checkCrc });
    if (record === undefined) {
      throw bad ?? new ProtocolError("Cannot consume a message directly: the request carries none");
    }
    const { namespace } = client.options;
    const result = await consumeDirectly(record, brokerName, {
      consumerGroup: withoutNamespace(namespace, config.consumerGroup),
      namespace,
      clock: client.clock,
      ordered: isOrdered(config.ordering),
      listener: (topic) => pool.listener(topic),
      signal,
    });
    if (result !== undefined) return { code: ResponseCode.SUCCESS, body: directConsumeResult.write(result) };
    const remark =
      `Cannot consume message ${record.messageId} directly: topic "${record.topic}" has no listener`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
}

/** The offsets of a reset's body, in either form. */
function offsetTable(body: Uint8Array): Iterable<readonly [MessageQueue, number]> {
  const text = decoder.decode(body);
  if (!LIST_FORM.test(text)) return resetOffset.readText(text).offsetTable;
  return resetOffsetList.readText(text).offsetTable.map(({ offset, ...queue }) => [queue, offset]);
}
