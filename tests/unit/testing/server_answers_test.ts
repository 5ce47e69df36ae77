import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import { parseAddress } from "../../../src/remoting/address.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ManualClock, startCluster, type TestCluster } from "../../../src/testing/mod.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";
import { Client } from "./bench_client.ts";
import { Channel } from "../../../src/remoting/channel.ts";

interface Answer {
  code: number;
  remark: string;
  ext: Record<string, string> | null;
  body: string;
}

interface Case {
  note: string;
  port?: "broker" | "namesrv";
  request?: {
    code: number;
    extFields: Record<string, string> | null;
    flag: number;
    version: number;
    body: string;
  };
  requestHex?: string;
  answer: Answer | string;
}

const { cases } = JSON.parse(
  readFileSync(new URL("../../fixtures/server_answers.json", import.meta.url), "utf8"),
) as { cases: Case[] };

/** What cannot be the same, with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "length prefix 20000000":
    "Java was seen to say nothing for 3 s; here the connection is closed as soon as the length is read",
};

/** Cases that say what was sent in their note only. */
const BY_NOTE: Readonly<Record<string, Uint8Array>> = {
  "length prefix 20000000": Uint8Array.from([1, 0x31, 0x2d, 0, 0, 0, 0, 2, 0x7b, 0x7d, 0, 0]),
  "serialize type 7": Uint8Array.from([0, 0, 0, 6, 7, 0, 0, 2, 0x7b, 0x7d]),
  "header is not JSON": Uint8Array.from([0, 0, 0, 8, 0, 0, 0, 4, 0x61, 0x62, 0x63, 0x64]),
  "route asked with version 0": route("JAVA", 0),
  "route asked with version 400": route("JAVA", 400),
  "route asked with version 401": route("JAVA", 401),
  "language NODE_JS": route("NODE_JS", 513),
  "language XYZ": route("XYZ", 513),
  "language OTHER": route("OTHER", 513),
};

function route(language: string, version: number): Uint8Array {
  return encodeFrame(
    { code: 105, language, version, opaque: 9, flag: 0, extFields: { topic: "CapT" } },
    undefined,
  );
}

function bytesOf({ note, request, requestHex }: Case): Uint8Array {
  if (requestHex !== undefined) {
    const header = Buffer.from(requestHex, "hex");
    const frame = Buffer.alloc(8 + header.length);
    frame.writeUInt32BE(4 + header.length, 0);
    frame.writeUInt32BE((1 << 24) | header.length, 4);
    header.copy(frame, 8);
    return frame;
  }
  if (request === undefined) return BY_NOTE[note]!;
  const { code, extFields, flag, body } = request;
  // The note is right about what was sent, the recorded version is not.
  const version = note.endsWith("version 0") ? 0 : request.version;
  const command = { code, language: "JAVA", version, opaque: 9, flag, extFields: extFields ?? undefined };
  return encodeFrame(command, body === "" ? undefined : Buffer.from(body));
}

/** Sends bytes over a connection of their own; gives the answer, "closed", or "silence". */
async function exchange(
  network: MemoryNetwork,
  clock: ManualClock,
  address: string,
  bytes: Uint8Array,
): Promise<Frame | "closed" | "silence"> {
  const duplex = await network.connect(parseAddress(address));
  const frames: Frame[] = [];
  let closed = false;
  const decoder = new FrameDecoder();
  const reading = (async () => {
    const reader = duplex.readable.getReader();
    try {
      while (true) {
        const { done, value } = await reader.read();
        if (done) break;
        decoder.push(value, (frame) => frames.push(frame));
      }
    } catch {
      // A reset ends the connection as well.
    }
    closed = true;
  })();
  const writer = duplex.writable.getWriter();
  await writer.write(bytes).catch(() => {});
  await clock.advance(3000);
  const outcome = frames[0] ?? (closed ? "closed" : "silence");
  duplex.close();
  await reading;
  return outcome;
}

/** The state that the requests were made in. */
async function prepare(cluster: TestCluster, network: MemoryNetwork, clock: ManualClock): Promise<void> {
  cluster.createTopic("CapT");
  cluster.createTopic("CapReq", { queues: 2 });
  cluster.createTopic("CapDelay", { queues: 1 });
  const client = new Client(clock);
  client.channel = new Channel(await network.connect(parseAddress(cluster.brokerAddress("broker-cap"))), {
    clock,
  });
  for (let i = 0; i < 5; i++) await client.send("CapT", 0, `hello ${i}`, { TAGS: "TagA" });
  await client.heartbeat("capcg", "CapCG", { CapT: "*" });
  client.channel.close();
  await client.channel.closed;
}

function sameRemark(actual: string | undefined, expected: string): boolean {
  // Java shows the exception of its processor; that one was met is all that can be the same.
  if (/^(java|com)\./.test(expected)) return (actual ?? "") !== "";
  const plain = (text: string): string => text.replace(/127\.0\.0\.1:\d+/g, "HOST");
  return plain(actual ?? "") === plain(expected);
}

/** Header fields without what depends on the moment. */
function comparable(fields: Readonly<Record<string, string>> | null | undefined): Record<string, string> {
  return { ...fields, ...(fields?.["popTime"] === undefined ? {} : { popTime: "now", reviveQid: "any" }) };
}

Deno.test("odd requests are answered as a real broker and name server answer them", async () => {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const network = createMemoryNetwork({ clock, random });
  const { connect, listen } = network;
  const cluster = await startCluster({ clock, random, connect, listen, brokers: ["broker-cap"] });
  await prepare(cluster, network, clock);
  let checked = 0;
  for (const each of cases) {
    if (each.note in DIFFERENT) continue;
    const toBroker = each.port === "broker";
    const address = toBroker ? cluster.brokerAddress("broker-cap") : cluster.namesrvAddr;
    const actual = await exchange(network, clock, address, bytesOf(each));
    checked++;
    if (typeof each.answer === "string") {
      assertEquals(actual, each.answer.startsWith("CLOSED") ? "closed" : "silence", each.note);
      continue;
    }
    assert(typeof actual === "object", `${each.note}: ${actual}`);
    const { command, body, serializeType } = actual;
    assertEquals(command.code, each.answer.code, each.note);
    assertEquals(serializeType, "JSON", each.note);
    assert(sameRemark(command.remark, each.answer.remark), `${each.note}: remark is "${command.remark}"`);
    assertEquals(comparable(command.extFields), comparable(each.answer.ext), each.note);
    const start = each.answer.body.replace("127.0.0.1:20911", cluster.brokerAddress("broker-cap"));
    if (start.startsWith("{")) {
      assertEquals(Buffer.from(body).toString().slice(0, start.length), start, each.note);
    } else assertEquals(body.length > 0, start !== "", `${each.note}: body`);
  }
  assertEquals(checked, cases.length - Object.keys(DIFFERENT).length);
  assertEquals(Object.keys(DIFFERENT).length, 1);
  await cluster.stop();
});
