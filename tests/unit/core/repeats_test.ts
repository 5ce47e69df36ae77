import { assertEquals } from "@std/assert";
import type { Logger } from "../../../src/core/logger.ts";
import { MAX_REMEMBERED_LINES, REPEAT_WINDOW_MS, withoutRepeats } from "../../../src/core/repeats.ts";

/** A filtered logger, what came through it, and its time. */
function filtered(): { logger: Logger; lines: string[]; time: { now: number } } {
  const lines: string[] = [];
  const time = { now: 1_000_000 };
  const at = (level: string) => (message: string, ...details: unknown[]): void =>
    void lines.push([level, message, ...details].join(" "));
  const sink = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger: withoutRepeats(sink, () => time.now), lines, time };
}

Deno.test("a line that repeats is told at once, then once a minute with how many were left out", () => {
  const { logger, lines, time } = filtered();
  for (let second = 0; second < 130; second++) {
    logger.warn("Name server a is away", second);
    time.now += 1000;
  }
  assertEquals(lines, [
    "warn Name server a is away 0",
    "warn Name server a is away (59 more like this since) 60",
    "warn Name server a is away (59 more like this since) 120",
  ]);
});

Deno.test("a line of another text or another level is no repeat, and after a minute of silence nothing is counted", () => {
  const { logger, lines, time } = filtered();
  logger.warn("a");
  logger.error("a");
  logger.info("a");
  logger.warn("b");
  time.now += REPEAT_WINDOW_MS;
  logger.warn("a");
  assertEquals(lines, ["warn a", "error a", "info a", "warn b", "warn a"]);
});

Deno.test("details for developers are all told, and push no other line out of memory", () => {
  const { logger, lines } = filtered();
  logger.warn("a");
  for (let at = 0; at < 2 * MAX_REMEMBERED_LINES; at++) logger.debug(`message ${at}`);
  logger.warn("a");
  logger.debug("message 0");
  assertEquals(lines.length, 1 + 2 * MAX_REMEMBERED_LINES + 1);
});

Deno.test("so many lines are remembered and no more", () => {
  const { logger, lines } = filtered();
  for (let at = 0; at <= MAX_REMEMBERED_LINES; at++) logger.info(`line ${at}`);
  logger.info("line 1");
  assertEquals(lines.length, MAX_REMEMBERED_LINES + 1);
  logger.info("line 0");
  assertEquals(lines.at(-1), "info line 0");
});
