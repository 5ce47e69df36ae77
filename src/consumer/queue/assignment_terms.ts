/**
 * On what terms an assignment works: who divides the queues, where progress is kept, what windows and pullers are made of.
 */
import type { RocketMQClient } from "../../client/client.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { ConsumeSpeed } from "../../telemetry/consume_speed.ts";
import type { MessageTrace } from "../../telemetry/message_trace.ts";
import type { Division } from "../group/division.ts";
import type { ConsumerEvent } from "../events.ts";
import type { PoppedQueues } from "../pop/popped_queues.ts";
import type { PullerOptions } from "./puller.ts";
import type { Settler } from "../settlement/settler.ts";
import type { StartPolicy } from "./start_offset.ts";
import type { ConsumerCounters } from "../statistics.ts";
import type { WindowLimits, WindowListener, WindowOrder } from "../window/window_terms.ts";

/** Whether the members of a group share the queues, or each has all. */
export type MessageModel = "CLUSTERING" | "BROADCASTING";

/** How the application wants a queue to begin. */
export interface QueueWish {
  /** At this offset, whatever is stored. */
  readonly offset: number | undefined;
  /** Without being pulled. */
  readonly paused: boolean;
}

/** What the assignment works with. */
export interface AssignmentOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly store: OffsetStore;
  /** Which queues of a topic are this member's. */
  readonly divide: Division;
  readonly policy: StartPolicy;
  readonly settlement: Settler;
  readonly limits: WindowLimits;
  readonly listener: WindowListener;
  /**
   * Whether what is settled is stored without the application's asking: when a queue is lost, and when a broker has moved its offset.
   */
  readonly storesProgress: boolean;
  /** How the application wants a queue to begin that is about to start; asked once for each start. */
  readonly wishFor?: ((queue: MessageQueue) => QueueWish) | undefined;
  readonly puller: Omit<PullerOptions, "onOffsetMoved">;
  readonly counters: ConsumerCounters;
  readonly speed: ConsumeSpeed;
  readonly trace: MessageTrace;
  readonly emit: (event: ConsumerEvent) => void;
  /** "CLUSTERING": the members share the queues. "BROADCASTING": each has all. */
  readonly messageModel: MessageModel;
  /** How windows are ordered; undefined when messages are handed out side by side. */
  readonly order: Pick<WindowOrder, "keyOf"> | undefined;
  /** Something that a round waited for has come about. */
  readonly onUnblocked: () => void;
  /** The locks of some queues have run out: they are to be renewed now. */
  readonly onLocksExpired: () => void;
  /** The queues that are popped, where brokers may want that; they are looked after along with those that are pulled. */
  readonly popped?: PoppedQueues | undefined;
  /** The topics to own queues of, the group's retry topic included. */
  readonly topics: () => Iterable<string>;
}
