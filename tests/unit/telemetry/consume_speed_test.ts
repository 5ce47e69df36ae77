import { assertEquals } from "@std/assert";
import { ConsumeSpeed } from "../../../src/telemetry/consume_speed.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Speeds on a clock that is moved second by second, as the watch of a consumer does. */
function scene() {
  let now = 1_700_000_000_000;
  const speed = new ConsumeSpeed({ now: () => now });
  const totals = speed.totals("T");
  return {
    speed,
    totals,
    pass(ms: number, each: () => void = () => {}): void {
      for (let passed = 0; passed < ms; passed += SECOND) {
        now += SECOND;
        each();
        speed.sample(now);
      }
    },
  };
}

Deno.test("rates and mean times are those of the window", () => {
  const { speed, totals, pass } = scene();
  pass(3 * MINUTE, () => {
    totals.consumed += 20;
    totals.failed += 1;
    totals.consumeMs += 30;
    totals.consumeTimes += 2;
    totals.pulled += 32;
    totals.pullMs += 5;
    totals.pullTimes += 1;
  });
  const expected = { consumeOkTps: 20, consumeFailedTps: 1, consumeRtMs: 15, pullTps: 32, pullRtMs: 5 };
  assertEquals(speed.topics(), [{
    topic: "T",
    totals: { ...totals },
    minute: expected,
    hour: expected,
    day: expected,
  }]);
  assertEquals(speed.status("T"), {
    pullRT: 5,
    pullTPS: 32,
    consumeRT: 15,
    consumeOKTPS: 20,
    consumeFailedTPS: 1,
    consumeFailedMsgs: 180,
  });
});

Deno.test("what lies before a window is forgotten by it and remembered by the longer ones", () => {
  const { speed, totals, pass } = scene();
  pass(MINUTE, () => totals.consumed += 60);
  pass(2 * MINUTE);
  const [at3] = speed.topics();
  assertEquals([at3!.minute.consumeOkTps, at3!.hour.consumeOkTps], [0, 20]);
  pass(2 * HOUR);
  const [at123] = speed.topics();
  assertEquals(at123!.hour.consumeOkTps, 0);
  assertEquals(at123!.day.consumeOkTps, 3_600 / (123 * 60));
  pass(26 * HOUR);
  assertEquals(speed.topics()[0]!.day.consumeOkTps, 0);
});

Deno.test("a report falls back to the hour's time when nothing was consumed in the last minute", () => {
  const { speed, totals, pass } = scene();
  totals.consumeMs += 70;
  totals.consumeTimes += 1;
  pass(5 * MINUTE);
  assertEquals(speed.topics()[0]!.minute.consumeRtMs, 0);
  assertEquals(speed.status("T").consumeRT, 70);
});

Deno.test("the first second tells no rate above what was counted", () => {
  const { speed, totals } = scene();
  totals.consumed += 7;
  assertEquals(speed.topics()[0]!.minute.consumeOkTps, 7);
});

Deno.test("a topic that was never counted has a report of zeros, and makes no entry", () => {
  const { speed } = scene();
  assertEquals(speed.status("other").consumeOKTPS, 0);
  assertEquals(speed.topics().map(({ topic }) => topic), ["T"]);
});
