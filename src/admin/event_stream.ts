/**
 * What happens, as server-sent events.
 *
 * One bounded queue per reader stands between the consumers and the connection, and a line leaves it only when the
 * connection asks: a reader that is slow loses the oldest events, is told how many, and costs no more memory than its queue.
 * So many readers at once and no more.
 */
import { EventQueue } from "../core/event_queue.ts";
import type { Clock } from "../time/clock.ts";
import { ProblemError } from "./problem.ts";
import { eventText, type ShownConsumer } from "./read_model.ts";

/** Unread events kept for each reader. */
const EVENT_LIMIT = 256;
/** Readers at once. */
const MAX_READERS = 32;
/** A comment is sent so often, in milliseconds: servers close a connection that is silent for ten seconds. */
const PING_MS = 5_000;

const encoder: TextEncoder = new TextEncoder();

/** The readers of one app. */
export class EventStreams {
  readonly #clock: Clock;
  #readers = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many read now. */
  get readers(): number {
    return this.#readers;
  }

  /**
   * A stream of the events of `consumers` from now on.
   *
   * @param withContent Whether what errors say is told.
   * @throws ProblemError when too many read already.
   */
  open(consumers: readonly ShownConsumer[], withContent: boolean): Response {
    if (this.#readers >= MAX_READERS) {
      throw new ProblemError(503, `Cannot stream events: ${MAX_READERS} readers are connected already`);
    }
    this.#readers++;
    const over = new AbortController();
    const lines = new EventQueue<string>(EVENT_LIMIT, () => {
      this.#readers--;
      over.abort();
    });
    const follow = async (consumer: ShownConsumer): Promise<void> => {
      const events = consumer.events();
      over.signal.addEventListener("abort", () => void events.return?.(), { once: true });
      for await (const event of events) {
        // JSON escapes line ends, so one event is one line of data.
        const data = eventText(consumer.consumerGroup, this.#clock.now(), event, withContent);
        lines.push(`event: ${event.type}\ndata: ${data}\n\n`);
      }
    };
    for (const consumer of consumers) void follow(consumer);
    void this.#ping(lines, over.signal);
    let told = 0;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(": contrail\n\n")),
      async pull(controller) {
        const { value, done } = await lines.next();
        if (done) return controller.close();
        const missed = lines.dropped - told;
        told = lines.dropped;
        const gap = missed > 0 ? `event: dropped\ndata: ${missed}\n\n` : "";
        controller.enqueue(encoder.encode(gap + value));
      },
      cancel: () => void lines.return(),
    }, { highWaterMark: 0 });
    const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" };
    return new Response(body, { headers });
  }

  async #ping(lines: EventQueue<string>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(PING_MS, signal).catch(() => {});
      lines.push(": ping\n\n");
    }
  }
}
