/**
 * What a producer puts on the wire, held against what the Java client puts there for the same calls.
 */
import { assertEquals } from "@std/assert";
import { inflateSync } from "node:zlib";
import { decodeBatch } from "../../../src/message/batch.ts";
import { decodeProperties } from "../../../src/message/properties.ts";
import type { Message } from "../../../src/message/message.ts";
import { verify } from "../../../src/protocol/acl.ts";
import { captured, type CapturedFrame, fromHex } from "../vectors.ts";
import { type SeenSend, started, stored, withCluster } from "./scripted_cluster.ts";

const fromClient = (frames: CapturedFrame[], ...codes: number[]) =>
  frames.filter((frame) => frame.dir.startsWith("client->broker") && codes.includes(frame.code));

/** What differs between two runs of the same call: ids, times, and who made the correlation id. */
function comparable(header: Readonly<Record<string, string>>): unknown {
  const { g: _bornTimestamp, i, e: _queueId, ...rest } = header;
  const properties: Record<string, string> = { ...decodeProperties(i ?? "") };
  for (const varying of ["UNIQ_KEY", "CORRELATION_ID", "REPLY_TO_CLIENT"]) {
    if (varying in properties) properties[varying] = "(varies)";
  }
  return { keys: Object.keys(header).sort(), ...rest, properties };
}

/** The message whose send was captured. */
function messageOf(frame: CapturedFrame): Message {
  const header = frame.header!;
  const { KEYS, TAGS, DELAY, TIMER_DELAY_MS, UNIQ_KEY: _, WAIT: __, ...properties } = decodeProperties(
    header.i!,
  );
  const body = fromHex(frame.body_hex);
  return {
    topic: header.b!,
    body: header.f === "769" ? new Uint8Array(inflateSync(body)) : body,
    ...(KEYS === undefined ? {} : { keys: KEYS }),
    ...(TAGS === undefined ? {} : { tag: TAGS }),
    ...(DELAY === undefined ? {} : { delayLevel: Number(DELAY) }),
    ...(TIMER_DELAY_MS === undefined ? {} : { delayMs: Number(TIMER_DELAY_MS) }),
    properties,
  };
}

const CAPTURED_TOPICS = {
  CapT: { "broker-cap": 4 },
  CapDelay: { "broker-cap": 1 },
  CapBatch: { "broker-cap": 1 },
  TBW102: { "broker-cap": 8 },
};

Deno.test("the frame of every captured send is the one Java sends: header keys, values, properties and body", () =>
  withCluster(CAPTURED_TOPICS, async (cluster) => {
    const producer = await started(cluster, { producerGroup: "CapPG" });
    const frames = fromClient(captured("producer"), 310);
    assertEquals(frames.length, 14);
    for (const frame of frames) {
      const message = messageOf(frame);
      if (frame.kind === "oneway") await producer.sendOneway(message);
      else await producer.send(message);
      await cluster.clock.settle();
      const seen = cluster.sends.at(-1)!;
      assertEquals(seen.code, 310);
      assertEquals(seen.oneway, frame.kind === "oneway");
      assertEquals(comparable(seen.header), comparable(frame.header!));
      assertEquals(plainBody(seen), plainBody({ header: frame.header!, body: fromHex(frame.body_hex) }));
    }
  }));

function plainBody({ header, body }: Pick<SeenSend, "header" | "body">): Uint8Array {
  return header.f === "769" ? new Uint8Array(inflateSync(body)) : body;
}

