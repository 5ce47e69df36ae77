import { assertEquals } from "@std/assert";
import {
  DEFAULT_DELAY_LEVELS_MS,
  DEFAULT_DELAY_LEVELS_TEXT,
  delayLevelFor,
  delayLevelMs,
  parseDelayLevels,
  retryDelayLevel,
  TIMER_MAX_DELAY_MS,
  TIMER_PRECISION_MS,
} from "../../../src/protocol/delay_levels.ts";
import { vectors } from "../vectors.ts";

const file = vectors("delay.json");

const { cases } = file;

Deno.test("a text of delay levels is read as ScheduleMessageService does", () => {
  for (const vector of cases) {
    if (vector.kind === "default") assertEquals(DEFAULT_DELAY_LEVELS_TEXT, vector.messageDelayLevel);
    if (vector.kind !== "parseDelayLevel") continue;
    const { ok, waitsMs, maxLevel } = parseDelayLevels(vector.text);
    assertEquals(ok, vector.table.ok, vector.text);
    assertEquals(Object.fromEntries(waitsMs.map((ms, i) => [i + 1, ms])), vector.table.levels, vector.text);
    assertEquals(maxLevel, vector.table.maxDelayLevel, vector.text);
  }
});

Deno.test("a wait becomes the first level that is long enough", () => {
  assertEquals([0, 1, 1000, 1001, 7_200_000, 9e9].map((ms) => delayLevelFor(ms)), [0, 1, 1, 2, 18, 18]);
  for (const [i, ms] of DEFAULT_DELAY_LEVELS_MS.entries()) assertEquals(delayLevelFor(ms), i + 1);
});

Deno.test("a level beyond the list is the last one", () => {
  assertEquals([-1, 0, 1, 18, 19].map((level) => delayLevelMs(level)), [0, 0, 1000, 7_200_000, 7_200_000]);
  assertEquals(delayLevelMs(retryDelayLevel(0)), 10_000);
});

Deno.test("timers have the broker's defaults", () => {
  const defaults = cases.find(({ kind }) => kind === "timerConfigDefaults");
  assertEquals(TIMER_MAX_DELAY_MS, defaults.timerMaxDelaySec * 1000);
  assertEquals(TIMER_PRECISION_MS, defaults.timerPrecisionMs);
});
