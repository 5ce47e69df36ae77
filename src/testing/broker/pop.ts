/**
 * Popping: taking messages out for a while, and what becomes of them.
 *
 * A pop reads queue after queue from the group's offset, moves the offset on at once, and notes each message in the PopTable with an alarm
 * for the end of its invisibility. What is not acknowledged by then comes back through the group's retry topic. In order, the
 * offset moves with acknowledgements instead and the queue is blocked meanwhile. Agrees with PopMessageProcessor,
 * PopReviveService and AckMessageProcessor.
 */
import { decodeProperties, encodeProperties } from "../../message/properties.ts";
import { isRetryTopic, popRetryTopicV1, popRetryTopicV2 } from "../../protocol/names.ts";
import {
  encodePopHandle,
  ORDER_REVIVE_QUEUE_ID,
  type PopOrderCount,
  type PopRun,
} from "../../protocol/pop.ts";
import { decodeRecord, encodeRecord } from "../../wire/record.ts";
import type { Read } from "../store/read.ts";
import type { Broker } from "./broker.ts";
import type { MessageFilter } from "./message_filter.ts";
import type { OrderedQueue } from "./pop_order.ts";
import type { Popped } from "./pop_table.ts";
import { popsByPriority } from "./priority.ts";

/** What a consumer asks for. */
export interface PopRequest {
  /** The group. */
  readonly group: string;
  /** The topic. */
  readonly topic: string;
  /** A queue, −1 for all. */
  readonly queueId: number;
  /** Most messages. */
  readonly maxMessages: number;
  /** How long they stay invisible, in milliseconds. */
  readonly invisibleTime: number;
  /** Whether a group without an offset starts at the end. */
  readonly startAtEnd: boolean;
  /** Whether in order. */
  readonly order: boolean;
  /** Names the attempt, so that a repeated one is not blocked by itself. */
  readonly attemptId: string | undefined;
  /** What is wanted of the topic; everything is of the retry topic. */
  readonly filter: MessageFilter;
}

/** What a pop took. */
export interface PopResult {
  /** When, in milliseconds since the epoch. */
  readonly popTime: number;
  /** Queue of the revive topic, 999 in order. */
  readonly reviveQueueId: number;
  /** Messages left behind what was read. */
  restCount: number;
  /** Records to hand out. */
  readonly records: Uint8Array[];
  /** Runs of messages, one for each queue that gave some. */
  readonly runs: PopRun[];
  /** How often messages came before, in order only. */
  readonly counts: PopOrderCount[];
}

/** The pops of one broker. */
export class Pops {
  readonly #broker: Broker;
  #reviveCounter = 0;

