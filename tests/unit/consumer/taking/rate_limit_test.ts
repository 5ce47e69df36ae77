import { assert, assertEquals } from "@std/assert";
import { RateLimit } from "../../../../src/consumer/taking/rate_limit.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";

function bucket(perSecond: number) {
  const clock = new ManualClock();
  const over = new AbortController();
  return { clock, over, rate: new RateLimit(perSecond, clock, over.signal) };
}

/** Hands out as fast as it may for `ms`; gives when, in milliseconds since the beginning. */
async function drain(
  { clock, over, rate }: ReturnType<typeof bucket>,
  ms: number,
  run = 1,
): Promise<number[]> {
  const start = clock.now();
  const times: number[] = [];
  const pump = (): void => {
    while (rate.isOpen(clock.now(), pump)) {
      rate.spend(run);
      times.push(clock.now() - start);
    }
    rate.wait(pump);
  };
  pump();
  await clock.advance(ms);
  over.abort();
  return times;
}

for (const perSecond of [0.5, 3, 40, 1_000, 20_000]) {
  Deno.test(`at ${perSecond} a second that many are handed out, and a tenth of a second's worth at once`, async () => {
    const times = await drain(bucket(perSecond), 10_000);
    const burst = Math.max(1, perSecond / 10);
    assert(
      Math.abs(times.length - (10 * perSecond + burst)) <= Math.max(1, perSecond / 50),
      `${times.length}`,
    );
    assert(times.filter((at) => at === 0).length <= burst + 1);
  });
}

Deno.test("a run that takes more than there is makes the next wait for the debt", async () => {
  const times = await drain(bucket(100), 1_000, 50);
  assertEquals(times.length, 3);
  assert(times[1]! >= 400 && times[1]! <= 420, `${times}`);
});

Deno.test("whoever waits has one timer together, no more than a hundred a second", async () => {
  const { clock, over, rate } = bucket(5_000);
  rate.spend(500);
  const wakes = [0, 0, 0];
  const takers = wakes.map((_, at) => {
    const wake = (): void => {
      wakes[at]!++;
      rate.spend(1);
      rate.wait(wake);
    };
    return wake;
  });
  for (const wake of takers) rate.wait(wake);
  rate.wait(takers[0]!);
  assertEquals(clock.sleeping, 1);
  await clock.advance(1_000);
  assert(wakes.every((count) => count > 50 && count <= 100), `${wakes}`);
  over.abort();
});

Deno.test("of those that wait none is always last", async () => {
  const { clock, over, rate } = bucket(10);
  const taken = [0, 0, 0];
  const takers = taken.map((_, at) => {
    const take = (): void => {
      while (rate.isOpen(clock.now(), take)) {
        rate.spend(1);
        taken[at]!++;
      }
      rate.wait(take);
    };
    return take;
  });
  for (const take of takers) take();
  await clock.advance(30_000);
  over.abort();
  assert(taken.every((count) => count > 60), `${taken}`);
});

Deno.test("nobody is woken when it is over, and no timer is left", async () => {
  const { clock, over, rate } = bucket(1);
  rate.spend(1);
  let woken = false;
  rate.wait(() => woken = true);
  over.abort();
  await clock.advance(5_000);
  assertEquals([woken, clock.sleeping, rate.statistics()], [false, 0, { maxMessagesPerSecond: 1, waits: 1 }]);
});

for (const perSecond of [50, 1_000]) {
  Deno.test(`at ${perSecond} a second a taker that takes all it can and a slow one get the same`, async () => {
    const { clock, over, rate } = bucket(perSecond);
    let greedy = 0, modest = 0;
    const grab = (): void => {
      while (rate.isOpen(clock.now(), grab)) {
        rate.spend(1);
        greedy++;
      }
      rate.wait(grab);
    };
    // as a stream does: one when it is woken, the next when its reader asks for it
    const read = (): void => {
      if (!rate.isOpen(clock.now(), read)) return rate.wait(read);
      rate.spend(1);
      modest++;
      queueMicrotask(read);
    };
    grab();
    read();
    await clock.advance(4_000);
    over.abort();
    const least = perSecond * 4 * 0.4;
    assert(greedy + modest <= perSecond * 4.2, `${greedy} and ${modest}`);
    assert(greedy > least && modest > least, `${greedy} and ${modest}`);
  });
}

Deno.test("who asks to be woken again while it waits is woken once, by the one timer there is", async () => {
  const { clock, over, rate } = bucket(10);
  rate.spend(5);
  let woken = 0;
  const wake = (): void => void woken++;
  for (let at = 0; at < 5; at++) rate.wait(wake);
  assertEquals([clock.sleeping, rate.statistics().waits], [1, 1]);
  await clock.advance(10_000);
  assertEquals([woken, clock.sleeping], [1, 0]);
  over.abort();
});
