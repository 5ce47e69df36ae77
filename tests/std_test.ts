/**
 * What this project relies on in @std/streams and @std/log. Offline that is a stand-in under `tools/std`; `deno task test:std` runs
 * the same tests on the real package, which is how the two are kept alike.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { BaseHandler, ConsoleHandler, formatters, Logger, LogLevels, type LogRecord } from "@std/log";
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

/** A handler that remembers what it is given. */
class Remembering extends BaseHandler {
  readonly lines: string[] = [];
  override log(line: string): void {
    this.lines.push(line);
  }
}

Deno.test("a logger gives its handlers what is said at its level and above, and the level may change", () => {
  const handler = new Remembering("NOTSET", {
    formatter: ({ levelName, loggerName, msg, args, datetime }: LogRecord) =>
      [levelName, loggerName, msg, ...args, datetime instanceof Date].join(" "),
  });
  const logger = new Logger("name", "WARN", { handlers: [handler] });
  logger.info("i");
  logger.warn("w", 1, "two");
  logger.levelName = "DEBUG";
  logger.debug("d");
  assertEquals([logger.levelName, logger.level, LogLevels.INFO], ["DEBUG", 10, 20]);
  logger.handlers = [];
  logger.error("e");
  assertEquals(handler.lines, ["WARN name w 1 two true", "DEBUG name d true"]);
});

Deno.test("the JSON formatter gives level, time, message and arguments, one of them as it is", () => {
  const handler = new Remembering("NOTSET", { formatter: formatters.jsonFormatter });
  const logger = new Logger("name", "INFO", { handlers: [handler] });
  logger.info("none");
  logger.info("one", { a: 1 });
  logger.info("two", 1, 2);
  const documents = handler.lines.map((line) => JSON.parse(line));
  assertEquals(documents.map(({ datetime, ...rest }) => [typeof datetime, rest]), [
    ["number", { level: "INFO", message: "none" }],
    ["number", { level: "INFO", message: "one", args: { a: 1 } }],
    ["number", { level: "INFO", message: "two", args: [1, 2] }],
  ]);
});

Deno.test("the console handler prints the text of a record, in colours only when asked", () => {
  const printed: unknown[] = [];
  const { log } = console;
  console.log = (line) => void printed.push(line);
  try {
    const handler = new ConsoleHandler("NOTSET", { useColors: false, formatter: ({ msg }) => `<${msg}>` });
    new Logger("name", "INFO", { handlers: [handler] }).error("x");
  } finally {
    console.log = log;
  }
  assertEquals(printed, ["<x>"]);
});