  /** Pops from `broker`. */
  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Goes on where the last life of the broker stopped. */
  start(): void {
    for (const popped of this.#broker.state.popped.all()) this.#arm(popped);
  }

  /** The retry topic of a group that pops `topic`. */
  retryTopic(topic: string, group: string): string {
    return this.#broker.options.enableRetryTopicV2
      ? popRetryTopicV2(topic, group)
      : popRetryTopicV1(topic, group);
  }

  /** Whether an ordered pop of this queue would have to wait for what is out. */
  isBlocked(queue: OrderedQueue, attemptId: string | undefined): boolean {
    return this.#broker.state.popOrders.isBlocked(queue, attemptId, this.#broker.clock.now());
  }

  /** Takes messages out. */
  pop(request: PopRequest): PopResult {
    const { options, random, clock, state } = this.#broker;
    const draw = random.int(100);
    const byPriority = !request.order &&
      popsByPriority(state.topics.get(request.topic), state.groups.peek(request.group), draw);
    const chance = byPriority ? 0 : draw;
    const result: PopResult = {
      popTime: clock.now(),
      reviveQueueId: request.order ? ORDER_REVIVE_QUEUE_ID : this.#reviveCounter++ % options.reviveQueueNums,
      restCount: 0,
      records: [],
      runs: [],
      counts: [],
    };
    const retry = this.retryTopic(request.topic, request.group);
    const retryFirst = !byPriority && draw < options.popFromRetryProbability;
    const fromRetry = (): void => {
      if (!request.order) this.#fromTopic(request, retry, chance, result);
    };
    if (retryFirst) fromRetry();
    if (request.queueId >= 0) this.#fromQueue(request, request.topic, request.queueId, result);
    else this.#fromTopic(request, request.topic, chance, result);
    if (!retryFirst && result.records.length < request.maxMessages) fromRetry();
    return result;
  }

  /** Acknowledges a message. @returns undefined when done, or what is wrong with the offset in an ordered queue. */
  ack(receipt: Omit<Popped, "visibleAt">, reviveQueueId: number): string | undefined {
    if (reviveQueueId !== ORDER_REVIVE_QUEUE_ID) {
      this.#broker.state.popped.remove(receipt);
      return undefined;
    }
    const { state, clock, parked } = this.#broker;
    const { group, topic, queueId, queueOffset, popTime } = receipt;
    if (queueOffset < (state.offsets.committed(group, topic, queueId) ?? -1)) return undefined;
    const next = this.#broker.state.popOrders.ack(receipt, queueOffset, popTime);
    if (next === "unknown offset") {
      return `offset is illegal, key:${topic}@${group}@${queueId}, commit:${queueOffset}`;
    }
    if (next === "other pop") return undefined;
    if (!state.offsets.hasReset(group, topic, queueId)) state.offsets.commit(group, topic, queueId, next);
    if (!this.#broker.state.popOrders.isBlocked(receipt, undefined, clock.now())) {
      parked.release(topic, queueId);
    }
    return undefined;
  }

  /** Gives a message another time of invisibility from now on; gives the pop time of its new handle. */
  postpone(receipt: Omit<Popped, "visibleAt">, reviveQueueId: number, invisibleTime: number): number {
    const { state, clock } = this.#broker;
    const now = clock.now();
    if (reviveQueueId === ORDER_REVIVE_QUEUE_ID) {
      this.#broker.state.popOrders.postpone(
        receipt,
        receipt.queueOffset,
        receipt.popTime,
        now + invisibleTime,
      );
      this.#releaseWhenFree(receipt);
      return receipt.popTime;
    }
    state.popped.remove(receipt);
    this.#note({ ...receipt, popTime: now, visibleAt: now + invisibleTime });
    return now;
  }

