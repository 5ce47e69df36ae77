import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { seededRandom } from "../../../src/core/random.ts";
import { parseAddress } from "../../../src/remoting/address.ts";
import { ManualClock, startCluster } from "../../../src/testing/mod.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory.ts";
import { FLAG_ONEWAY, FLAG_RESPONSE } from "../../../src/wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";

interface Captured {
  t_ms: number;
  conn: string;
  dir: string;
  kind?: "request" | "oneway" | "response";
  code: number;
  name: string;
  answerTo?: string;
  flag: number;
  opaque: number;
  header: Record<string, string> | null;
  bodyLength: number;
  body_text?: string;
  body_hex?: string;
}

const FIXTURES = new URL("../../fixtures/", import.meta.url);

/** Topics of the captured broker, with their queues. */
const TOPICS: Record<string, number> = {
  CapT: 4,
  CapBatch: 1,
  CapDelay: 1,
  CapReq: 2,
  CapTx: 2,
  CapPop: 2,
  CapOrd: 2,
};

/**
 * Requests whose answer depends on what other requests, of other captures or not captured at all, left behind.
 * Their header fields are compared only when the code is the same.
 */
const DEPENDS_ON_STATE = new Set([
  "PULL_MESSAGE",
  "LITE_PULL_MESSAGE",
  "QUERY_CONSUMER_OFFSET",
  "POP_MESSAGE",
  "ACK_MESSAGE",
  "CHANGE_MESSAGE_INVISIBLETIME",
  "QUERY_MESSAGE",
  "VIEW_MESSAGE_BY_ID",
  "CONSUMER_SEND_MSG_BACK",
  "GET_ROUTEINFO_BY_TOPIC",
  "CONSUME_MESSAGE_DIRECTLY",
  "GET_CONSUMER_RUNNING_INFO",
  "INVOKE_BROKER_TO_GET_CONSUMER_STATUS",
  "SEND_REPLY_MESSAGE_V2",
]);

/** One connection to a server, speaking frames. */
class Line {
  readonly #answers = new Map<number, Frame>();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #close: () => void;
  readonly done: Promise<void>;

  private constructor(duplex: Awaited<ReturnType<MemoryNetwork["connect"]>>) {
    this.#writer = duplex.writable.getWriter();
    this.#close = () => duplex.close();
    this.done = this.#read(duplex.readable);
  }

  static async open(network: MemoryNetwork, address: string): Promise<Line> {
    return new Line(await network.connect(parseAddress(address)));
  }

  async send(frame: Captured, body: Uint8Array | undefined): Promise<void> {
    const { code, flag, opaque, header } = frame;
    await this.#writer.write(
      encodeFrame(
        { code, flag, opaque, language: "JAVA", version: 513, extFields: header ?? undefined },
        body,
      ),
    );
  }

  answer(opaque: number): Frame | undefined {
    return this.#answers.get(opaque);
  }

  close(): void {
    this.#close();
  }

  async #read(readable: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new FrameDecoder();
    const reader = readable.getReader();
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      decoder.push(value, ({ command, body, sizeBytes, serializeType }) => {
        if ((command.flag & FLAG_RESPONSE) !== 0) {
          this.#answers.set(command.opaque, { command, body, sizeBytes, serializeType });
        } else if ((command.flag & FLAG_ONEWAY) === 0) {
          // What the broker asks of a client is granted, so that it can answer who asked it to.
          const grant = encodeFrame(
            { ...command, code: 0, flag: FLAG_RESPONSE, extFields: undefined },
            undefined,
          );
          this.#writer.write(grant).catch(() => {});
        }
      });
    }
  }
}

function bodyOf(frame: Captured): Uint8Array | undefined {
  if (frame.bodyLength === 0) return undefined;
  if (frame.body_text !== undefined) return Buffer.from(frame.body_text);
  const body = Buffer.from(frame.body_hex ?? "", "hex");
  return body.length === frame.bodyLength ? body : undefined;
}

function framesOf(file: string): Captured[] {
  return readFileSync(new URL(file, FIXTURES), "utf8").trim().split("\n").slice(1).map((line) =>
    JSON.parse(line)
  );
}

/** Sends the requests of a capture in order; gives the differences and how many answers were compared. */
async function replay(file: string): Promise<{ differences: string[]; compared: number }> {
  const clock = new ManualClock({ startMs: 1795351390000 });
  const random = seededRandom(1);
  const network = createMemoryNetwork({ clock, random });
  const { connect, listen } = network;
  const cluster = await startCluster({
    clock,
    random,
    connect,
    listen,
    brokers: ["broker-cap"],
    topics: TOPICS,
  });
  cluster.createTopic("CapBatch", { queues: 1, attributes: { "queue.type": "BatchCQ" } });
  const frames = framesOf(file);
  const lines = new Map<string, Line>();
  const differences: string[] = [];
  let compared = 0;
  for (const frame of frames) {
    if (!frame.dir.startsWith("client->") || frame.kind === "response") continue;
    const body = bodyOf(frame);
    // A body that the capture has cut cannot be sent.
    if (frame.bodyLength > 0 && body === undefined) continue;
    let line = lines.get(frame.conn);
    if (line === undefined) {
      const address = frame.conn.startsWith("namesrv")
        ? cluster.namesrvAddr
        : cluster.brokerAddress("broker-cap");
      lines.set(frame.conn, line = await Line.open(network, address));
    }
    await line.send(frame, body);
    await clock.advance(20);
    const expected = frames.find((each) =>
      each.kind === "response" && each.conn === frame.conn && each.opaque === frame.opaque &&
      each.answerTo === frame.name && each.t_ms >= frame.t_ms
    );
    const actual = line.answer(frame.opaque)?.command;
    if (expected === undefined || actual === undefined) {
      if (expected !== undefined && !DEPENDS_ON_STATE.has(frame.name)) {
        differences.push(`${frame.name}: no answer`);
      }
      continue;
    }
    if (actual.code !== expected.code) {
      if (DEPENDS_ON_STATE.has(frame.name)) continue;
      differences.push(`${frame.name}: code ${actual.code} (${actual.remark}), not ${expected.code}`);
      continue;
    }
    compared++;
    const names = Object.keys(actual.extFields ?? {}).sort().join();
    const wanted = Object.keys(expected.header ?? {}).sort().join();
    if (names !== wanted) differences.push(`${frame.name}: fields ${names}, not ${wanted}`);
  }
  for (const line of lines.values()) line.close();
  await Promise.all([...lines.values()].map((line) => line.done.catch(() => {})));
  await cluster.stop();
  return { differences, compared };
}

const CAPTURES = readdirSync(FIXTURES).filter((name) => name.startsWith("capture_")).sort();

for (const file of CAPTURES) {
  Deno.test(`the requests of ${file} are answered with the codes and header fields of a real broker`, async () => {
    const { differences, compared } = await replay(file);
    assertEquals(differences, []);
    assertEquals(compared > 5, true, `only ${compared} answers were compared`);
  });
}
