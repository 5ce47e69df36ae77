/**
 * How far a group is, queue by queue, and moving it to another place.
 *
 * Agrees with DefaultMQAdminExtImpl: examineConsumeStats asks the brokers of the group's retry topic; resetOffsetByTimestamp
 * asks those of the topic to do it, and where one cannot because no member is online, resetOffsetByTimestampOld stores the
 * new offsets queue by queue.
 */
import { BrokerError, ValidationError } from "../core/errors.ts";
import { consumeStats, resetOffset } from "../protocol/bodies.ts";
import { compareQueues, type MessageQueue } from "../protocol/message_queue.ts";
import { retryTopic } from "../protocol/names.ts";
import {
  getConsumeStats,
  getMaxOffset,
  invokeBrokerToResetOffset,
  searchOffsetByTimestamp,
  updateConsumerOffset,
} from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import {
  type AskOptions,
  type BrokerList,
  type ClusterBroker,
  LONG_TIMEOUT_MS,
  unlessRefused,
} from "./broker_list.ts";

/** How far a group is in one queue. */
export interface QueueLag {
  /** The queue. */
  readonly queue: MessageQueue;
  /** End of the queue. */
  readonly brokerOffset: number;
  /** Next offset that the group consumes. */
  readonly consumerOffset: number;
  /** Next offset that the group pulls. */
  readonly pullOffset: number;
  /** Store time of the last consumed message, in milliseconds since the epoch. */
  readonly lastTimestamp: number;
  /** Messages that are not consumed yet. */
  readonly lag: number;
}

/** How far a group is. */
export interface GroupProgress {
  /** The group. */
  readonly group: string;
  /** Messages consumed per second, as the brokers count. */
  readonly consumeTps: number;
  /** Messages that are not consumed yet, over all queues. */
  readonly totalLag: number;
  /** Its queues, sorted; its retry topic's among them. */
  readonly queues: readonly QueueLag[];
}

/** Where a reset goes: a store time in milliseconds since the epoch, the first message that is kept, or the end. */
export type ResetTarget = number | "earliest" | "latest";

/** The new place of a queue. */
export interface ResetQueue {
  /** The queue. */
  readonly queue: MessageQueue;
  /** Next offset to consume. */
  readonly offset: number;
}

/** Java's sign for the end of a queue. */
const END = -1;

/** Progress of groups. */
export class Progress {
  readonly #brokers: BrokerList;

  constructor(brokers: BrokerList) {
    this.#brokers = brokers;
  }

  /** How far a group is, in one topic or in all. @throws BrokerError with code 206 when no broker has offsets of it. */
  async of(group: string, topic: string | undefined, options: AskOptions): Promise<GroupProgress> {
    const own = await this.#brokers.readersOf(retryTopic(group), options);
    const brokers = own.length > 0 ? own : await this.#brokers.readers(options);
    const answers = await Promise.all(brokers.map((broker) => this.#ask(broker, group, topic, options)));
    const queues = answers.flatMap(({ offsetTable }) =>
      [...offsetTable].map(([queue, progress]) => ({
        queue,
        ...progress,
        lag: Math.max(0, progress.brokerOffset - progress.consumerOffset),
      }))
    );
    if (queues.length === 0) {
      throw new BrokerError(
        `Cannot tell the progress of group "${group}": no broker has offsets of it; perhaps it never consumed`,
        { group, responseCode: ResponseCode.CONSUMER_NOT_ONLINE },
      );
    }
    return {
      group,
      consumeTps: answers.reduce((sum, { consumeTps }) => sum + consumeTps, 0),
      totalLag: queues.reduce((sum, { lag }) => sum + lag, 0),
      queues: queues.sort((a, b) => compareQueues(a.queue, b.queue)),
    };
  }

  /** Moves a group in a topic; `force` also forward, without it only back. */
  async reset(
    group: string,
    topic: string,
    to: ResetTarget,
    { force = true, ...options }: AskOptions & { readonly force?: boolean | undefined },
  ): Promise<ResetQueue[]> {
    const timestamp = timestampOf(to);
    const { data } = await this.#brokers.route(topic, options);
    const masters = await this.#brokers.masters(
      { brokers: data.queueDatas.map(({ brokerName }) => brokerName) },
      options,
    );
    const moved = await Promise.all(masters.map(async (broker) => {
      const header = { topic, group, timestamp, isForce: force, queueId: -1, offset: -1 };
      const reply = await unlessRefused(
        this.#brokers.ask(broker, invokeBrokerToResetOffset, header, {
          ...options,
          timeoutMs: LONG_TIMEOUT_MS,
        }),
        ResponseCode.CONSUMER_NOT_ONLINE,
      );
      if (reply === undefined) return await this.#store(broker, { group, topic, timestamp, force }, options);
      return [...resetOffset.read(reply.body).offsetTable].map(([queue, offset]) => ({ queue, offset }));
    }));
    return moved.flat().sort((a, b) => compareQueues(a.queue, b.queue));
  }

  /** Nobody is online, so nobody contradicts: the offsets are stored from here. */
  async #store(
    broker: ClusterBroker,
    { group, topic, timestamp, force }: { group: string; topic: string; timestamp: number; force: boolean },
    options: AskOptions,
  ): Promise<ResetQueue[]> {
    const { offsetTable } = await this.#ask(broker, group, topic, options);
    return await Promise.all([...offsetTable].map(async ([queue, { consumerOffset }]) => {
      const { queueId } = queue;
      const { header } = timestamp === END
        ? await this.#brokers.ask(broker, getMaxOffset, { topic, queueId }, options)
        : await this.#brokers.ask(broker, searchOffsetByTimestamp, { topic, queueId, timestamp }, options);
      const offset = force ? header.offset : Math.min(header.offset, consumerOffset);
      await this.#brokers.ask(broker, updateConsumerOffset, {
        consumerGroup: group,
        topic,
        queueId,
        commitOffset: offset,
      }, options);
      return { queue, offset };
    }));
  }

  async #ask(broker: ClusterBroker, group: string, topic: string | undefined, options: AskOptions) {
    const header = { consumerGroup: group, topic };
    const { body } = await this.#brokers.ask(broker, getConsumeStats, header, {
      ...options,
      timeoutMs: LONG_TIMEOUT_MS,
    });
    return consumeStats.read(body);
  }
}

function timestampOf(to: ResetTarget): number {
  if (to === "earliest") return 0;
  if (to === "latest") return END;
  if (Number.isSafeInteger(to) && to >= 0) return to;
  throw new ValidationError(
    `Cannot reset offsets: the time is ${to}, not whole milliseconds since the epoch`,
  );
}