Deno.test("the frames of captured batches are those that Java sends, each item with an id of its own", () =>
  withCluster(CAPTURED_TOPICS, async (cluster) => {
    const producer = await started(cluster, { producerGroup: "CapPG" });
    const frames = fromClient(captured("producer"), 320);
    assertEquals(frames.length, 2);
    for (const frame of frames) {
      const items = decodeBatch(fromHex(frame.body_hex));
      await producer.sendBatch(items.map(({ body, properties }) => {
        const { KEYS, TAGS } = decodeProperties(properties);
        return { topic: frame.header!.b!, body, keys: KEYS!, tag: TAGS! };
      }));
      const seen = cluster.sends.at(-1)!;
      assertEquals(seen.code, 320);
      assertEquals(comparable(seen.header), comparable(frame.header!));
      const sent = decodeBatch(seen.body);
      const shown = (item: { flag: number; body: Uint8Array; properties: string }) => ({
        flag: item.flag,
        body: item.body,
        properties: { ...decodeProperties(item.properties), UNIQ_KEY: "(varies)" },
      });
      assertEquals(sent.map(shown), items.map(shown));
      const ids = sent.map((item) => decodeProperties(item.properties).UNIQ_KEY!);
      assertEquals(new Set([...ids, seen.properties.UNIQ_KEY]).size, ids.length + 1);
    }
  }));

Deno.test("with a namespace, group and topic carry it and INSTANCE_ID tells it, as in Java", () =>
  withCluster({ "ns1%CapT": { "broker-cap": 4 } }, async (cluster) => {
    const [frame] = fromClient(captured("namespace_v1"), 310);
    const producer = await started(cluster, { producerGroup: "CapPG", namespace: "ns1" });
    const message: Message = { topic: "CapT", body: "b", keys: "nv1", tag: "TagA" };
    const { queue } = await producer.send(message);
    assertEquals(comparable(cluster.sends[0]!.header), comparable(frame!.header!));
    assertEquals(queue.topic, "CapT");
  }));

Deno.test("the id of a batch is its own when the broker stored it as one, else the ids of its messages", () =>
  withCluster(CAPTURED_TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const batch = [{ topic: "CapBatch", body: "a" }, { topic: "CapBatch", body: "b" }];
    const apart = await producer.sendBatch(batch);
    const ids = decodeBatch(cluster.sends[0]!.body).map((item) => decodeProperties(item.properties).UNIQ_KEY);
    assertEquals(apart.messageId, ids.join(","));
    cluster.answer = (send) => stored(send, { batchUniqId: send.properties.UNIQ_KEY! });
    const asOne = await producer.sendBatch(batch);
    assertEquals(asOne.messageId, cluster.sends[1]!.properties.UNIQ_KEY!);
  }));

Deno.test("with namespaceV2 every request tells the tenant as Java's does, under the signature, and names stay", () =>
  withCluster({ CapT: { "broker-cap": 4 } }, async (cluster) => {
    const credentials = { accessKey: "user", secretKey: "secret" };
    const producer = await started(cluster, { namespaceV2: "ns2", credentials });
    await producer.send({ topic: "CapT", body: "b" });
    await producer.sendOneway({ topic: "CapT", body: "b" });
    await producer.client.heartbeat();
    await cluster.clock.settle();
    const requests = [...cluster.others, ...cluster.sends].map(({ request }) => request);
    const java = captured("namespace_v2").filter(({ dir, kind }) =>
      dir.startsWith("client->") && kind !== "response"
    );
    for (const code of [105, 34, 310]) {
      const ours = requests.filter(({ command }) => command.code === code);
      const theirs = java.find((frame) => frame.code === code)!.header!;
      for (const { command: { extFields = {} }, body } of ours) {
        assertEquals([extFields["ns"], extFields["nsd"]], [theirs["ns"], theirs["nsd"]], `code ${code}`);
        assertEquals(verify(extFields, body, "secret"), true, `signature of code ${code}`);
      }
      assertEquals(ours.length > 0, true, `code ${code}`);
    }
    assertEquals(requests.filter(({ command }) => command.extFields?.["ns"] !== "ns2"), []);
    assertEquals(cluster.sends.map(({ header }) => [header["b"], header["a"]]), [["CapT", "PG"], [
      "CapT",
      "PG",
    ]]);
  }));
