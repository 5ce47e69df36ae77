/**
 * The end of a pipe: a WritableStream that handles messages, so many at once, and settles each by how its handler ended.
 */
import { Gate } from "../../core/gate.ts";
import type { Followed } from "../../core/tracer.ts";
import type { ConsumedMessage } from "../consumed_message.ts";

/** See Consumer.settle. */
export function settleSink<T extends ConsumedMessage>(
  handler: (message: T) => void | Promise<void>,
  concurrency: number,
): WritableStream<T> {
  const gate = new Gate(concurrency);
  const pending = new Set<Promise<void>>();
  return new WritableStream<T>({
    async write(message) {
      await gate.enter();
      const work: Promise<void> = handle(handler, message).finally(() => {
        pending.delete(work);
        gate.leave();
      });
      pending.add(work);
    },
    async close() {
      await Promise.all(pending);
    },
    async abort() {
      await Promise.all(pending);
    },
  }, { highWaterMark: 1 });
}

async function handle<T extends ConsumedMessage>(
  handler: (message: T) => void | Promise<void>,
  message: T,
): Promise<void> {
  const { trail } = message as Followed;
  try {
    await (trail === undefined ? handler(message) : trail.run(handler, message));
    if (!message.settled) message.ack();
  } catch (error) {
    trail?.failed(error);
    if (!message.settled) await message.retry();
  }
}
