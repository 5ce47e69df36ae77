import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ConsumedMessage } from "../../../../src/consumer/consumed_message.ts";
import { filterBy, filterByTag, parseJson } from "../../../../src/consumer/taking/filters.ts";
import { MessageStream, type SettleMode } from "../../../../src/consumer/taking/message_stream.ts";
import type { QueueWindow } from "../../../../src/consumer/window/queue_window.ts";
import { settleSink } from "../../../../src/consumer/taking/settle_sink.ts";
import {
  type ItemShape,
  runShape,
  singleShape,
  StreamSource,
} from "../../../../src/consumer/taking/stream_source.ts";
import { nextTurn } from "../../../../src/time/turn.ts";
import { fakeRecord, fakeRecords, fakeWindow } from "../window/fake_window.ts";

const clock = { now: () => 1, sleep: () => Promise.resolve() };

function open(settle: SettleMode = "auto", windows = 1) {
  let current: StreamSource<ConsumedMessage> | undefined;
  let warnings = 0;
  const scenes = Array.from(
    { length: windows },
    (_, queueId) => fakeWindow({ queueId, onReady: (lane) => current?.offer(lane) }),
  );
  const stream = (): MessageStream<ConsumedMessage> => {
    current = new StreamSource<ConsumedMessage>({
      topic: undefined,
      shape: singleShape as unknown as ItemShape<ConsumedMessage>,
      clock,
      onEnd: () => current = undefined,
    });
    for (const { window } of scenes) for (const lane of window.lanes()) current.offer(lane);
    return new MessageStream(current, settle, () => warnings++);
  };
  return {
    scenes,
    window: scenes[0]!.window,
    seen: scenes[0]!.seen,
    sentBack: scenes[0]!.sentBack,
    stream,
    end: () => current?.end(),
    warnings: () => warnings,
  };
}

async function offsets(stream: ReadableStream<ConsumedMessage>, count: number): Promise<number[]> {
  const out: number[] = [];
  for await (const message of stream) {
    out.push(message.queueOffset);
    if (out.length === count) break;
  }
  return out;
}

function fill(window: QueueWindow, to: number): void {
  window.append(fakeRecords(0, to), to, to * 100);
}

Deno.test("the loop acks a message when it asks for the next one, not before", async () => {
  const { stream, window } = open();
  fill(window, 3);
  const iterator = stream()[Symbol.asyncIterator]();
  await iterator.next();
  assertEquals(window.commitOffset, 0);
  await iterator.next();
  assertEquals(window.commitOffset, 1);
  await iterator.return!();
});

Deno.test("break leaves the current message unsettled, and the next stream gets it first", async () => {
  const { stream, window, seen } = open();
  fill(window, 4);
  assertEquals(await offsets(stream(), 2), [0, 1]);
  assertEquals([window.commitOffset, seen.acks, window.out], [1, 1, 0]);
  assertEquals(await offsets(stream(), 3), [1, 2, 3]);
});

Deno.test("a throw in the loop leaves the current message unsettled", async () => {
  const { stream, window } = open();
  fill(window, 2);
  await assertRejects(
    async () => {
      for await (const _ of stream()) throw new Error("handler");
    },
    Error,
    "handler",
  );
  assertEquals([window.commitOffset, window.out], [0, 0]);
});

Deno.test("a message settled in the loop is not acked again", async () => {
  const { stream, window, seen, sentBack } = open();
  fill(window, 3);
  let n = 0;
  for await (const message of stream()) {
    if (n++ === 0) await message.retry();
    if (n === 3) break;
  }
  assertEquals([sentBack.length, seen.acks, seen.late], [1, 1, 0]);
});

Deno.test("the end of the source ends the loop after the current message was acked", async () => {
  const { stream, window, end } = open();
  fill(window, 2);
  let n = 0;
  for await (const _ of stream()) if (++n === 2) end();
  assertEquals([n, window.commitOffset], [2, 2]);
});

Deno.test("a waiting loop gets the message that comes in", async () => {
  const { stream, window } = open();
  const next = offsets(stream(), 1);
  await Promise.resolve();
  fill(window, 1);
  assertEquals(await next, [0]);
});

Deno.test("queues are taken from in turn", async () => {
  const { stream, scenes } = open("auto", 3);
  for (const { window } of scenes) fill(window, 3);
  const order: number[] = [];
  for await (const message of stream()) {
    order.push(message.queue.queueId);
    if (order.length === 6) break;
  }
  assertEquals(order, [0, 1, 2, 0, 1, 2]);
});

Deno.test("a second loop over a locked stream is refused", () => {
  const stream = open().stream();
  stream[Symbol.asyncIterator]();
  let refused = false;
  try {
    stream[Symbol.asyncIterator]();
  } catch (error) {
    refused = error instanceof TypeError;
  }
  assert(refused);
});

