/**
 * What a consumer counts, and the picture of it that `consumer.statistics()` gives.
 */
import type { RocketMQClient } from "../client/client.ts";
import type { ClientStatistics } from "../client/events.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ConsumeSpeed, TopicSpeed } from "../telemetry/consume_speed.ts";
import type { MessageTrace, TraceStatistics } from "../telemetry/message_trace.ts";
import type { Assignment } from "./queue/assignment.ts";
import type { Budget } from "./window/budget.ts";
import type { RateStatistics } from "./taking/rate_limit.ts";
import type { QueueWindow } from "./window/queue_window.ts";

/** Running totals since start. */
export interface ConsumerCounters {
  /** Messages pulled and kept. */
  pulled: number;
  /** Pulls answered. */
  pulls: number;
  /** Pulls that failed. */
  pullFailures: number;
  /** Messages that the broker sent, but whose tag was not subscribed (equal hash). */
  filtered: number;
  /** Messages acked. */
  acked: number;
  /** Messages sent back for another delivery, confirmed by the broker. */
  sentBack: number;
  /** Messages sent to the dead-letter topic, confirmed by the broker. */
  deadLettered: number;
  /** Messages that come again from here: in ordered consumption and broadcasting. */
  retriedLocally: number;
  /** Messages given up for good, in broadcasting. */
  dropped: number;
  /** Send-backs that reached no broker. */
  sendBackFailures: number;
  /** Messages whose time was up. */
  timedOut: number;
  /** POP: calls that acknowledged messages, mostly many at once. */
  ackCalls: number;
  /** POP: acked messages whose broker has not confirmed it: they come again. */
  ackFailures: number;
  /** POP: calls that changed when a message is seen again: kept for a handler, sent back, let go of. */
  invisibleTimeChanges: number;
  /** POP: messages that could not be kept, so that others may get them. */
  expired: number;
  /** Settlements that came too late: settled already, or the queue was lost. */
  lateSettlements: number;
  /** Handlers that threw. */
  handlerFailures: number;
  /** Stored messages that could not be read and were skipped. */
  badRecordsSkipped: number;
  /** Rounds of rebalancing. */
  rebalances: number;
  /** Rounds of rebalancing that could not finish. */
  rebalanceFailures: number;
}

/** One assigned queue. */
export interface QueueStatistics {
  /** The queue; its id is −1 for all queues of a broker, when they are popped. */
  readonly queue: MessageQueue;
  /** What may be committed: the lowest unsettled offset. −1 for a popped queue, whose progress the broker keeps. */
  readonly commitOffset: number;
  /** Next offset to pull. −1 for a popped queue. */
  readonly cursor: number;
  /** Messages at the broker that are not settled here, as of the last answer; a queue that is not pulled is asked about every 30 s. */
  readonly lag: number;
  /** Messages cached and not settled. */
  readonly cachedMessages: number;
  /** Bytes of them. */
  readonly cachedBytes: number;
  /** Messages handed out and not settled. */
  readonly inFlight: number;
  /** Whether the application paused it. */
  readonly paused: boolean;
  /** When the broker last answered a pull, in milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** When a message was last handed out, in milliseconds since the epoch; 0 before the first. */
  readonly lastHandOutAt: number;
}

/** The picture of one queue. */
export function queueStatistics(window: QueueWindow): QueueStatistics {
  return {
    queue: window.queue,
    commitOffset: window.commitOffset,
    cursor: window.cursor,
    lag: Math.max(0, window.maxOffset - window.commitOffset),
    cachedMessages: window.messages,
    cachedBytes: window.bytes,
    inFlight: window.out,
    paused: window.paused,
    lastAnswerAt: window.lastAnswerAt,
    lastHandOutAt: window.lastHandOutAt,
  };
}

/** A picture of what a consumer pulls and has out. */
export interface PullStatistics extends Readonly<ConsumerCounters> {
  /** Messages cached and not settled, over all queues. */
  readonly cachedMessages: number;
  /** Bytes that they keep in memory: whole frames until their last message is settled. */
  readonly cachedBytes: number;
  /** Messages handed out and not settled. */
  readonly inFlight: number;
  /** The assigned queues. */
  readonly queues: readonly QueueStatistics[];
  /** Rates and times by topic, over the last minute, hour and day. */
  readonly topics: readonly TopicSpeed[];
  /** What became of the trace's records. */
  readonly trace: TraceStatistics;
  /** Heartbeats, route refreshes and connections of the client. */
  readonly client: ClientStatistics;
}

/** A picture of a consumer. */
export interface ConsumerStatistics extends PullStatistics {
  /** How many messages the listener may have at once, now. */
  readonly concurrency: number;
  /** Calls of listeners that are pending. */
  readonly pendingCalls: number;
  /** The rate limit, when there is one. */
  readonly rate: RateStatistics | undefined;
}

/** What pulls and holds messages. */
export interface PullingParts {
  readonly counters: ConsumerCounters;
  readonly budget: Budget;
  readonly assignment: Assignment;
  readonly speed: ConsumeSpeed;
  readonly trace: MessageTrace;
  readonly client: RocketMQClient;
}

/** The picture of now. */
export function pullStatistics(parts: PullingParts): PullStatistics {
  const { counters, budget, assignment, speed, trace, client } = parts;
  return {
    ...counters,
    cachedMessages: budget.messages,
    cachedBytes: budget.bytes,
    inFlight: assignment.outstanding,
    queues: Array.from(assignment.pulled(), queueStatistics),
    topics: speed.topics(),
    trace: trace.statistics(),
    client: client.statistics(),
  };
}

/** All zero. */
export function newCounters(): ConsumerCounters {
  return {
    pulled: 0,
    pulls: 0,
    pullFailures: 0,
    filtered: 0,
    acked: 0,
    sentBack: 0,
    deadLettered: 0,
    retriedLocally: 0,
    dropped: 0,
    sendBackFailures: 0,
    timedOut: 0,
    ackCalls: 0,
    ackFailures: 0,
    invisibleTimeChanges: 0,
    expired: 0,
    lateSettlements: 0,
    handlerFailures: 0,
    badRecordsSkipped: 0,
    rebalances: 0,
    rebalanceFailures: 0,
  };
}
