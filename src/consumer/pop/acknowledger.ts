/**
 * Tells brokers which popped messages are done with.
 *
 * Picture a tray for each broker: settled messages fall into it, and whenever no call is under way everything in it goes out
 * as one. So a call carries what was settled during the last, and none waits for a timer. What a broker does not
 * confirm is sent again while its handle counts; after that the message comes again by itself.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { BrokerError } from "../../core/errors.ts";
import { batchAckRequest } from "../../protocol/bodies.ts";
import { ackMessage, batchAckMessage } from "../../protocol/operations.ts";
import { PopHandle } from "../../protocol/pop.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { type Backoff, backoffMs } from "../../time/backoff.ts";
import type { ConsumerEvent } from "../events.ts";
import type { ConsumerCounters } from "../statistics.ts";
import { batchAcks } from "./batch_acks.ts";
import type { PopReceipt } from "./receipt.ts";

/** How long a broker may take to confirm, in milliseconds (Java: ASYNC_TIMEOUT). */
const ACK_TIMEOUT_MS = 3_000;
const FAILURE_BACKOFF: Backoff = { baseMs: 200, maxMs: 5_000 };
/** Messages that one call acknowledges, at most. */
const MAX_BATCH = 4_096;

/** What acknowledging works with. */
export interface AcknowledgerOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
}

interface Tray {
  receipts: PopReceipt[];
  /** What the call under way carries. */
  sent: readonly PopReceipt[];
  /** The sending of what lies in it, until it is empty. */
  sending: Promise<void> | undefined;
  failures: number;
}

/** The acknowledgements of one consumer. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #trays = new Map<string, Tray>();
  /** Brokers that know no batches (before 5.1.4). */
  readonly #oneByOne = new Set<string>();
  readonly #hurry = new AbortController();
  /** Messages that wait for a change of their handle. */
  readonly #waiting = new Set<Promise<void>>();

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
  }

  /** A message is done with: its broker is told, soon and with others. */
  add(receipt: PopReceipt): void {
    if (receipt.pending === undefined) return this.#lay(receipt);
    const waiting = receipt.pending.then(() => {
      this.#waiting.delete(waiting);
      this.add(receipt);
    });
    this.#waiting.add(waiting);
  }

  /** What is done with and not known to be at its broker. */
  *unconfirmed(): Iterable<PopReceipt> {
    for (const { sent, receipts } of this.#trays.values()) {
      yield* sent;
      yield* receipts;
    }
  }

  /** Resolves when every message that was added is confirmed, or a last try has failed. */
  async finish(): Promise<void> {
    this.#hurry.abort();
    await Promise.all(this.#waiting);
    await Promise.all([...this.#trays.values()].map(({ sending }) => sending));
  }

  #lay(receipt: PopReceipt): void {
    const { brokerName } = receipt.queue;
    let tray = this.#trays.get(brokerName);
    if (!tray) {
      this.#trays.set(brokerName, tray = { receipts: [], sent: [], sending: undefined, failures: 0 });
    }
    tray.receipts.push(receipt);
    tray.sending ??= this.#empty(brokerName, tray);
  }

  async #empty(broker: string, tray: Tray): Promise<void> {
    const { client } = this.#options;
    await Promise.resolve(); // what else is settled in this turn goes along
    while (tray.receipts.length > 0) {
      const batch = tray.sent = tray.receipts.splice(0, MAX_BATCH);
      try {
        await this.#send(broker, batch);
        tray.sent = [];
        tray.failures = 0;
      } catch (error) {
        tray.sent = [];
        this.#failed(tray, batch, error as Error);
        if (this.#hurry.signal.aborted || tray.receipts.length === 0) continue;
        const restMs = backoffMs(FAILURE_BACKOFF, tray.failures, client.random);
        await client.clock.sleep(restMs, this.#hurry.signal).catch(() => {});
      }
    }
    tray.sending = undefined;
  }

  /** What may still be confirmed lies in the tray again, before the others: in order they were settled, in order they are told. */
  #failed(tray: Tray, batch: readonly PopReceipt[], error: Error): void {
    const { client, counters, emit } = this.#options;
    const now = client.clock.now();
    const isLastTry = this.#hurry.signal.aborted && tray.failures > 0;
    const again = error instanceof BrokerError && !error.retriable || isLastTry
      ? []
      : batch.filter(({ visibleAt }) => visibleAt > now);
    counters.ackFailures += batch.length - again.length;
    if (++tray.failures === 1) emit({ type: "ackFailed", messages: batch.length, error });
    tray.receipts.unshift(...again);
  }

  async #send(broker: string, batch: readonly PopReceipt[]): Promise<void> {
    const { client, consumerGroup, counters } = this.#options;
    if (batch.length === 1 || this.#oneByOne.has(broker)) {
      await Promise.all(batch.map((receipt) => this.#sendOne(receipt)));
      return;
    }
    const { acks, apart } = batchAcks(consumerGroup, batch);
    const body = batchAckRequest.write({ brokerName: broker, acks });
    counters.ackCalls++;
    try {
      await client.call(broker, batchAckMessage, {}, { body, timeoutMs: ACK_TIMEOUT_MS, brokerId: 0 });
    } catch (error) {
      if (!isUnknownRequest(error)) throw error;
      this.#oneByOne.add(broker);
      return await this.#send(broker, batch);
    }
    await Promise.all(apart.map((receipt) => this.#sendOne(receipt)));
  }

  async #sendOne({ handle, queue }: PopReceipt): Promise<void> {
    const { client, consumerGroup, counters } = this.#options;
    const parts = new PopHandle(handle);
    counters.ackCalls++;
    await client.call(queue.brokerName, ackMessage, {
      consumerGroup,
      topic: parts.topicOf(queue.topic, consumerGroup),
      queueId: parts.queueId,
      extraInfo: handle,
      offset: parts.queueOffset,
    }, { timeoutMs: ACK_TIMEOUT_MS, brokerId: 0 });
  }
}

/** Whether a broker does not know what was asked. */
export function isUnknownRequest(error: unknown): boolean {
  return error instanceof BrokerError &&
    error.facts.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
}
