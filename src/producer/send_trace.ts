/**
 * What a producer writes into the message trace: a record of each send that a broker has stored, another of each verdict on a
 * transaction.
 *
 * The tray and its way to the brokers are MessageTrace's; this knows what the records say, and lives as long as the producer
 * runs. Agrees with SendMessageTraceHookImpl and EndTransactionTraceHookImpl: what no broker has stored, and what is sent one
 * way, leaves no record.
 */
import type { RocketMQClient } from "../client/client.ts";
import { decodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import type { TraceMessageType } from "../protocol/trace.ts";
import { MessageTrace, type TraceStatistics } from "../telemetry/message_trace.ts";
import { type LoopRunner, runLoops } from "../time/loop.ts";
import type { Outgoing } from "./outgoing.ts";
import type { SendResult } from "./send_result.ts";
import type { TransactionState } from "./transactions.ts";

/** Region of a message that names none (MixAll.DEFAULT_TRACE_REGION_ID). */
const DEFAULT_REGION = "DefaultRegion";

/** Whose trace it is. */
export interface SendTraceOptions {
  /** The group as the application calls it. */
  readonly producerGroup: string;
  /** Whether anything is traced at all. */
  readonly messageTrace: boolean;
  /** The trace topic, as brokers call it. */
  readonly traceTopic: string;
}

/** A verdict on a transaction. */
export interface TracedVerdict {
  /** The topic as brokers call it. */
  readonly wireTopic: string;
  /** The topic as the application calls it. */
  readonly topic: string;
  /** Properties of the half message. */
  readonly properties: Readonly<Record<string, string>>;
  /** The message's id, which is its transaction's too. */
  readonly messageId: string;
  /** The verdict. */
  readonly state: TransactionState;
  /** Where it was sent to, `host:port`. */
  readonly storeHost: string | undefined;
  /** Whether the broker had asked. */
  readonly fromCheck: boolean;
}

/** The trace of one producer. */
export class SendTrace {
  readonly #client: RocketMQClient;
  readonly #trace: MessageTrace;
  readonly #group: string;
  #loops: LoopRunner | undefined;

  /** Writes nothing before `find`. */
  constructor(client: RocketMQClient, options: SendTraceOptions) {
    this.#client = client;
    this.#group = options.producerGroup;
    this.#trace = new MessageTrace(client, options.producerGroup, {
      enabled: options.messageTrace,
      kind: "PRODUCE",
      traceTopic: options.traceTopic,
      onBatch: () => this.#loops?.nudge("trace"),
    });
  }

  /** Looks for the trace topic, so that the first send is traced too. Never rejects. */
  async find(): Promise<void> {
    await this.#trace.flush();
  }

  /** Lets records leave from now on. */
  start(): void {
    this.#loops = runLoops(this.#trace.loops(), {
      clock: this.#client.clock,
      onError: (loop, error) =>
        this.#client.logger.error(`The ${loop} loop of producer "${this.#group}" failed`, error),
    });
  }

  /** Sends what waits and ends. Never rejects. */
  async stop(): Promise<void> {
    if (this.#loops === undefined) return;
    await this.#loops.stop();
    await this.#trace.flush();
  }

  /** What became of the records so far. */
  statistics(): TraceStatistics {
    return this.#trace.statistics();
  }

  /** The broker has stored `outgoing`, which left at `startedAt`. */
  stored(outgoing: Outgoing, result: SendResult, startedAt: number, brokerName: string): void {
    const trace = this.#trace.of(outgoing.wireTopic);
    if (trace === undefined || !result.traceOn) return;
    const properties = decodeProperties(outgoing.properties);
    trace.add({
      traceType: "Pub",
      timeStamp: startedAt,
      regionId: result.regionId,
      costTime: this.#client.clock.now() - startedAt,
      success: result.status === "SEND_OK",
      requestId: "",
      contextCode: 0,
      beans: [{
        topic: outgoing.topic,
        msgId: result.messageId,
        offsetMsgId: result.offsetMessageId,
        tags: properties[PropertyKey.TAGS],
        keys: properties[PropertyKey.KEYS],
        storeHost: this.#client.brokerAddress(brokerName),
        bodyLength: outgoing.body.length,
        retryTimes: 0,
        msgType: typeOf(properties),
        fromTransactionCheck: false,
      }],
    });
  }

  /** A verdict was sent. */
  ended(verdict: TracedVerdict): void {
    const trace = this.#trace.of(verdict.wireTopic);
    if (trace === undefined) return;
    const { properties, state } = verdict;
    trace.add({
      traceType: "EndTransaction",
      timeStamp: this.#client.clock.now(),
      regionId: properties[PropertyKey.MSG_REGION] || DEFAULT_REGION,
      costTime: 0,
      success: true,
      requestId: "",
      contextCode: 0,
      beans: [{
        topic: verdict.topic,
        msgId: verdict.messageId,
        tags: properties[PropertyKey.TAGS],
        keys: properties[PropertyKey.KEYS],
        storeHost: verdict.storeHost,
        bodyLength: 0,
        retryTimes: 0,
        msgType: "Trans_msg_Commit",
        transactionId: verdict.messageId,
        transactionState: state === "UNKNOWN" ? "UNKNOW" : state, // Java's spelling, which its reader asks for
        fromTransactionCheck: verdict.fromCheck,
      }],
    });
  }
}

/** What kind of message has these properties. Java knows of delay levels only; a timed message is one that is delayed too. */
function typeOf(properties: Readonly<Record<string, string>>): TraceMessageType {
  if (
    PropertyKey.DELAY in properties || PropertyKey.TIMER_DELAY_MS in properties ||
    PropertyKey.TIMER_DELAY_SECONDS in properties || PropertyKey.TIMER_DELIVER_MS in properties
  ) return "Delay_Msg";
  return properties[PropertyKey.TRANSACTION_PREPARED] === "true" ? "Trans_Msg_Half" : "Normal_Msg";
}