  #fromTopic(request: PopRequest, topic: string, chance: number, result: PopResult): void {
    const queues = this.#broker.state.topics.get(topic)?.readQueueNums ?? 0;
    for (let i = queues - 1; i >= 0; i--) this.#fromQueue(request, topic, (chance + i) % queues, result);
  }

  #fromQueue(request: PopRequest, topic: string, queueId: number, result: PopResult): void {
    const { state, clock } = this.#broker;
    const { group } = request;
    const queue = { group, topic, queueId };
    const offset = this.#startOf(request, topic, queueId);
    if (request.order && this.#broker.state.popOrders.isBlocked(queue, request.attemptId, clock.now())) {
      return;
    }
    const maxOffset = state.store.peekQueue(topic, queueId)?.maxOffset ?? 0;
    if (result.records.length >= request.maxMessages) {
      result.restCount += maxOffset - offset;
      return;
    }
    const read = this.#read(request, topic, queueId, offset, request.maxMessages - result.records.length);
    if (read.records.length > 0) this.#took(request, queue, offset, read, result);
    else if (read.status === "NO_MATCHED_MESSAGE" || read.status === "MESSAGE_WAS_REMOVING") {
      state.offsets.commit(group, topic, queueId, read.nextOffset);
    }
    result.restCount += Math.max(0, read.maxOffset - read.nextOffset);
  }

  /** Where the group reads on; a pending reset and a first pop set it. */
  #startOf(request: PopRequest, topic: string, queueId: number): number {
    const { offsets, store } = this.#broker.state;
    const { group } = request;
    const reset = offsets.takeReset(group, topic, queueId);
    if (reset !== undefined) {
      this.#broker.state.popOrders.clear({ group, topic, queueId });
      return reset;
    }
    const committed = offsets.committed(group, topic, queueId);
    if (committed !== undefined) return committed;
    const queue = store.peekQueue(topic, queueId);
    const startsInMemory = queue !== undefined && queue.minOffset <= 0 && queue.has(0);
    const start = !request.startAtEnd || isRetryTopic(topic)
      ? queue?.minOffset ?? 0
      : startsInMemory
      ? 0
      : Math.max(0, (queue?.maxOffset ?? 0) - 1);
    offsets.commit(group, topic, queueId, start);
    return start;
  }

  #read(request: PopRequest, topic: string, queueId: number, offset: number, maxMessages: number): Read {
    const { store, offsets } = this.#broker.state;
    const limits = { maxMessages, maxBytes: this.#broker.options.maxPullBytes, ...request.filter };
    const read = store.read(topic, queueId, offset, limits);
    if (read.status !== "OFFSET_TOO_SMALL" && read.status !== "OFFSET_OVERFLOW_BADLY") return read;
    offsets.commit(request.group, topic, queueId, read.nextOffset);
    return store.read(topic, queueId, read.nextOffset, limits);
  }

  #took(
    request: PopRequest,
    queue: { group: string; topic: string; queueId: number },
    startOffset: number,
    read: Read,
    result: PopResult,
  ): void {
    const { invisibleTime, attemptId } = request;
    const { popTime } = result;
    if (request.order) {
      const counts = this.#broker.state.popOrders.popped(queue, {
        attemptId,
        popTime,
        invisibleTime,
        offsets: read.queueOffsets,
      });
      for (const [offset, count] of counts) result.counts.push({ ...queue, offset, count });
      const all = counts.size === read.queueOffsets.length;
      result.counts.push({ ...queue, count: all ? Math.min(...counts.values()) : 0 });
      this.#releaseWhenFree(queue);
    } else {
      for (const queueOffset of read.queueOffsets) {
        this.#note({ ...queue, queueOffset, popTime, visibleAt: popTime + invisibleTime });
      }
      this.#broker.state.offsets.commit(queue.group, queue.topic, queue.queueId, read.nextOffset);
    }
    result.runs.push({ topic: queue.topic, queueId: queue.queueId, startOffset, offsets: read.queueOffsets });
    const isRetry = isRetryTopic(queue.topic) && queue.topic !== request.topic;
    for (const record of read.records) {
      result.records.push(isRetry ? this.#relabelled(record, request, startOffset, result) : record);
    }
  }

  /** A retried message under its real topic, with its handle, as it lies in another topic than the answer says. */
  #relabelled(record: Uint8Array, request: PopRequest, startOffset: number, result: PopResult): Uint8Array {
    const message = decodeRecord(record);
    const properties = decodeProperties(message.properties);
    properties["POP_CK"] ??= encodePopHandle({
      checkpointOffset: startOffset,
      popTime: result.popTime,
      invisibleTime: request.invisibleTime,
      reviveQueueId: result.reviveQueueId,
      topic: message.topic,
      brokerName: this.#broker.name,
      queueId: message.queueId,
      queueOffset: message.queueOffset,
    });
    return encodeRecord({ ...message, topic: request.topic, properties: encodeProperties(properties) });
  }

  #note(popped: Popped): void {
    this.#broker.state.popped.add(popped);
    this.#arm(popped);
  }

  #arm(popped: Popped): void {
    this.#broker.alarms.set(popped.visibleAt, () => {
      const table = this.#broker.state.popped;
      // A time given within the millisecond of the pop has the same receipt, and an alarm of its own.
      if (!table.holds(popped)) return;
      table.remove(popped);
      this.#revive(popped);
    });
  }

  #releaseWhenFree(queue: { group: string; topic: string; queueId: number }): void {
    const freeAt = this.#broker.state.popOrders.freeAt(queue);
    this.#broker.alarms.set(freeAt, () => this.#broker.parked.release(queue.topic, queue.queueId));
  }

  #revive({ group, topic, queueId, queueOffset, popTime }: Popped): void {
    const { state, address } = this.#broker;
    const message = state.store.messageAt(topic, queueId, queueOffset);
    if (message === undefined) return;
    const properties = decodeProperties(message.properties);
    if (message.reconsumeTimes === 0 || properties["1ST_POP_TIME"] === undefined) {
      properties["1ST_POP_TIME"] = String(popTime);
    }
    properties["ORIGIN_GROUP"] = group;
    const target = isRetryTopic(topic) ? topic : this.retryTopic(topic, group);
    state.topics.ensure(target, 1);
    state.store.put({
      ...message,
      topic: target,
      queueId: 0,
      bornHost: address,
      reconsumeTimes: message.reconsumeTimes + 1,
      preparedTransactionOffset: 0,
      properties: encodeProperties(properties),
    });
  }
}
