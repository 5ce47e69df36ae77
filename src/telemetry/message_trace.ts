/**
 * The message trace: what became of each message, as records that are sent to the brokers' trace topic.
 *
 * Picture a tray of 2,048 records beside a consumer or producer: hand-out and settlement, or a send, drop theirs in, and whoever
 * is asked to `flush` packs them into messages. What does not fit is dropped and counted: tracing never holds anybody up.
 * Nothing is written while the trace topic has no route (it is never created), nor after a broker refused permission. Agrees
 * with AsyncTraceDispatcher and ConsumeMessageTraceHookImpl.
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerError } from "../core/errors.ts";
import { createUniqueIds } from "../message/ids.ts";
import { encodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import type { RecordView } from "../message/record_view.ts";
import { topicRouteData } from "../protocol/bodies.ts";
import { isSystemTopic } from "../protocol/names.ts";
import { getRouteInfoByTopic, sendMessageV2 } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { Loop } from "../time/loop.ts";
import { encodeTrace, type TraceContext, type TraceData } from "../protocol/trace.ts";

/** Records that may wait to be sent (Java: 2048). */
const MAX_QUEUED = 2_048;
/** Records of one message, of so many characters with so many characters of keys at most (Java: 128,000 bytes). */
const MAX_RECORDS = 64;
const MAX_DATA = 40_000;
const MAX_KEYS = 8_000;
const SEND_TIMEOUT_MS = 3_000;
/**
 * Rest between two rounds of sending, in milliseconds. A full tray per round, 20,000 records a second: whoever drains a backlog
 * faster than that would otherwise spend more of his own and the broker's time on the trace (every record is an index entry
 * there) than on the messages.
 */
const REST_MS = 100;
/** How long the answer to "is there a trace topic?" is believed, in milliseconds. */
const ROUTE_MAX_AGE_MS = 30_000;
const PERM_WRITE = 2;

/** How often records leave that do not fill a message, in milliseconds. */
const TRACE_EVERY_MS = 1_000;

/** How consuming a message ended (ordinals of ConsumeReturnType). */
export const TraceOutcome = { SUCCESS: 0, TIME_OUT: 1, EXCEPTION: 2, FAILED: 4 } as const;
/** How consuming a message ended. */
export type TraceOutcome = (typeof TraceOutcome)[keyof typeof TraceOutcome];

/** What became of the records. */
export interface TraceStatistics {
  /** Whether records are written: the trace topic has a route and nobody refused. */
  readonly active: boolean;
  /** Records that a broker has stored. */
  readonly sent: number;
  /** Records that found the tray full, or whose message was not stored. */
  readonly dropped: number;
  /** Records that wait. */
  readonly queued: number;
}

/** Whose trace it is, and where it goes. */
export interface MessageTraceOptions {
  /** Whether anything is traced at all. */
  readonly enabled: boolean;
  /** What the traced party does. */
  readonly kind: "CONSUME" | "PRODUCE";
  /** The trace topic, as brokers call it. */
  readonly traceTopic: string;
  /** Called when enough waits for a message. */
  readonly onBatch: () => void;
}

interface Target {
  readonly address: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** Writes the trace of one consumer or producer. */
export class MessageTrace {
  readonly #client: RocketMQClient;
  readonly #group: string;
  readonly #options: MessageTraceOptions;
  readonly #makeId: () => string;
  #queue: TraceData[] = [];
  #targets: readonly Target[] = [];
  #next = 0;
  #askedAt = -Infinity;
  #restUntil = -Infinity;
  #isOff: boolean;
  #sent = 0;
  #dropped = 0;

  /** The trace of `group`. */
  constructor(client: RocketMQClient, group: string, options: MessageTraceOptions) {
    this.#client = client;
    this.#group = group;
    this.#isOff = !options.enabled;
    this.#options = options;
    this.#makeId = createUniqueIds({ clock: client.clock, random: client.random });
  }

