/**
 * What handing messages out costs, without a network: one run scans the body of one pull with 256 messages of 1 KiB, pastes them
 * onto a window, hands every one of them to its taker, who reads the body's length, and settles it. Divide by `COUNT`.
 *
 *     deno bench -A --no-check bench/dispatch_bench.ts
 *
 * Deno awaits what is declared `async` and nothing else: a plain function that gives a promise would be timed until it returns.
 */
import { MessageStream } from "../src/consumer/taking/message_stream.ts";
import { type ItemShape, runShape, singleShape, StreamSource } from "../src/consumer/taking/stream_source.ts";
import { scanRecords } from "../src/message/record_view.ts";
import { systemClock as clock } from "../src/time/clock.ts";
import { COUNT, listening, newWindow, paste, pull, SLOTS } from "./dispatching.ts";

/** One run with a loop over a stream that stays open. */
function looping<T>(shape: ItemShape<T>, count: (item: T) => number): () => Promise<void> {
  const source = new StreamSource<T>({ topic: undefined, shape, clock, onEnd: () => {} });
  const window = newWindow((lane) => source.offer(lane));
  const iterator = new MessageStream(source, "auto", () => {})[Symbol.asyncIterator]();
  return async () => {
    paste(window);
    for (let left = COUNT; left > 0;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the stream has ended");
      left -= count(value);
    }
  };
}

let bytes = 0;

Deno.bench(`${COUNT} messages: scan alone`, { baseline: true }, () => {
  for (const { body } of scanRecords(pull, { checkCrc: true }).records) bytes += body.length;
});

const synchronous = listening((handled) => ({ body }) => {
  bytes += body.length;
  handled();
});
Deno.bench(`${COUNT} messages: to a listener`, async () => await synchronous());

const asynchronous = listening((handled) => async ({ body }) => {
  bytes += body.length;
  await undefined;
  handled();
});
Deno.bench(`${COUNT} messages: to an async listener, ${SLOTS} slots`, async () => await asynchronous());

const single = looping(singleShape, ({ body }) => {
  bytes += body.length;
  return 1;
});
Deno.bench(`${COUNT} messages: to a for-await loop`, async () => await single());

const runs = looping(runShape(32), (batch) => {
  for (const { body } of batch) bytes += body.length;
  return batch.length;
});
Deno.bench(`${COUNT} messages: to a loop over batches of 32`, async () => await runs());
