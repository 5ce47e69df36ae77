/**
 * Delayed messages: the levels.
 *
 * A message with a delay level lies in queue level − 1 of SCHEDULE_TOPIC_XXXX; a row's tags code is the time when it is due. All
 * messages of a level wait equally long, so the first is always due first: one alarm a level, one offset that says how
 * far the level was delivered. What is due is stored again under its real topic and queue. Agrees with ScheduleMessageService.
 */
import { findProperty } from "../../message/properties.ts";
import { SCHEDULE_TOPIC } from "../../protocol/names.ts";
import type { NewMessage } from "../store/message_store.ts";
import type { Broker } from "./broker.ts";

/** The delay levels of one broker. */
export class Schedule {
  readonly #broker: Broker;
  readonly #armed = new Set<number>();

  /** Delivers through `broker`. */
  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Goes on where the last life of the broker stopped. */
  start(): void {
    for (const queueId of this.#broker.state.store.queuesOf(SCHEDULE_TOPIC).keys()) this.#arm(queueId);
  }

  /** Hears of a stored message. */
  arrived(message: NewMessage): void {
    if (message.topic === SCHEDULE_TOPIC) this.#arm(message.queueId);
  }

  #arm(queueId: number): void {
    if (this.#armed.has(queueId)) return;
    const { state, alarms } = this.#broker;
    const queue = state.store.queue(SCHEDULE_TOPIC, queueId);
    const next = Math.max(state.scheduleOffsets.get(queueId) ?? 0, queue.minOffset);
    if (!queue.has(next)) return;
    this.#armed.add(queueId);
    alarms.set(queue.tagsCode(next), () => {
      this.#armed.delete(queueId);
      this.#deliver(queueId);
      this.#arm(queueId);
    });
  }

  #deliver(queueId: number): void {
    const { state, clock } = this.#broker;
    const queue = state.store.queue(SCHEDULE_TOPIC, queueId);
    let at = Math.max(state.scheduleOffsets.get(queueId) ?? 0, queue.minOffset);
    while (queue.has(at) && queue.tagsCode(at) <= clock.now()) {
      const message = state.store.message(queue.physicalOffset(at));
      state.scheduleOffsets.set(queueId, ++at);
      if (message === undefined) continue;
      const topic = findProperty(message.properties, "REAL_TOPIC");
      if (topic === undefined) continue;
      const realQueueId = Number(findProperty(message.properties, "REAL_QID") ?? 0);
      state.store.put({ ...message, topic, queueId: realQueueId });
    }
  }
}