Deno.test("in manual mode nothing is acked but by the application", async () => {
  const { stream, window, warnings } = open("manual");
  fill(window, 2);
  const reader = stream().getReader();
  const first = (await reader.read()).value!;
  await reader.read();
  assertEquals([window.commitOffset, window.out], [0, 2]);
  first.ack();
  assertEquals([window.commitOffset, warnings()], [1, 0]);
  await reader.cancel();
});

Deno.test("the first hand-out to a reader in auto mode warns once", async () => {
  const { stream, window, warnings } = open();
  fill(window, 3);
  const reader = stream().getReader();
  await reader.read();
  await reader.read();
  assertEquals(warnings(), 1);
  await reader.cancel();
});

Deno.test("the loop over what pipeThrough returns acks what it asked past, and what the filter dropped", async () => {
  const { stream, window, warnings } = open();
  window.append(Array.from({ length: 6 }, (_, i) => fakeRecord(i, { TAGS: i % 2 ? "odd" : "even" })), 6, 600);
  assertEquals(await offsets(stream().pipeThrough(filterByTag("odd")), 3), [1, 3, 5]);
  assertEquals([window.commitOffset, window.out, warnings()], [5, 0, 0]);
});

Deno.test("leaving the loop over a pipe gives back what the pipe had read ahead", async () => {
  const { stream, window } = open();
  fill(window, 5);
  assertEquals(
    await offsets(stream().pipeThrough(filterBy(() => true)).pipeThrough(filterBy(() => true)), 1),
    [0],
  );
  assertEquals([window.commitOffset, window.out], [0, 0]);
  assertEquals(await offsets(stream(), 5), [0, 1, 2, 3, 4]);
});

Deno.test("parseJson passes the value on with the message's settlement, and dead-letters what does not fit", async () => {
  const { stream, window, sentBack } = open();
  window.append(
    [
      ...fakeRecords(0, 2),
      Object.assign(fakeRecord(2), { body: new TextEncoder().encode("{") }),
      fakeRecord(3),
    ],
    4,
    400,
  );
  const schema = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        (value as { offset: number }).offset === 1
          ? { issues: [{ message: "no ones" }] }
          : { value: value as { offset: number } },
    },
  };
  const values: number[] = [];
  for await (const item of stream().pipeThrough(parseJson(schema))) {
    values.push(item.value.offset);
    if (values.length === 2) break;
  }
  assertEquals(values, [0, 3]);
  assertEquals(sentBack, [{ offset: 1, how: "deadLetter" }, { offset: 2, how: "deadLetter" }]);
  assertEquals(window.commitOffset, 3);
});

Deno.test("the settle sink acks on return, retries on throw, and closes when all are settled", async () => {
  const { stream, window, sentBack, end } = open("manual");
  fill(window, 4);
  let most = 0, now = 0;
  const sink = settleSink<ConsumedMessage>(async (message) => {
    most = Math.max(most, ++now);
    await nextTurn();
    now--;
    if (message.queueOffset === 2) throw new Error("no");
    if (message.queueOffset === 3) end();
  }, 2);
  await stream().pipeTo(sink);
  assertEquals([most, window.commitOffset, window.out, sentBack.length], [2, 4, 0, 1]);
});

Deno.test("batches are runs of one queue, acked as a whole when the next is asked for", async () => {
  const { window } = fakeWindow();
  fill(window, 5);
  const source = new StreamSource({ topic: undefined, shape: runShape(3), clock, onEnd: () => {} });
  for (const lane of window.lanes()) source.offer(lane);
  const sizes: number[] = [];
  for await (const batch of new MessageStream(source, "auto", () => {})) {
    sizes.push(batch.length);
    if (sizes.length === 2) break;
  }
  assertEquals([sizes, window.commitOffset, window.out], [[3, 2], 3, 0]);
});

Deno.test("a signal ends the loop like done, and a stream that has ended lets go of its signal", async () => {
  const { window } = fakeWindow();
  fill(window, 2);
  const open = (signal: AbortSignal) => {
    const source = new StreamSource({ topic: undefined, shape: singleShape, clock, onEnd: () => {} });
    source.endWith(signal);
    for (const lane of window.lanes()) source.offer(lane);
    return new MessageStream(source, "auto", () => {});
  };
  const ending = new AbortController();
  let seen = 0;
  for await (const _ of open(ending.signal)) {
    seen++;
    ending.abort();
  }
  assertEquals([seen, window.commitOffset], [1, 1]);

  const listening = new Set<unknown>();
  const signal = new AbortController().signal;
  const add = signal.addEventListener.bind(signal), remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener, options?: AddEventListenerOptions) => {
    listening.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    listening.delete(listener);
    remove(type, listener);
  };
  for await (const _ of open(signal)) break;
  assertEquals(listening.size, 0);
});
