/**
 * What any client must do at least: pull over one socket, parse the answers' headers, walk the records by their length.
 *
 * Nothing is checked but that every offset comes once, nothing is decoded, nothing is handed to anyone, no offset is stored. One
 * pull of each queue is under way; all queues share a connection. Written by hand, so that it measures no part of the library.
 *
 *   drain broker=host:port topic=… queues=4 pull=32 n=200000
 */
import { cpuSeconds, report, words } from "./measure.ts";

const PULL_MESSAGE = 11;
const line = words();
const topic = line.text("topic", "BenchDrain4");
const pull = line.number("pull", 32), n = line.number("n", 200_000);
const [hostname = "", port = ""] = line.text("broker", "127.0.0.1:20911").split(":");
const connection = await Deno.connect({ hostname, port: Number(port) });
connection.setNoDelay(true);

const encoder = new TextEncoder(), decoder = new TextDecoder();
const nextOffset = new Array<number>(line.number("queues", 4)).fill(0);
let pulled = 0, firstAt = 0, firstCpu = 0;

/** The frame of a pull; the queue's number is its opaque, so that the answer tells which queue it is of. */
function question(queueId: number): Uint8Array {
  const header = encoder.encode(JSON.stringify({
    code: PULL_MESSAGE,
    language: "OTHER",
    version: 513,
    opaque: queueId,
    flag: 0,
    extFields: {
      consumerGroup: "CG_floor",
      topic,
      queueId: String(queueId),
      queueOffset: String(nextOffset[queueId]),
      maxMsgNums: String(pull),
      sysFlag: "4", // the subscription comes along
      subscription: "*",
      expressionType: "TAG",
      subVersion: "0",
      commitOffset: "0",
      suspendTimeoutMillis: "0",
    },
  }));
  const frame = new Uint8Array(8 + header.length), view = new DataView(frame.buffer);
  view.setInt32(0, 4 + header.length);
  view.setInt32(4, header.length);
  frame.set(header, 8);
  return frame;
}

/** Writes what a turn asks for at once. */
async function ask(queues: readonly number[]): Promise<void> {
  const frames = queues.map(question);
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

/** Takes one answer; the queue to ask again, if it has more. */
function take(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const bodyAt = 8 + (view.getInt32(4) & 0xffffff);
  const { code, opaque, remark } = JSON.parse(decoder.decode(frame.subarray(8, bodyAt)));
  if (code !== 0) throw new Error(`Cannot pull queue ${opaque} of ${topic}: ${code} ${remark}`);
  if (firstAt === 0) {
    firstAt = performance.now();
    firstCpu = cpuSeconds();
  }
  for (let at = bodyAt; at < frame.length; at += view.getInt32(at)) {
    const offset = view.getInt32(at + 20) * 2 ** 32 + view.getUint32(at + 24);
    if (offset !== nextOffset[opaque]) {
      throw new Error(`Cannot count: ${offset} came for ${nextOffset[opaque]}`);
    }
    nextOffset[opaque] = offset + 1;
    pulled++;
  }
  return nextOffset[opaque]! < n / nextOffset.length ? opaque : undefined;
}

let held = new Uint8Array(4 * 1024 * 1024), from = 0, to = 0;
await ask([...nextOffset.keys()]);
while (pulled < n) {
  if (held.length - to < 512 * 1024) {
    const larger = from > held.length / 2 ? held : new Uint8Array(held.length * (from > 0 ? 1 : 2));
    larger.set(held.subarray(from, to));
    [held, from, to] = [larger, 0, to - from];
  }
  const read = await connection.read(held.subarray(to));
  if (read === null) throw new Error("Cannot pull: the broker closed the connection");
  to += read;
  const again: number[] = [];
  const view = new DataView(held.buffer);
  while (to - from >= 4 && to - from >= 4 + view.getInt32(from)) {
    const size = 4 + view.getInt32(from);
    const queue = take(held.subarray(from, from + size));
    if (queue !== undefined) again.push(queue);
    from += size;
  }
  if (again.length > 0) await ask(again);
}
const secs = (performance.now() - firstAt) / 1000, cpuSecs = cpuSeconds() - firstCpu;
report({
  peer: "floor",
  what: "drain",
  topic,
  n: pulled,
  secs,
  cpuSecs,
  more: { repeated: 0, mode: "raw", pull },
});
connection.close();
