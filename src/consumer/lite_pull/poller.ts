/**
 * Who takes the messages of a lite pull consumer: polls, or one stream at a time.
 *
 * Picture a counter: asking for more says that what was handed over before is finished (acked), and nothing else says so but a
 * commit by hand. So a commit never passes a message that is still in the caller's hands.
 */
import { ConsumerStateError } from "../../core/errors.ts";
import type { Clock } from "../../time/clock.ts";
import type { Delivery } from "../window/delivery.ts";
import type { Lane } from "../window/lane.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import { type ItemShape, singleShape, StreamSource } from "../taking/stream_source.ts";

/** How one poll waits. */
export interface PollTerms {
  /** How long, in milliseconds. */
  readonly timeoutMs: number;
  /** Messages at most. */
  readonly maxMessages: number;
  /** Ends it early. */
  readonly signal: AbortSignal | undefined;
}

/** Hands out to polls or to a stream. */
export class Poller {
  readonly #clock: Clock;
  readonly #windows: () => Iterable<QueueWindow>;
  readonly #shape: ItemShape<Delivery[]>;
  #polls: StreamSource<Delivery[]> | undefined;
  #stream: StreamSource<Delivery> | undefined;
  #batch: Delivery[] = [];
  #maxMessages = 1;
  #isPolling = false;

  /** Hands out what is in `windows`, as they are at the time. */
  constructor(clock: Clock, windows: () => Iterable<QueueWindow>) {
    this.#clock = clock;
    this.#windows = windows;
    this.#shape = {
      take: (ring, now) => {
        const run = ring.nextRun(this.#maxMessages, now);
        return run.length > 0 ? run : undefined;
      },
      deliveries: (run) => run,
    };
  }

  /** Whether a stream takes the messages. */
  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** A lane has messages. */
  offer(lane: Lane): void {
    (this.#stream ?? this.#polls)?.offer(lane);
  }

  /**
   * Finishes what was handed out before, and waits for messages of one queue; none when the time is up or the source ends.
   *
   * @throws ConsumerStateError when another poll or a stream takes the messages; the signal's reason.
   */
  async poll({ timeoutMs, maxMessages, signal }: PollTerms): Promise<readonly Delivery[]> {
    this.#checkFree("poll");
    this.#finish();
    signal?.throwIfAborted();
    this.#maxMessages = maxMessages;
    if (this.#polls === undefined) {
      this.#polls = new StreamSource({
        topic: undefined,
        shape: this.#shape,
        clock: this.#clock,
        onEnd: () => this.#polls = undefined,
      });
      this.#offerAll();
    }
    this.#isPolling = true;
    try {
      this.#batch = await nextWithin(this.#polls, this.#clock, timeoutMs, signal) ?? [];
    } finally {
      this.#isPolling = false;
    }
    if (this.#batch.length === 0) signal?.throwIfAborted();
    return [...this.#batch];
  }

  /** Finishes what polls handed out, and opens a stream. @throws ConsumerStateError */
  openStream(): StreamSource<Delivery> {
    this.#checkFree("open a stream");
    this.#finish();
    this.#polls?.end();
    const stream = new StreamSource<Delivery>({
      topic: undefined,
      shape: singleShape,
      clock: this.#clock,
      onEnd: () => this.#stream = undefined,
    });
    this.#stream = stream;
    this.#offerAll();
    return stream;
  }

  /** Finishes everything that is in the caller's hands, as a commit by hand says. */
  finishAll(): void {
    this.#finish();
    // what a waiting poll is just getting has not reached its caller
    if (this.#isPolling) return;
    for (const window of this.#windows()) {
      for (const delivery of [...window.outSince(Infinity)]) delivery.ack();
    }
  }

  /** Hands nothing out any more: a waiting poll gets nothing, a stream is done. */
  end(): void {
    this.#polls?.end();
    this.#stream?.end();
  }

  #finish(): void {
    const batch = this.#batch;
    this.#batch = [];
    for (const delivery of batch) if (delivery.state === "out" || delivery.state === "stale") delivery.ack();
  }

  #checkFree(attempted: string): void {
    const holder = this.#stream ? "a stream takes the messages" : this.#isPolling ? "a poll is waiting" : "";
    if (holder !== "") {
      throw new ConsumerStateError(`Cannot ${attempted}: ${holder}; one at a time is handed messages`);
    }
  }

  #offerAll(): void {
    for (const window of this.#windows()) {
      for (const lane of window.lanes()) if (lane.size > 0) this.offer(lane);
    }
  }
}

/** The next item; `undefined` when `timeoutMs` have passed, the signal fires or the source ends. */
async function nextWithin<T>(
  source: StreamSource<T>,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const next = source.next();
  if (!(next instanceof Promise)) return next;
  const answered = new AbortController();
  // an item that comes in the same turn wins, and a later poll is not disturbed
  const giveUp = (): void => answered.signal.aborted ? undefined : source.giveUp();
  signal?.addEventListener("abort", giveUp, { once: true });
  if (timeoutMs <= 0) giveUp();
  else if (timeoutMs < Infinity) clock.sleep(timeoutMs, answered.signal).then(giveUp, () => {});
  try {
    return await next;
  } finally {
    answered.abort();
    signal?.removeEventListener("abort", giveUp);
  }
}
