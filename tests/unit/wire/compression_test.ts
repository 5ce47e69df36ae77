import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  compress,
  compressionFlag,
  type CompressionType,
  compressionType,
  decompress,
} from "../../../src/wire/compression.ts";
import { xxHash32 } from "../../../src/wire/xxhash.ts";
import { fromHex, toHex, vectors } from "../vectors.ts";

const TYPES: readonly CompressionType[] = ["LZ4", "ZSTD", "ZLIB"];
const cases = vectors("record.json").cases;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

Deno.test("record.json: what Java's compressors wrote is unfolded, and ours round-trip", () => {
  const compressed = cases.filter((one) => one.kind === "compressor");
  assertEquals(compressed.length, 15);
  for (const { type, plain, compressed: bytes, flag } of compressed) {
    assertEquals(toHex(decompress(type, fromHex(bytes), 1000)), plain);
    assertEquals(toHex(decompress(type, compress(type, fromHex(plain)), 1000)), plain);
    assertEquals(compressionFlag(type), flag | 1);
  }
});

Deno.test("record.json: sysFlag tells the format, zlib when it says nothing", () => {
  const flags = cases.filter((one) => one.kind === "sysFlagToType");
  assertEquals(flags.length, 8);
  for (const { sysFlag, type } of flags) assertEquals(compressionType(sysFlag), type);
  for (const bits of [0x400, 0x500, 0x600, 0x700]) {
    assertThrows(() => compressionType(bits | 1), ProtocolError, `compression type is ${bits >> 8}`);
  }
});

Deno.test("nothing of nothing is written as Java writes it", () => {
  assertEquals(toHex(compress("LZ4", new Uint8Array(0))), "04224d1860707300000000");
  assertEquals(toHex(compress("ZLIB", new Uint8Array(0))), "785e030000000001");
});

Deno.test("any body survives each format", () => {
  const random = seededRandom(5);
  for (const size of [0, 1, 12, 13, 100, 5000, 70_000, 300_000]) {
    const alphabet = 1 + random.int(256);
    const body = Uint8Array.from({ length: size }, () => random.int(alphabet));
    for (const type of TYPES) {
      const packed = compress(type, body);
      assertEquals(decompress(type, packed, size), body);
      if (size > 1) assertThrows(() => decompress(type, packed, size - 1), ProtocolError, "more than");
    }
  }
});

Deno.test("an LZ4 body above one block of 4 MB survives", () => {
  const body = new Uint8Array(5_000_000).map((_, i) => (i * i) >> 7);
  assert(toHexEnds(decompress("LZ4", compress("LZ4", body), 5_000_000)) === toHexEnds(body));
});

function toHexEnds(bytes: Uint8Array): string {
  return `${bytes.length} ${xxHash32(bytes)}`;
}

Deno.test("a bomb is refused at the limit", () => {
  const bomb = new Uint8Array(20_000_000);
  for (const type of TYPES) {
    const error = assertThrows(() => decompress(type, compress(type, bomb), 1_000_000), ProtocolError);
    assertEquals(error.message.includes("more than 1000000 bytes"), true, error.message);
  }
});

Deno.test("a zstd frame that claims a large window, or a large content, is refused before it is unfolded", () => {
  // One raw block of one byte each; the first descriptor claims 128 MiB, the second frame a content of 1 GiB.
  const window = fromHex("28b52ffd" + "00" + "88" + "090000" + "61");
  const content = fromHex("28b52ffd" + "a0" + "00000040" + "090000" + "61");
  assertThrows(
    () => decompress("ZSTD", window),
    ProtocolError,
    "its window of 134217728 bytes is above the limit",
  );
  assertThrows(
    () => decompress("ZSTD", content),
    ProtocolError,
    "its window of 1073741824 bytes is above the limit",
  );
  assertEquals(toHex(decompress("ZSTD", fromHex("28b52ffd" + "00" + "58" + "090000" + "61"))), "61");
});

Deno.test("no cut of a compressed body is taken for a body", () => {
  const body = text("the quick brown fox ".repeat(40));
  for (const type of TYPES) {
    const packed = compress(type, body);
    for (let length = 0; length < packed.length; length++) {
      assertThrows(
        () => decompress(type, packed.subarray(0, length), 10_000),
        ProtocolError,
        `Cannot decompress ${type} body of ${length} bytes`,
      );
    }
  }
});

Deno.test("bytes that are no compressed body are refused", () => {
  for (const type of TYPES) {
    assertThrows(
      () => decompress(type, text("hello, world, hello"), 1000),
      ProtocolError,
      "Cannot decompress",
    );
  }
});

Deno.test("LZ4 frames with checksums, linked blocks, sizes and skippable parts are read", () => {
  const uint32 = (
    value: number,
  ): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  const first = text("hello world, ");
  const rest = text("again.");
  const all = text("hello world, hello again.");
  // The second block begins with a match of 6 bytes that reaches 13 back, into the first one.
  const linked = Uint8Array.of(0x02, 13, 0, rest.length << 4, ...rest);
  // Version 1, linked blocks, block checksums, content size, content checksum; blocks of 64 KB.
  const descriptor = Uint8Array.of(0x5c, 0x40, all.length, 0, 0, 0, 0, 0, 0, 0);
  const frame = Uint8Array.of(
    ...uint32(0x184d2a53),
    ...uint32(2),
    9,
    9,
    ...uint32(0x184d2204),
    ...descriptor,
    (xxHash32(descriptor) >>> 8) & 255,
    ...uint32((first.length | 0x80000000) >>> 0),
    ...first,
    ...uint32(xxHash32(first)),
    ...uint32(linked.length),
    ...linked,
    ...uint32(xxHash32(linked)),
    ...uint32(0),
    ...uint32(xxHash32(all)),
  );
  assertEquals(new TextDecoder().decode(decompress("LZ4", frame, 100)), "hello world, hello again.");
  // Every byte behind the skippable part is under some check.
  for (let at = 10; at < frame.length; at++) {
    const broken = frame.slice();
    broken[at] = broken[at]! ^ 0x10;
    assertThrows(() => decompress("LZ4", broken, 100), ProtocolError, "Cannot decompress LZ4 body");
  }
});

Deno.test("xxHash32 gives the reference values", () => {
  assertEquals(xxHash32(text("")), 0x02cc5d05);
  assertEquals(xxHash32(text("a")), 0x550d7456);
  assertEquals(xxHash32(text("abc")), 0x32d153ff);
  assertEquals(xxHash32(text("Nobody inspects the spammish repetition")), 0xe2293b2f);
});
