/**
 * Who takes the messages of a topic: its listener, its stream, or the stream of all. Exactly one; a second is refused.
 */
import type { Clock } from "../../time/clock.ts";
import { ConsumerStateError } from "../../core/errors.ts";
import type { ListenerPool } from "./listener_pool.ts";
import type { Lane } from "../window/lane.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import { type ItemShape, StreamSource } from "./stream_source.ts";

/** What takers work with. */
export interface TakersOptions {
  readonly clock: Clock;
  /** How fast messages may be handed out; as fast as can be when undefined. */
  readonly rate?: RateLimit | undefined;
  /** A topic got a taker: its pullers may go. */
  readonly onTaken: () => void;
}

// deno-lint-ignore no-explicit-any
type AnySource = StreamSource<any>;

/** The takers of one consumer. */
export class Takers {
  readonly #pool: ListenerPool;
  readonly #options: TakersOptions;
  readonly #sources = new Map<string, AnySource>();
  #all: AnySource | undefined;

  constructor(pool: ListenerPool, options: TakersOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Whether someone takes the messages of `topic`. */
  isTaken(topic: string): boolean {
    return this.#all !== undefined || this.#sources.has(topic) || this.#pool.serves(topic);
  }

  /** Whether the messages of a window are taken; a retry topic's go wherever their topic's go. */
  isWindowTaken(window: QueueWindow): boolean {
    if (!window.isRetry) return this.isTaken(window.queue.topic);
    return this.#all !== undefined || this.#sources.size > 0 || this.#pool.isUsed;
  }

  /** Checks that a listener may be registered for `topic` (all when undefined). @throws ConsumerStateError */
  checkListener(topic: string | undefined): void {
    const holder = this.#all ??
      (topic === undefined ? [...this.#sources.values()][0] : this.#sources.get(topic));
    if (holder) throw taken(topic, holder.topic);
  }

  /** A lane has messages: its taker gets them. */
  offer(lane: Lane): void {
    const source = this.#sources.get(lane.topic) ?? this.#all;
    if (source) source.offer(lane);
    else if (this.#pool.serves(lane.topic)) this.#pool.offer(lane);
  }

  /** A new stream of `topic` (all when undefined). @throws ConsumerStateError when the topic has a taker. */
  openSource<T>(
    topic: string | undefined,
    shape: ItemShape<T>,
    windows: () => Iterable<QueueWindow>,
  ): StreamSource<T> {
    this.#checkSource(topic);
    const source = new StreamSource<T>({
      topic,
      shape,
      clock: this.#options.clock,
      rate: this.#options.rate,
      onEnd: () => {
        if (this.#all === source) this.#all = undefined;
        else if (topic !== undefined && this.#sources.get(topic) === source) this.#sources.delete(topic);
      },
    });
    if (topic === undefined) this.#all = source;
    else this.#sources.set(topic, source);
    this.offerAll(windows());
    return source;
  }

  /** Offers every lane that has messages: someone new takes them. */
  offerAll(windows: Iterable<QueueWindow>): void {
    for (const window of windows) {
      for (const lane of window.lanes()) if (lane.size > 0) this.offer(lane);
    }
    this.#options.onTaken();
  }

  /** Ends every stream and hands nothing out any more. */
  end(): void {
    this.#pool.stop();
    const sources = [...this.#sources.values()];
    if (this.#all) sources.push(this.#all);
    for (const source of sources) source.end();
  }

  #checkSource(topic: string | undefined): void {
    if (this.#all) throw taken(topic, undefined);
    if (topic === undefined) {
      const other = [...this.#sources.keys()][0];
      if (other !== undefined) throw taken(topic, other);
      if (this.#pool.isUsed) throw taken(topic, "a listener");
    } else if (this.#sources.has(topic)) throw taken(topic, topic);
    else if (this.#pool.serves(topic)) throw taken(topic, "a listener");
  }
}

function taken(topic: string | undefined, by: string | undefined): ConsumerStateError {
  const what = topic === undefined ? "a stream of all topics" : `a taker of "${topic}"`;
  const holder = by === undefined
    ? "a stream of all topics"
    : by === "a listener"
    ? by
    : `the stream of "${by}"`;
  return new ConsumerStateError(
    `Cannot open ${what}: ${holder} takes its messages already; a topic has one taker`,
  );
}
