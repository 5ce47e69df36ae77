/**
 * What this project relies on in @std/streams. Offline that is the stand-in under `tools/std`; `deno task test:std` runs
 * the same tests on the real package, which is how the two are kept alike.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { LimitedBytesTransformStream, mergeReadableStreams, TextLineStream, toText } from "@std/streams";

const bytes = (...sizes: number[]): ReadableStream<Uint8Array> =>
  ReadableStream.from(sizes.map((size) => new Uint8Array(size).fill(97)));

Deno.test("lines end at line feeds, with or without a carriage return, wherever the chunks are cut", async () => {
  const chunks = ReadableStream.from(["one\r", "\ntw", "o\n\nthree\rstill\n", "rest"]);
  assertEquals(await Array.fromAsync(chunks.pipeThrough(new TextLineStream())), [
    "one",
    "two",
    "",
    "three\rstill",
    "rest",
  ]);
});

Deno.test("with allowCR a lone carriage return ends a line too", async () => {
  const chunks = ReadableStream.from(["one\rtwo\r", "\nthree\r"]);
  assertEquals(await Array.fromAsync(chunks.pipeThrough(new TextLineStream({ allowCR: true }))), [
    "one",
    "two",
    "three",
  ]);
});

Deno.test("text is read to its end across chunks that cut a character", async () => {
  const [first, second] = [new Uint8Array([0x61, 0xc3]), new Uint8Array([0xa4])];
  assertEquals(await toText(ReadableStream.from(["a", "b"])), "ab");
  assertEquals(await toText(ReadableStream.from([new Uint8Array([0x61]), new Uint8Array([0x62])])), "ab");
  assertEquals(await toText(ReadableStream.from([first, second]).pipeThrough(new TextDecoderStream())), "aä");
});

Deno.test("a limit in bytes ends the stream, or fails it when asked to", async () => {
  assertEquals(await toText(bytes(2, 2, 2).pipeThrough(new LimitedBytesTransformStream(5))), "aaaa");
  assertEquals(
    await toText(bytes(2, 3).pipeThrough(new LimitedBytesTransformStream(5, { error: true }))),
    "aaaaa",
  );
  await assertRejects(
    () => toText(bytes(2, 2, 2).pipeThrough(new LimitedBytesTransformStream(5, { error: true }))),
    RangeError,
  );
});

Deno.test("merged streams give every chunk and end when all have ended", async () => {
  const merged = mergeReadableStreams(
    ReadableStream.from([1, 2]),
    ReadableStream.from([3]),
    ReadableStream.from([4]),
  );
  assertEquals((await Array.fromAsync(merged)).sort(), [1, 2, 3, 4]);
});

Deno.test("an error of one merged stream is an error of the whole", async () => {
  const broken = new ReadableStream<number>({
    start: (controller) => controller.error(new RangeError("torn")),
  });
  await assertRejects(
    () => Array.fromAsync(mergeReadableStreams(ReadableStream.from([1]), broken)),
    RangeError,
    "torn",
  );
});
