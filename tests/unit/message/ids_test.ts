import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  createUniqueIds,
  decodeOffsetId,
  decodeUniqueId,
  encodeOffsetId,
  uniqueIdTime,
} from "../../../src/message/ids.ts";
import { monthStart, previousMonthStart } from "../../../src/message/month.ts";
import { hexText } from "../../../src/wire/bytes.ts";
import { ipText } from "../../../src/wire/host.ts";
import { fromHex, vectors } from "../vectors.ts";

const cases = vectors("message_id.json").cases;
const of = (kind: string) => cases.filter((one) => one.kind === kind);

Deno.test("message_id.json: offset ids are written as Java writes them and read back", () => {
  assertEquals(of("offsetId.create").length, 25);
  for (const { host, port, offset, id } of of("offsetId.create")) {
    assertEquals(encodeOffsetId({ host, port }, BigInt(offset)), id);
    if (Number.isSafeInteger(Number(offset))) {
      assertEquals(decodeOffsetId(id), { host, port, offset: Number(offset) });
    } else assertThrows(() => decodeOffsetId(id), ProtocolError, "beyond 2^53 - 1");
  }
});

Deno.test("message_id.json: offset ids are read, or refused, as Java does", () => {
  assertEquals(of("offsetId.decode").length, 10);
  for (const { id, decoded } of of("offsetId.decode")) {
    if (decoded === undefined) assertThrows(() => decodeOffsetId(id), ProtocolError, "Cannot read");
    else {
      const host = ipText(fromHex(decoded.ip), 0, decoded.ip.length / 2);
      assertEquals(decodeOffsetId(id), { host, port: decoded.port, offset: Number(decoded.offset) });
    }
  }
});

Deno.test("message_id.json: unique ids tell their maker", () => {
  assertEquals(of("uniqId.decode").length, 20);
  for (const { id, ip, pid, builtFrom } of of("uniqId.decode")) {
    const decoded = decodeUniqueId(id);
    assertEquals([decoded.pid, decoded.sinceMonthStartMs, decoded.counter], [
      pid,
      builtFrom.diff | 0,
      builtFrom.counter & 0xffff,
    ]);
    if (!ip.includes(":")) assertEquals(decoded.host, ip);
  }
  for (const { id } of of("uniqId.sample")) assertEquals(decodeUniqueId(id).host.split(":").length, 8);
  assertThrows(() => decodeUniqueId("AB"), ProtocolError, "neither 32 nor 56");
});

Deno.test("message_id.json: unique ids tell about when they were made", () => {
  assertEquals(of("uniqId.nearlyTime").length, 6);
  // A month whose predecessor has as many days as the one before the day of generation.
  const start = monthStart(Date.UTC(2025, 10, 15));
  for (const { id, diffField, nowMinusMonthStart, resultMinusMonthStart } of of("uniqId.nearlyTime")) {
    const now = start + nowMinusMonthStart;
    const expected = resultMinusMonthStart < 0
      ? previousMonthStart(now) + diffField
      : start + resultMinusMonthStart;
    assertEquals(uniqueIdTime(id, now), expected);
  }
});

Deno.test("message_id.json: hex is upper case", () => {
  assertEquals(of("hex").length, 12);
  for (const { bytes, text } of of("hex")) assertEquals(hexText(fromHex(bytes)), text);
});

Deno.test("the month begins at the local midnight of its first day, whatever happened to the clocks since", () => {
  for (let day = 0; day < 800; day++) {
    const now = Date.UTC(2024, 0, 1, 5, 17, 3, 250) + day * 86_400_000;
    const local = new Date(now);
    assertEquals(monthStart(now), new Date(local.getFullYear(), local.getMonth(), 1).getTime());
    assertEquals(previousMonthStart(now), new Date(local.getFullYear(), local.getMonth() - 1, 1).getTime());
  }
});

const clockAt = (now: number) => ({ at: now, now: () => now });

Deno.test("unique ids say who made them and when, and count up", () => {
  const start = monthStart(1_700_000_000_000);
  let now = start + 1234;
  const next = createUniqueIds({
    clock: { now: () => now },
    random: seededRandom(1),
    ip: "10.1.2.3",
    pid: 70_000,
  });
  const [first, second] = [next(), next()];
  assertMatch(first, /^0A010203[0-9A-F]{24}$/);
  assertEquals(decodeUniqueId(first), {
    host: "10.1.2.3",
    pid: 70_000 & 0xffff,
    sinceMonthStartMs: 1234,
    counter: 0,
  });
  assertEquals(decodeUniqueId(second).counter, 1);
  now = start - 5;
  assertEquals(decodeUniqueId(next()).sinceMonthStartMs, 0);
  now = start + 40 * 86_400_000;
  assertEquals(decodeUniqueId(next()).sinceMonthStartMs, now - monthStart(now));
});

Deno.test("an IPv6 maker and one without address make ids of 56 and 32 digits", () => {
  const clock = clockAt(1_700_000_000_000);
  assertEquals(createUniqueIds({ clock, random: seededRandom(1), ip: "fe80::1%eth0" })().length, 56);
  assertEquals(createUniqueIds({ clock, random: seededRandom(1) })().length, 32);
});

Deno.test("a million ids of two makers on one machine differ", () => {
  const clock = { at: 1_700_000_000_000, now: () => Math.floor(clock.at += 0.01) };
  const random = seededRandom(9);
  const makers = [0, 1].map(() => createUniqueIds({ clock, random, ip: "10.0.0.1", pid: 1 }));
  const ids = new Set<string>();
  for (let i = 0; i < 500_000; i++) for (const next of makers) ids.add(next());
  assert(ids.size === 1_000_000);
});
