import { assert, assertEquals } from "@std/assert";
import {
  type ConcurrencyBounds,
  type ConcurrencyState,
  firstLimit,
  nextLimit,
} from "../../../../src/consumer/taking/concurrency_limit.ts";

const bounds: ConcurrencyBounds = { min: 4, max: 64 };

/** The limits over `looks` looks at a resource that lets `good(limit)` calls a look end well. */
function climb(
  good: (limit: number) => number,
  looks: number,
  start: ConcurrencyState = firstLimit(bounds),
  failed: (limit: number) => number = () => 0,
): { limits: number[]; state: ConcurrencyState } {
  let state = start;
  const limits: number[] = [];
  for (let look = 0; look < looks; look++) {
    const calls = good(state.limit);
    const seen = { saturated: true, pending: state.limit, ended: calls + failed(state.limit), good: calls };
    state = nextLimit(state, seen, bounds);
    limits.push(state.limit);
  }
  return { limits, state };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

Deno.test("the first limit is the least", () => {
  assertEquals(firstLimit(bounds).limit, 4);
});

Deno.test("where more slots bring more calls the limit climbs to the maximum and stays near it", () => {
  const { limits } = climb((limit) => limit * 20, 60);
  assert(limits.indexOf(64) < 15, `${limits}`);
  assert(mean(limits.slice(20)) > 60, `${limits}`);
});

Deno.test("where calls only take longer the limit stays near what the resource bears", () => {
  const { limits } = climb((limit) => 50 * Math.min(limit, 20), 100);
  const settled = mean(limits.slice(20));
  assert(settled > 15 && settled < 25, `${limits}`);
});

Deno.test("where calls beyond a number fail the limit stays about it", () => {
  const { limits } = climb((limit) => 50 * (limit <= 30 ? limit : limit * 0.5), 100);
  assert(mean(limits.slice(20)) < 35, `${limits}`);
});

Deno.test("when every call fails the limit goes down to the least", () => {
  const { state } = climb((limit) => limit * 20, 30);
  const { limits } = climb(() => 0, 40, state, (limit) => limit * 20);
  assertEquals(Math.min(...limits), 4);
  assert(mean(limits.slice(20)) < 10, `${limits}`);
});

Deno.test("what gets slower whatever the limit does not close it", () => {
  const { state } = climb((limit) => limit * 20, 30);
  const { limits } = climb((limit) => limit * 5, 60, state);
  assert(mean(limits.slice(20)) > 50, `${limits}`);
});

Deno.test("a limit is not judged on a few calls, but after ten looks at the latest", () => {
  const { limits } = climb(() => 1, 10);
  assertEquals(limits.slice(0, 7), [4, 4, 4, 4, 4, 4, 4], "7 calls are fewer than twice 4");
  assertEquals(limits[7], 6, "8 are enough: nothing to compare with, so up");
  const slow = climb(() => 0, 10);
  assertEquals(slow.limits.slice(8), [4, 6]);
});

Deno.test("slots that nobody needs close one by one down to the least, those in use stay", () => {
  let state = climb((limit) => limit * 20, 30).state;
  const before = state.limit;
  state = nextLimit(state, { saturated: false, pending: before - 1, ended: 10, good: 10 }, bounds);
  assertEquals(state.limit, before);
  for (let look = 1; look <= 3; look++) {
    state = nextLimit(state, { saturated: false, pending: 0, ended: 0, good: 0 }, bounds);
    assertEquals(state.limit, before - look);
  }
  for (let look = 0; look < 100; look++) {
    state = nextLimit(state, { saturated: false, pending: 0, ended: 0, good: 0 }, bounds);
  }
  assertEquals(state.limit, 4);
});

Deno.test("the limit is a whole number within its bounds, whatever is seen", () => {
  for (const [min, max] of [[1, 1], [1, 2], [3, 1000], [20, 20]] as const) {
    let state = firstLimit({ min, max });
    for (let look = 0; look < 500; look++) {
      const good = (look * 7919) % 5 === 0 ? 0 : (look * 104_729) % (state.limit * 40);
      const saturated = (look * 31) % 7 !== 0;
      const pending = (look * 17) % (state.limit + 1);
      state = nextLimit(state, { saturated, pending, ended: good + (look % 9), good }, { min, max });
      assert(Number.isInteger(state.limit) && state.limit >= min && state.limit <= max, `${state.limit}`);
    }
  }
});
