import { assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "../../../src/core/errors.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { within } from "../../../src/time/within.ts";

Deno.test("within: what is waited for decides when it comes in time, and nobody sleeps on", async () => {
  const clock = new ManualClock();
  assertEquals(await within(Promise.resolve(1), { ms: 100, clock }), 1);
  await assertRejects(() => within(Promise.reject(new Error("no")), { ms: 100, clock }), Error, "no");
  assertEquals(clock.sleeping, 0);
});

Deno.test("within: patience ends with the given error, or a TimeoutError", async () => {
  const clock = new ManualClock();
  const never = new Promise<void>(() => {});
  const told = assertRejects(
    () => within(never, { ms: 100, clock, timeout: () => new Error("mine") }),
    Error,
    "mine",
  );
  const plain = assertRejects(() => within(never, { ms: 100, clock }), TimeoutError, "100 ms");
  await clock.advance(100);
  await Promise.all([told, plain]);
});

Deno.test("within: a signal ends one wait and leaves the others and the work alone", async () => {
  const clock = new ManualClock();
  const work = Promise.withResolvers<string>();
  const stop = new AbortController();
  const one = within(work.promise, { clock, signal: stop.signal });
  const two = within(work.promise, { ms: 1000, clock });
  stop.abort(new Error("enough"));
  await assertRejects(() => one, Error, "enough");
  work.resolve("done");
  assertEquals(await two, "done");
  assertEquals(clock.sleeping, 0);
});

Deno.test("within: given up before it began, a later failure of the work is nobody's surprise", async () => {
  const clock = new ManualClock();
  const work = Promise.withResolvers<void>();
  const aborted = within(work.promise, { clock, signal: AbortSignal.abort(new Error("before")) });
  await assertRejects(() => aborted, Error, "before");
  work.reject(new Error("after"));
  await clock.settle();
});
