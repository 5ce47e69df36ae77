import { assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../../src/core/random.ts";
import { Alarms } from "../../../src/testing/alarms.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

Deno.test("alarms go off in order of time, then of setting, whatever order they were set in", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const alarms = new Alarms(clock, () => {});
  const random = seededRandom(7);
  const times = Array.from({ length: 200 }, () => random.int(50));
  const rung: [number, number][] = [];
  times.forEach((at, i) => alarms.set(at, () => rung.push([at, i])));
  assertEquals(rung, [], "never at once");
  await clock.advance(50);
  assertEquals(
    rung,
    times.map((at, i): [number, number] => [at, i]).sort(([a, i], [b, j]) => a - b || i - j),
  );
  alarms.stop();
});

Deno.test("an earlier alarm is heard although a later one is waited for", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const alarms = new Alarms(clock, () => {});
  const rung: string[] = [];
  alarms.set(100, () => rung.push("late"));
  const cancelled = alarms.set(5, () => rung.push("cancelled"));
  await clock.advance(1);
  alarms.set(10, () => rung.push("early"));
  cancelled.cancel();
  await clock.advance(50);
  assertEquals(rung, ["early"]);
  alarms.stop();
  await clock.advance(1000);
  assertEquals([rung, clock.sleeping], [["early"], 0]);
});

Deno.test("what repeats goes on after a task has failed, until it is cancelled", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const errors: unknown[] = [];
  const alarms = new Alarms(clock, (error) => errors.push(error));
  let runs = 0;
  const every = alarms.every(10, () => {
    if (++runs === 2) throw new Error("once");
  });
  await clock.advance(35);
  assertEquals([runs, errors.length], [3, 1]);
  every.cancel();
  await clock.advance(100);
  assertEquals(runs, 3);
  alarms.stop();
});

Deno.test("a time that is no number is refused, as it would hide later alarms", async () => {
  const clock = new ManualClock({ startMs: 0 });
  const alarms = new Alarms(clock, () => {});
  assertThrows(() => alarms.set(NaN, () => {}), RangeError, "its time is no number");
  let rung = false;
  alarms.set(5, () => rung = true);
  await clock.advance(5);
  assertEquals(rung, true);
  alarms.stop();
});
