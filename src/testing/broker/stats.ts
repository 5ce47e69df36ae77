/**
 * What a broker counts: messages and bytes, by name of the count and key (a topic, or topic@group), over a minute, an hour and a day.
 *
 * Picture a total per key, and for each of the three periods a few older readings of it; a period's figures are the total less the
 * oldest reading within the period. Readings are taken when something is counted, so nothing ticks. Agrees with StatsItem in
 * what is read: one every 10 seconds for the minute, every 10 minutes for the hour, every hour for the day.
 */
import type { BrokerStatsData, BrokerStatsItem } from "../../protocol/bodies.ts";
import { isSystemTopic } from "../../protocol/names.ts";
import type { Clock } from "../../time/clock.ts";

/** Name of a count (Stats in Java). */
export type CountName =
  | "TOPIC_PUT_NUMS"
  | "TOPIC_PUT_SIZE"
  | "GROUP_GET_NUMS"
  | "GROUP_GET_SIZE"
  | "SNDBCK_PUT_NUMS"
  | "BROKER_PUT_NUMS"
  | "BROKER_GET_NUMS"
  | "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC"
  | "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC";

/** Most keys that are counted; further ones are not. */
const MAX_KEYS = 100_000;

/** A period of so many readings, one every so often. */
interface Period {
  readonly everyMs: number;
  readonly readings: number;
}

const MINUTE: Period = { everyMs: 10_000, readings: 6 };
const HOUR: Period = { everyMs: 600_000, readings: 6 };
const DAY: Period = { everyMs: 3_600_000, readings: 24 };

interface Reading {
  readonly at: number;
  readonly sum: number;
  readonly times: number;
}

interface Item {
  sum: number;
  times: number;
  readonly readings: ReadonlyMap<Period, Reading[]>;
}

/** The counts of one life of a broker. */
export class BrokerStats {
  readonly #clock: Clock;
  readonly #clusterName: string;
  readonly #items = new Map<string, Item>();

  /** Counts by `clock`; what concerns the whole broker goes by the name of its cluster. */
  constructor(clock: Clock, clusterName: string) {
    this.#clock = clock;
    this.#clusterName = clusterName;
  }

  /** Counts messages that a producer sent. */
  sent(topic: string, messages: number, sizeBytes: number): void {
    this.add("TOPIC_PUT_NUMS", topic, messages);
    this.add("TOPIC_PUT_SIZE", topic, sizeBytes);
    this.#addOfBroker("PUT", topic, messages);
  }

  /** Counts messages that a group was given. */
  given(group: string, topic: string, messages: number, sizeBytes: number): void {
    this.add("GROUP_GET_NUMS", `${topic}@${group}`, messages);
    this.add("GROUP_GET_SIZE", `${topic}@${group}`, sizeBytes);
    this.#addOfBroker("GET", topic, messages);
  }

  /** Counts `amount` at once. */
  add(name: CountName, key: string, amount: number): void {
    const id = `${name} ${key}`;
    let item = this.#items.get(id);
    if (item === undefined) {
      if (this.#items.size >= MAX_KEYS) return;
      item = { sum: 0, times: 0, readings: new Map([MINUTE, HOUR, DAY].map((period) => [period, []])) };
      this.#items.set(id, item);
    }
    const at = this.#clock.now();
    for (const [{ everyMs, readings: most }, readings] of item.readings) {
      const last = readings.at(-1);
      if (last !== undefined && at - last.at < everyMs) continue;
      readings.push({ at, sum: item.sum, times: item.times });
      if (readings.length > most) readings.shift();
    }
    item.sum += amount;
    item.times++;
  }

  /** How much was counted since the broker started. */
  total(name: CountName, key: string): number {
    return this.#items.get(`${name} ${key}`)?.sum ?? 0;
  }

  /** The figures of a key as code 315 answers them, `undefined` when nothing was ever counted. */
  figures(name: string, key: string): BrokerStatsData | undefined {
    const item = this.#items.get(`${name} ${key}`);
    return item && {
      statsMinute: this.#over(item, MINUTE),
      statsHour: this.#over(item, HOUR),
      statsDay: this.#over(item, DAY),
    };
  }

  /** How much was counted a second in the last minute. */
  perSecond(name: CountName, key: string): number {
    return this.figures(name, key)?.statsMinute?.tps ?? 0;
  }

  /** How many messages went in or out a second, over the last 10 seconds, minute and 10 minutes. */
  rates(way: "PUT" | "GET"): number[] {
    const item = this.#items.get(`BROKER_${way}_NUMS ${this.#clusterName}`);
    const over = (period: Period, ms: number): number =>
      item === undefined ? 0 : this.#over(item, period, ms).tps;
    return [over(MINUTE, 10_000), over(MINUTE, 60_000), over(HOUR, 600_000)];
  }

  /** How many messages went in or out since the broker started; those of system topics are not in it. */
  passed(way: "PUT" | "GET"): number {
    return this.total(`BROKER_${way}_NUMS_WITHOUT_SYSTEM_TOPIC`, this.#clusterName);
  }

  #addOfBroker(way: "PUT" | "GET", topic: string, messages: number): void {
    this.add(`BROKER_${way}_NUMS`, this.#clusterName, messages);
    if (!isSystemTopic(topic)) {
      this.add(`BROKER_${way}_NUMS_WITHOUT_SYSTEM_TOPIC`, this.#clusterName, messages);
    }
  }

  /** The figures of an item over the last `ms` milliseconds, as well as the readings of `period` tell. */
  #over(
    { sum, times, readings }: Item,
    period: Period,
    ms: number = period.everyMs * period.readings,
  ): BrokerStatsItem {
    const now = this.#clock.now();
    const begin = now - ms;
    const first = readings.get(period)?.find((reading) => reading.at >= begin);
    if (first === undefined) return { sum: 0, tps: 0, times: 0, avgpt: 0 };
    const counted = sum - first.sum;
    const often = times - first.times;
    const seconds = Math.max(now - first.at, period.everyMs) / 1000;
    return { sum: counted, tps: counted / seconds, times: often, avgpt: often === 0 ? 0 : counted / often };
  }
}
