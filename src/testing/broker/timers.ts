/**
 * Delayed messages: those with a time of their own.
 *
 * A timed message lies in rmq_sys_wheel_timer; an alarm is set for it, and when it goes off the message is stored again
 * under its real topic and queue, with the times of waiting noted. A marker message takes it back before. Agrees with
 * TimerMessageStore: the noted time was rounded down to the precision, delivery comes one step of precision after it.
 */
import { decodeProperties, encodeProperties, findProperty } from "../../message/properties.ts";
import type { NewMessage, Stored } from "../store/message_store.ts";
import type { Broker } from "./broker.ts";
import type { PendingTimer } from "./broker_state.ts";
import { TIMER_TOPIC } from "./topic_table.ts";

/** The key by which a timed message is recalled (TimerMessageStore.buildDeleteKey). */
export function recallKeyOf(topic: string, uniqueKey: string): string {
  return `${topic}+${uniqueKey}`;
}

/** The timed messages of one broker. */
export class Timers {
  readonly #broker: Broker;

  /** Delivers through `broker`. */
  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Goes on where the last life of the broker stopped. */
  start(): void {
    for (const timer of this.#broker.state.timers.values()) this.#arm(timer);
  }

  /** Hears of a stored message. */
  arrived(message: NewMessage, stored: Stored): void {
    if (message.topic !== TIMER_TOPIC) return;
    const { timers } = this.#broker.state;
    const recalled = findProperty(message.properties, "TIMER_DEL_UNIQKEY");
    if (recalled !== undefined) {
      for (const [key, timer] of timers) if (timer.recallKey === recalled) timers.delete(key);
      return;
    }
    const topic = findProperty(message.properties, "REAL_TOPIC") ?? "";
    const uniqueKey = findProperty(message.properties, "UNIQ_KEY") ?? "";
    const dueAt = Number(findProperty(message.properties, "TIMER_OUT_MS")) +
      this.#broker.options.timerPrecisionMs;
    // Anybody may send to this topic; what does not say when it is due stays there.
    if (Number.isNaN(dueAt)) return;
    const timer: PendingTimer = {
      dueAt,
      physicalOffset: stored.physicalOffset,
      recallKey: recallKeyOf(topic, uniqueKey),
    };
    timers.set(timer.physicalOffset, timer);
    this.#arm(timer);
  }

  #arm(timer: PendingTimer): void {
    this.#broker.alarms.set(timer.dueAt, () => this.#deliver(timer));
  }

  #deliver({ physicalOffset }: PendingTimer): void {
    const { state, clock } = this.#broker;
    if (!state.timers.delete(physicalOffset)) return;
    const message = state.store.message(physicalOffset);
    if (message === undefined) return;
    const properties = decodeProperties(message.properties);
    const { REAL_TOPIC: topic, REAL_QID: queueId } = properties;
    if (topic === undefined) return;
    properties["TIMER_ENQUEUE_MS"] = String(message.storeTimestamp);
    properties["TIMER_DEQUEUE_MS"] = String(clock.now());
    state.store.put({
      ...message,
      topic,
      queueId: Number(queueId),
      properties: encodeProperties(properties),
    });
  }
}
