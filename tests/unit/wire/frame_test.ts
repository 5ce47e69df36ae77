import { Buffer } from "node:buffer";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Command } from "../../../src/wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";

const command = (opaque: number): Command => ({ code: 11, language: "JAVA", version: 513, opaque, flag: 1 });

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function header(length: number, word: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setInt32(0, length);
  new DataView(bytes.buffer).setInt32(4, word);
  return bytes;
}

Deno.test("frames come out the same however their bytes are cut into chunks", () => {
  const random = seededRandom(3);
  const bodies = [0, 1, 7, 900, 1024, 5000, 70_000, 3].map((size) => {
    const body = new Uint8Array(size);
    for (let i = 0; i < size; i++) body[i] = random.int(256);
    return body;
  });
  const wire = concat(bodies.map((body, i) => encodeFrame(command(i), body, i % 2 ? "JSON" : "ROCKETMQ")));
  const cuts: (() => number)[] = [
    () => wire.length,
    () => 1,
    () => 7,
    () => 1023,
    () => 1024,
    () => 65_536,
    () => 1 + random.int(3000),
    () => random.int(3) ? 1 + random.int(20) : 1 + random.int(40_000),
  ];
  for (const cut of cuts) {
    const frames: Frame[] = [];
    const decoder = new FrameDecoder();
    for (let at = 0; at < wire.length;) {
      const until = Math.min(wire.length, at + cut());
      // Views with an offset into a larger buffer, as transports give them.
      decoder.push(wire.subarray(at, until), (frame) => frames.push(frame));
      at = until;
    }
    decoder.end();
    assertEquals(frames.map((frame) => frame.command.opaque), bodies.map((_, i) => i));
    for (const [i, frame] of frames.entries()) assertEquals(frame.body.slice(), bodies[i]);
  }
});

Deno.test("a frame has a buffer of its own, as large as the frame, and leaves its chunks alone", () => {
  const wire = encodeFrame(command(1), new Uint8Array(100_000).fill(7));
  for (const cut of [wire.length, 60_000, 1500, 10]) {
    const chunks: Uint8Array[] = [];
    const bodies: Uint8Array[] = [];
    const decoder = new FrameDecoder();
    for (let at = 0; at < wire.length; at += cut) {
      chunks.push(wire.slice(at, at + cut));
      decoder.push(chunks.at(-1)!, ({ body }) => bodies.push(body));
      chunks.at(-1)!.fill(9);
    }
    assertEquals(bodies[0]!.buffer.byteLength, wire.length);
    assert(bodies[0]!.every((byte) => byte === 7));
    assert(bodies[0]!.constructor === Uint8Array);
  }
});

Deno.test("a body is a plain Uint8Array, also when the chunks are Buffers, whose slice would share memory", () => {
  const wire = encodeFrame(command(1), Uint8Array.of(1, 2, 3));
  const bodies: Uint8Array[] = [];
  new FrameDecoder().push(Buffer.from(wire), ({ body }) => bodies.push(body));
  assert(bodies[0]!.constructor === Uint8Array);
  assert(bodies[0]!.slice().buffer !== bodies[0]!.buffer);
});

Deno.test("a length above the limit is refused as soon as its fourth byte is there", () => {
  const decoder = new FrameDecoder();
  const claim = header(20_000_000, 0);
  decoder.push(claim.subarray(0, 3), () => {});
  assertThrows(
    () => decoder.push(claim.subarray(3, 4), () => {}),
    ProtocolError,
    "Cannot read frame: length 20000000 is above the limit of 16777216",
  );
});

Deno.test("the limit counts the leading length, as Java's does", () => {
  const wire = encodeFrame(command(1), new Uint8Array(100));
  let frames = 0;
  new FrameDecoder({ maxFrameBytes: wire.length }).push(wire, () => frames++);
  assertEquals(frames, 1);
  const tight = new FrameDecoder({ maxFrameBytes: wire.length - 1 });
  assertThrows(() => tight.push(wire, () => {}), ProtocolError, "above the limit");
});

Deno.test("a length below 4 or negative is refused", () => {
  for (const length of [0, 3, -1, -2147483648]) {
    assertThrows(
      () => new FrameDecoder().push(header(length, 0), () => {}),
      ProtocolError,
      `length ${length} is`,
    );
  }
});

Deno.test("an unknown serialize type and a header longer than its frame are refused before the frame is complete", () => {
  for (const cut of [1, 8]) {
    const feed = (bytes: Uint8Array): void => {
      const decoder = new FrameDecoder();
      for (let at = 0; at < bytes.length; at += cut) decoder.push(bytes.subarray(at, at + cut), () => {});
    };
    assertThrows(() => feed(header(1000, 2 << 24)), ProtocolError, "serialize type is 2");
    assertThrows(() => feed(header(100, 97)), ProtocolError, "a header of 97 bytes where 96 are left");
  }
});

Deno.test("frames before a bad one are delivered, and the decoder stays broken", () => {
  const decoder = new FrameDecoder();
  const seen: number[] = [];
  const wire = concat([
    encodeFrame(command(1), undefined),
    encodeFrame(command(2), undefined),
    header(-1, 0),
  ]);
  const error = assertThrows(
    () => decoder.push(wire, (frame) => seen.push(frame.command.opaque)),
    ProtocolError,
  );
  assertEquals(seen, [1, 2]);
  assert(assertThrows(() => decoder.push(encodeFrame(command(3), undefined), () => {})) === error);
  assert(assertThrows(() => decoder.end()) === error);
});

Deno.test("an end within a frame is told, an end between frames is not", () => {
  const decoder = new FrameDecoder();
  const wire = encodeFrame(command(1), new Uint8Array(10));
  decoder.push(wire, () => {});
  decoder.end();
  decoder.push(wire.subarray(0, 20), () => {});
  assertThrows(() => decoder.end(), ProtocolError, `the stream ended after 20 of ${wire.length} bytes`);
});

Deno.test("what a receiver throws does not lose the frames that follow", () => {
  const decoder = new FrameDecoder();
  assertThrows(
    () =>
      decoder.push(encodeFrame(command(1), undefined), () => {
        throw new Error("mine");
      }),
    Error,
    "mine",
  );
  const seen: number[] = [];
  decoder.push(encodeFrame(command(2), undefined), (frame) => seen.push(frame.command.opaque));
  assertEquals(seen, [2]);
});
