/**
 * `produce`: a message for each line of standard input, or one for all of it.
 */
import { TextLineStream, toText } from "@std/streams";
import type { Message } from "../../message/message.ts";
import { createProducer } from "../../producer/producer.ts";
import { type Command, type Context, Exit, UsageError } from "../command.ts";
import { during } from "../connected.ts";
import { jsonLine, readable } from "../layout.ts";

/** The command. */
export const produce: Command = {
  name: "produce",
  words: "<topic>",
  wordCount: [1, 1],
  summary: "send what comes on standard input",
  about: `
Each line is a message, sent as it comes, ${"`--in-flight`"} at once. With --json each line is a document with body (text or
any JSON), and, if you like, tag, keys, properties, delayMs, deliverAt and shardingKey; what "consume --json" prints can
be sent again as it is. With --whole all of the input is one message. A message that no broker takes ends the command with 1;
how many were stored is told in any case.`,
  examples: [
    ["produce orders < orders.txt", "one message a line"],
    ["produce orders --tag paid --key 7 --body '{\"id\":7}'", "one message, without standard input"],
    [
      "consume orders --from 1h --until-end --json | contrail produce orders-copy --json",
      "copy the last hour",
    ],
  ],
  flags: [
    { name: "body", value: "text", help: "send this, and read no input" },
    { name: "whole", help: "the whole input is one message" },
    { name: "tag", value: "tag", help: "tag of every message" },
    { name: "key", value: "key", help: "key of every message", many: true },
    { name: "property", value: "name=value", help: "property of every message", many: true },
    { name: "delay-ms", value: "n", range: [1], help: "deliver this many milliseconds after it is stored" },
    {
      name: "in-flight",
      value: "n",
      range: [1],
      help: "most sends under way; 16 by default; 1 keeps the order of the lines",
    },
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { given, terminal, connection, world } = context;
  const makeMessage = messageMaker(context);
  const producer = createProducer({ producerGroup: "contrail-cli-producer", ...connection }, world);
  let stored = 0;
  let failed: unknown;
  await during(producer, terminal.signal, async () => {
    const writer = producer.writable({
      maxInFlight: given.count("in-flight") ?? 16,
      signal: terminal.signal,
      onSent: ({ messageId, queue, queueOffset }) => {
        stored++;
        if (given.has("json")) terminal.print(jsonLine({ messageId, queue, queueOffset }));
      },
    }).getWriter();
    try {
      for await (const text of bodies(context)) {
        await writer.write(makeMessage(text));
        await terminal.room();
      }
      await writer.close();
    } catch (error) {
      failed = error;
      await writer.abort(error).catch(() => {});
    }
  });
  terminal.note(`${readable(stored)} ${stored === 1 ? "message is" : "messages are"} stored.\n`);
  if (failed !== undefined) throw failed;
  return Exit.OK;
}

/** The texts to be sent. */
async function* bodies({ given, terminal }: Context): AsyncGenerator<string> {
  const body = given.text("body");
  if (body !== undefined) return void (yield body);
  if (terminal.inputIsTyped) terminal.note("Reading from the terminal: Ctrl-D ends it.\n");
  const text = ReadableStream.from(terminal.input).pipeThrough(
    new TextDecoderStream() as TransformStream<Uint8Array, string>,
    { signal: terminal.signal },
  );
  if (given.has("whole")) return void (yield await toText(text));
  for await (const line of text.pipeThrough(new TextLineStream())) if (line !== "") yield line;
}

/** Makes a message of one text. */
function messageMaker({ given }: Context): (text: string) => Message {
  const shared: Omit<Message, "body"> = {
    topic: given.words[0]!,
    ...(given.has("tag") ? { tag: given.text("tag")! } : {}),
    ...(given.has("key") ? { keys: given.all("key") } : {}),
    ...(given.has("delay-ms") ? { delayMs: given.count("delay-ms")! } : {}),
    properties: Object.fromEntries(given.all("property").map(propertyOf)),
  };
  if (!given.has("json") || given.has("body")) return (body) => ({ ...shared, body });
  return (line) => ({ ...shared, ...documentOf(line) });
}

function propertyOf(text: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new UsageError(`Cannot understand --property "${text}": it is to be name=value`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** What one line of JSON says of a message. Properties that belong to the system are left to the producer. */
function documentOf(line: string): Partial<Message> & Pick<Message, "body"> {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch (cause) {
    throw new UsageError(`Cannot send the line ${JSON.stringify(line.slice(0, 60))}: it is not JSON`, {
      cause,
    });
  }
  if (typeof read !== "object" || read === null || !("body" in read || "bodyBase64" in read)) {
    throw new UsageError(`Cannot send the line ${JSON.stringify(line.slice(0, 60))}: it has no "body"`);
  }
  const { body, bodyBase64, tag, keys, properties, delayMs, deliverAt, shardingKey } = read as Record<
    string,
    unknown
  >;
  const own = Object.entries((properties ?? {}) as Record<string, string>).filter(([name]) =>
    !/^[A-Z0-9_]+$/.test(name)
  );
  const isText = (value: unknown): boolean => typeof value === "string";
  if (!Object.values(properties ?? {}).every(isText)) {
    throw new UsageError(`Cannot send the line ${JSON.stringify(line.slice(0, 60))}: a property is no text`);
  }
  return {
    body: typeof bodyBase64 === "string"
      ? bytesOf(bodyBase64)
      : typeof body === "string"
      ? body
      : JSON.stringify(body),
    ...(typeof tag === "string" ? { tag } : {}),
    ...(Array.isArray(keys) && keys.length > 0 ? { keys: keys.map(String) } : {}),
    ...(typeof delayMs === "number" ? { delayMs } : {}),
    ...(typeof deliverAt === "number" ? { deliverAt } : {}),
    properties: {
      ...Object.fromEntries(own),
      ...(typeof shardingKey === "string" ? { SHARDING_KEY: shardingKey } : {}),
    },
  };
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new UsageError("Cannot send a line: its bodyBase64 is not base64", { cause });
  }
}