  /** What lets the records leave, as a line of a timetable; none when tracing is off. */
  loops(): Loop[] {
    if (this.#isOff) return [];
    return [{ name: "trace", firstMs: 0, everyMs: TRACE_EVERY_MS, run: (signal) => this.flush(signal) }];
  }

  /** What traces the messages of `topic`: nothing when it is one of the system's or the trace topic, or tracing is off. */
  of(topic: string): MessageTrace | undefined {
    return this.#isOff || isSystemTopic(topic) || topic === this.#options.traceTopic ? undefined : this;
  }

  /** A message is handed out. Gives the id that its settlement's record shares; "" when it is not traced. */
  begin(record: RecordView, topic: string, now: number): string {
    if (this.#targets.length === 0) return "";
    if (this.#queue.length >= MAX_QUEUED) {
      this.#dropped++;
      return "";
    }
    if (record.property(PropertyKey.TRACE_SWITCH) === "false") return "";
    const requestId = this.#makeId();
    this.#put(record, topic, { traceType: "SubBefore", requestId, timeStamp: now });
    return requestId;
  }

  /** The message that got `requestId` from `begin` is settled after `costTime` milliseconds. */
  end(
    requestId: string,
    record: RecordView,
    topic: string,
    { now, costTime, outcome }: { now: number; costTime: number; outcome: TraceOutcome },
  ): void {
    if (this.#targets.length === 0) return;
    if (this.#queue.length >= MAX_QUEUED) return void this.#dropped++;
    const success = outcome === TraceOutcome.SUCCESS;
    this.#put(record, topic, {
      traceType: "SubAfter",
      requestId,
      timeStamp: now,
      costTime,
      contextCode: outcome,
      success,
    });
  }

  /** Something happened to a message that was or is to be sent. */
  add(event: Omit<TraceContext, "groupName" | "accessChannel">): void {
    if (this.#targets.length === 0) return;
    if (this.#queue.length >= MAX_QUEUED) return void this.#dropped++;
    this.#append(event);
  }

  #put(
    record: RecordView,
    topic: string,
    event: Pick<TraceContext, "traceType" | "requestId" | "timeStamp"> & Partial<TraceContext>,
  ): void {
    this.#append({
      regionId: record.property(PropertyKey.MSG_REGION) || "null",
      costTime: 0,
      success: true,
      contextCode: 0,
      ...event,
      beans: [{
        topic,
        msgId: record.messageId,
        // Never the empty text: Java splits a record without its empty tail, and then misses a field.
        keys: record.property(PropertyKey.KEYS) || undefined,
        bodyLength: record.storedBodyBytes,
        retryTimes: record.reconsumeTimes,
        msgType: "Normal_Msg",
        fromTransactionCheck: false,
      }],
    });
  }

  #append(event: Omit<TraceContext, "groupName" | "accessChannel">): void {
    this.#queue.push(encodeTrace({ groupName: this.#group, accessChannel: "LOCAL", ...event }));
    if (this.#queue.length === MAX_RECORDS) this.#options.onBatch();
  }

  /**
   * Looks for the trace topic if need be, and sends what waits until that is sent, one message fails or `signal` fires. With a
   * signal it first rests from the round before; without, at a shutdown, it leaves nothing. Never rejects.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#isOff) return;
    if (signal) await this.#rest(signal);
    const now = this.#client.clock.now();
    if (now - this.#askedAt >= ROUTE_MAX_AGE_MS) {
      this.#askedAt = now;
      this.#targets = await this.#findTargets().catch(() => this.#targets);
    }
    let left = signal ? this.#queue.length : Infinity;
    while (left > 0 && this.#queue.length > 0 && this.#targets.length > 0 && !signal?.aborted) {
      const batch = this.#takeBatch();
      left -= batch.length;
      try {
        await this.#send(batch);
        this.#sent += batch.length;
      } catch (error) {
        this.#dropped += batch.length;
        this.#failed(error);
        return;
      }
    }
    this.#restUntil = this.#client.clock.now() + REST_MS;
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const ms = this.#restUntil - this.#client.clock.now();
    if (ms > 0) await this.#client.clock.sleep(ms, signal).catch(() => {});
  }

  /** What became of the records so far. */
  statistics(): TraceStatistics {
    return {
      active: this.#targets.length > 0,
      sent: this.#sent,
      dropped: this.#dropped,
      queued: this.#queue.length,
    };
  }

  /** The queues of the trace topic; none when there is no such topic. Asked past the client's routes, whose news are the application's. */
  async #findTargets(): Promise<Target[]> {
    const header = { topic: this.#options.traceTopic, acceptStandardJsonOnly: true };
    const reply = await this.#client.callNameServer(getRouteInfoByTopic, header);
    if (reply.code !== ResponseCode.SUCCESS) return [];
    const { queueDatas, brokerDatas } = topicRouteData.read(reply.body);
    return queueDatas.flatMap(({ brokerName, perm, writeQueueNums }) => {
      const address = brokerDatas.find((each) => each.brokerName === brokerName)?.brokerAddrs.get(0);
      if (address === undefined || (perm & PERM_WRITE) === 0) return [];
      return Array.from({ length: writeQueueNums }, (_, queueId) => ({ address, brokerName, queueId }));
    });
  }

  #takeBatch(): TraceData[] {
    let count = 0;
    for (let data = 0, keys = 0; count < Math.min(this.#queue.length, MAX_RECORDS); count++) {
      const record = this.#queue[count]!;
      data += record.data.length;
      for (const key of record.keys) keys += key.length + 1;
      if (count > 0 && (data > MAX_DATA || keys > MAX_KEYS)) break;
    }
    return this.#queue.splice(0, count);
  }

  async #send(batch: readonly TraceData[]): Promise<void> {
    const { address, brokerName, queueId } = this.#targets[this.#next++ % this.#targets.length]!;
    const keys = new Set(batch.flatMap((record) => record.keys));
    const { kind, traceTopic } = this.#options;
    await this.#client.callAddress(address, sendMessageV2, {
      producerGroup: `_INNER_TRACE_PRODUCER-${this.#group}-${kind}-1`,
      topic: traceTopic,
      // The broker makes a missing topic after this one: a topic that is missing itself makes none.
      defaultTopic: traceTopic,
      defaultTopicQueueNums: 1,
      queueId,
      sysFlag: 0,
      bornTimestamp: this.#client.clock.now(),
      flag: 0,
      properties: encodeProperties({
        [PropertyKey.KEYS]: [...keys].join(" "),
        [PropertyKey.UNIQUE_KEY]: this.#makeId(),
        [PropertyKey.WAIT]: "true",
      }),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
      brokerName,
    }, {
      timeoutMs: SEND_TIMEOUT_MS,
      body: new TextEncoder().encode(batch.map((record) => record.data).join("")),
    });
  }

  #failed(error: unknown): void {
    const code = error instanceof BrokerError ? error.facts.responseCode : undefined;
    // Whatever else went wrong, the next flush asks anew where the topic is.
    this.#askedAt = -Infinity;
    if (code !== ResponseCode.NO_PERMISSION) return;
    this.#isOff = true;
    this.#targets = [];
    this.#dropped += this.#queue.length;
    this.#queue = [];
    this.#client.logger.warn(
      `Messages of group "${this.#group}" are not traced any more: no permission to send to ${this.#options.traceTopic}`,
    );
  }
}
