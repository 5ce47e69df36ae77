/**
 * What cutting frames out of a stream of bytes costs, for the answers of pulls of 32 and 256 messages of 1 KiB, in chunks
 * as sockets give them; and for small frames.
 *
 *     deno bench -A --no-check bench/frame_bench.ts
 */
import type { Command } from "../src/wire/command.ts";
import { encodeFrame, FrameDecoder } from "../src/wire/frame.ts";

const command: Command = {
  code: 0,
  language: "JAVA",
  version: 513,
  opaque: 77,
  flag: 1,
  extFields: { nextBeginOffset: "123", minOffset: "0", maxOffset: "1000", suggestWhichBrokerId: "0" },
};

function chunks(bytes: Uint8Array, size: number): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) list.push(bytes.subarray(at, at + size));
  return list;
}

function decode(list: readonly Uint8Array[]): void {
  let bytes = 0;
  const decoder = new FrameDecoder();
  for (const chunk of list) decoder.push(chunk, (frame) => bytes += frame.sizeBytes);
  decoder.end();
  if (bytes === 0) throw new Error("nothing was read");
}

for (const messages of [32, 256]) {
  const frame = encodeFrame(command, new Uint8Array(messages * 1200));
  for (const size of [16_384, 65_536]) {
    const list = chunks(frame, size);
    Deno.bench(`frame of ${messages} KiB in chunks of ${size / 1024} KiB`, () => decode(list));
  }
}

const small = encodeFrame(command, undefined);
const hundred = new Uint8Array(small.length * 100);
for (let i = 0; i < 100; i++) hundred.set(small, i * small.length);
const list = chunks(hundred, 65_536);

Deno.bench("100 frames without body in one chunk", () => decode(list));

Deno.bench("encode a frame without body", () => {
  encodeFrame(command, undefined);
});
