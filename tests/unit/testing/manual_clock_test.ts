import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

Deno.test("sleepers wake in order of time, then in the order they lay down", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const woken: string[] = [];
  const sleep = (name: string, ms: number) =>
    clock.sleep(ms).then(() => woken.push(`${name}@${clock.now()}`));
  const all = [sleep("late", 30), sleep("first", 10), sleep("second", 10), sleep("at once", 0)];
  assertEquals(clock.sleeping, 4);
  await clock.advance(10);
  assertEquals(woken, ["at once@0", "first@10", "second@10"]);
  await clock.advance(100);
  await Promise.all(all);
  assertEquals(woken.at(-1), "late@30");
  assertEquals(clock.now(), 110);
});

Deno.test("a loop that sleeps again within one advance runs as often as it fits", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const at: number[] = [];
  const stop = new AbortController();
  const loop = (async () => {
    while (true) {
      await clock.sleep(10, stop.signal);
      at.push(clock.now());
    }
  })();
  await clock.advance(35);
  assertEquals(at, [10, 20, 30]);
  stop.abort(new Error("enough"));
  await assertRejects(() => loop, Error, "enough");
  assertEquals(clock.sleeping, 0);
});

Deno.test("a sleep whose signal has aborted rejects at once", async () => {
  const clock = new ManualClock();
  await assertRejects(() => clock.sleep(1, AbortSignal.abort(new Error("gone"))), Error, "gone");
  assertEquals(clock.sleeping, 0);
});

Deno.test("runUntil jumps from sleeper to sleeper until the promise settles", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const work = (async () => {
    await clock.sleep(1000);
    await clock.sleep(2000);
    return "done";
  })();
  assertEquals(await clock.runUntil(work), "done");
  assertEquals(clock.now(), 3000);
  const rest = clock.sleep(50);
  await assertRejects(() => clock.runUntil(rest, 10), Error, "10 ms have passed");
  assertEquals(clock.nextWakeMs, 50);
  await clock.advance(50);
  await rest;
});
