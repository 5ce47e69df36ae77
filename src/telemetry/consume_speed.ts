/**
 * How fast a group consumes, topic by topic: rates and times over the last minute, hour and day.
 *
 * Picture a row of odometers per topic that only ever count up; whoever pulls or settles turns them by a plain addition.
 * `sample` photographs them every 10 s, 10 min and 1 h, and a rate is the way between now and the oldest photograph of its
 * window. Agrees with ConsumerStatsManager and StatsItem, save that the way is measured up to now.
 */
import type { ConsumeStatus } from "../protocol/bodies.ts";

/** The odometers of one topic. */
export interface TopicTotals {
  /** Messages settled by ack. */
  consumed: number;
  /** Messages that were to come again, or went to the dead letters. */
  failed: number;
  /** Time from hand-out to settlement of the messages that were timed, in milliseconds. */
  consumeMs: number;
  /** Messages that were timed: the first of each pull. */
  consumeTimes: number;
  /** Messages pulled. */
  pulled: number;
  /** Time of the pulls that brought some, in milliseconds. */
  pullMs: number;
  /** Pulls that brought some. */
  pullTimes: number;
}

/** Rates per second and mean times in milliseconds, over one window of time. */
export interface Speed {
  /** Messages acked per second. */
  readonly consumeOkTps: number;
  /** Messages that failed, per second. */
  readonly consumeFailedTps: number;
  /** Time from hand-out to settlement; 0 when nothing was settled. */
  readonly consumeRtMs: number;
  /** Messages pulled per second. */
  readonly pullTps: number;
  /** Time of a pull that brought messages, waiting at the broker included; 0 when there was none. */
  readonly pullRtMs: number;
}

/** The speed of one topic; a retried message counts for the group's retry topic. */
export interface TopicSpeed {
  /** The topic. */
  readonly topic: string;
  /** What was counted since the start. */
  readonly totals: Readonly<TopicTotals>;
  /** Over the last minute. */
  readonly minute: Speed;
  /** Over the last hour. */
  readonly hour: Speed;
  /** Over the last 24 hours. */
  readonly day: Speed;
}

/** All zero. */
export function newTopicTotals(): TopicTotals {
  return { consumed: 0, failed: 0, consumeMs: 0, consumeTimes: 0, pulled: 0, pullMs: 0, pullTimes: 0 };
}

interface Photograph extends Readonly<TopicTotals> {
  readonly at: number;
}

/** How often a window is photographed, and how many photographs span it (as StatsItem: 7, 7 and 25, with both ends). */
const WINDOWS = {
  minute: { everyMs: 10_000, spans: 6 },
  hour: { everyMs: 600_000, spans: 6 },
  day: { everyMs: 3_600_000, spans: 24 },
} as const;
type WindowName = keyof typeof WINDOWS;
const WINDOW_NAMES = Object.keys(WINDOWS) as WindowName[];
/** A way shorter than this tells no rate yet, in milliseconds. */
const SHORTEST_MS = 1_000;

/** One topic's odometers and their photographs, oldest first. */
class TopicAlbum {
  readonly totals: TopicTotals = newTopicTotals();
  readonly #photographs: Record<WindowName, Photograph[]>;

  constructor(now: number) {
    const first = { ...this.totals, at: now };
    this.#photographs = { minute: [first], hour: [first], day: [first] };
  }

  sample(now: number): void {
    let photograph: Photograph | undefined;
    for (const name of WINDOW_NAMES) {
      const { everyMs, spans } = WINDOWS[name];
      const album = this.#photographs[name];
      if (now - album.at(-1)!.at < everyMs) continue;
      album.push(photograph ??= { ...this.totals, at: now });
      if (album.length > spans + 1) album.shift();
    }
  }

  /** The oldest photograph of a window. */
  since(name: WindowName): Photograph {
    return this.#photographs[name][0]!;
  }

  speed(name: WindowName, now: number): Speed {
    const { totals } = this;
    const then = this.since(name);
    const seconds = Math.max(SHORTEST_MS, now - then.at) / 1000;
    return {
      consumeOkTps: (totals.consumed - then.consumed) / seconds,
      consumeFailedTps: (totals.failed - then.failed) / seconds,
      consumeRtMs: mean(totals.consumeMs - then.consumeMs, totals.consumeTimes - then.consumeTimes),
      pullTps: (totals.pulled - then.pulled) / seconds,
      pullRtMs: mean(totals.pullMs - then.pullMs, totals.pullTimes - then.pullTimes),
    };
  }
}

/** The speed of one consumer, by topic. */
export class ConsumeSpeed {
  readonly #albums = new Map<string, TopicAlbum>();
  readonly #clock: { now(): number };

  /** Nothing counted yet. */
  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** The odometers of `topic`: to be kept, and turned by whoever pulls and settles. */
  totals(topic: string): TopicTotals {
    let album = this.#albums.get(topic);
    if (album === undefined) this.#albums.set(topic, album = new TopicAlbum(this.#clock.now()));
    return album.totals;
  }

  /** Photographs what is due. To be called about once a second. */
  sample(now: number): void {
    for (const album of this.#albums.values()) album.sample(now);
  }

  /** The speed of every topic that was counted. */
  topics(): TopicSpeed[] {
    const now = this.#clock.now();
    return Array.from(this.#albums, ([topic, album]) => ({
      topic,
      totals: { ...album.totals },
      minute: album.speed("minute", now),
      hour: album.speed("hour", now),
      day: album.speed("day", now),
    }));
  }

  /** What a report says of `topic` (Java: ConsumerStatsManager.consumeStatus): the last minute, failures of the last hour. */
  status(topic: string): ConsumeStatus {
    const album = this.#albums.get(topic) ?? new TopicAlbum(this.#clock.now());
    const now = this.#clock.now();
    const minute = album.speed("minute", now);
    return {
      pullRT: minute.pullRtMs,
      pullTPS: minute.pullTps,
      consumeRT: minute.consumeRtMs || album.speed("hour", now).consumeRtMs,
      consumeOKTPS: minute.consumeOkTps,
      consumeFailedTPS: minute.consumeFailedTps,
      consumeFailedMsgs: album.totals.failed - album.since("hour").failed,
    };
  }
}

function mean(sum: number, times: number): number {
  return times === 0 ? 0 : sum / times;
}
