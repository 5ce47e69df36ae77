/**
 * What a producer counts, topic by topic, and the picture of it that `producer.statistics()` gives.
 *
 * Picture odometers, as in telemetry/consume_speed.ts: whoever sends turns them by a plain addition. The number of topics is
 * bounded: what goes to further ones is counted together, under the empty name.
 */
import type { ClientStatistics } from "../client/events.ts";
import type { TraceStatistics } from "../telemetry/message_trace.ts";
import type { SendResult } from "./send_result.ts";

/** Topics that are counted one by one; all further ones are counted together. */
const MAX_TOPICS = 1_000;

/** Running totals of one topic since the producer was made; one-way messages are counted as attempts only. */
export interface SendTotals {
  /** The topic; empty for all that are beyond the first 1,000. */
  readonly topic: string;
  /** Messages that a broker has stored. */
  sent: number;
  /** Messages that no broker has confirmed. */
  failed: number;
  /** Sends that ended, each of one message or one batch. */
  sends: number;
  /** Times that a broker was asked to store something, the first attempt of each send included. */
  attempts: number;
  /** Time of the sends that ended, with all their attempts, in milliseconds. */
  sendMs: number;
  /** Bytes of the bodies that were stored, as they were sent. */
  sentBytes: number;
}

/** A picture of a producer. */
export interface ProducerStatistics {
  /** Sends under way. */
  readonly underWay: number;
  /** What was sent, by topic. */
  readonly topics: readonly Readonly<SendTotals>[];
  /** What became of the message trace's records. */
  readonly trace: TraceStatistics;
  /** Heartbeats, route refreshes and connections of the client. */
  readonly client: ClientStatistics;
}

/** The odometers of one producer. */
export class SendCounts {
  readonly #byTopic = new Map<string, SendTotals>();

  /** The odometers of `topic`. */
  of(topic: string): SendTotals {
    const known = this.#byTopic.get(topic);
    if (known !== undefined) return known;
    if (topic !== "" && this.#byTopic.size >= MAX_TOPICS) return this.of("");
    const totals = { topic, sent: 0, failed: 0, sends: 0, attempts: 0, sendMs: 0, sentBytes: 0 };
    this.#byTopic.set(topic, totals);
    return totals;
  }

  /** Counts how `send` ends: so many messages with so many bytes. */
  async count(
    send: Promise<SendResult>,
    { topic, messages, body }: { topic: string; messages: number; body: Uint8Array },
    clock: { now(): number },
  ): Promise<SendResult> {
    const totals = this.of(topic);
    const startedAt = clock.now();
    try {
      const result = await send;
      totals.sent += messages;
      totals.sentBytes += body.length;
      return result;
    } catch (error) {
      totals.failed += messages;
      throw error;
    } finally {
      totals.sends++;
      totals.sendMs += clock.now() - startedAt;
    }
  }

  /** A copy of all, in the order in which topics were first sent to. */
  topics(): SendTotals[] {
    return Array.from(this.#byTopic.values(), (totals) => ({ ...totals }));
  }
}
