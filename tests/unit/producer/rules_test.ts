/**
 * What a producer refuses to send, held against what Java's client refuses.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import type { Message } from "../../../src/message/message.ts";
import { vectors } from "../vectors.ts";
import { started, withCluster } from "./scripted_cluster.ts";

// deno-lint-ignore no-explicit-any
const casesOf = (file: string, kind: string): any[] =>
  vectors(file).cases.filter((each: { kind: string }) => each.kind === kind);
const EVERY_TOPIC = { T: { "broker-a": 1 }, TBW102: { "broker-a": 1 } };

/** Whether `send` is accepted; anything but a ValidationError is a failure of the test. */
async function accepted(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (error instanceof ValidationError) return false;
    throw error;
  }
}

Deno.test("messages are refused as Validators.checkMessage refuses them", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster, { maxMessageSizeBytes: 100 });
    const cases = casesOf("validators.json", "message");
    assertEquals(cases.length, 13);
    for (const { topic, bodyLength, properties, out } of cases) {
      const { WAIT: _, ...own } = properties ?? {};
      const message = topic === "(null message)"
        ? null
        : { topic, body: bodyLength === null ? null : new Uint8Array(bodyLength), properties: own };
      assertEquals(
        await accepted(() => producer.send(message as unknown as Message)),
        out === "ok",
        `topic ${topic}, body of ${bodyLength}`,
      );
    }
  }));

Deno.test("topics are refused as Validators.checkTopic refuses them, and those that take no messages too", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster);
    const cases = casesOf("validators.json", "name");
    assertEquals(cases.length, 73);
    for (const { in: { name: written, repeat, topic, notAllowedSend } } of cases) {
      const name = repeat ? repeat[0].repeat(repeat[1]) : written;
      assertEquals(
        await accepted(() => producer.send({ topic: name, body: "b" })),
        topic === "ok" && notAllowedSend === "ok",
        `topic ${name}`,
      );
    }
  }));

Deno.test("user properties are refused as Message.putUserProperty refuses them", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster);
    // A property of a JavaScript object cannot have the name null.
    const cases = casesOf("message.json", "putUserProperty").filter(({ name }) => name !== null);
    assertEquals(cases.length, 84);
    for (const { name, value, out } of cases) {
      const message = { topic: "T", body: "b", properties: { [name]: value } };
      assertEquals(await accepted(() => producer.send(message)), out === "ok", `property ${name}=${value}`);
    }
  }));

Deno.test("batches are refused as MessageBatch.generateFromList refuses them", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster);
    const plain: Message = { topic: "T", body: "a" };
    const batches: [string, Message[], boolean][] = [
      ["two alike", [plain, plain], true],
      ["a single one", [plain], true],
      ["none", [], false],
      ["two topics", [plain, { ...plain, topic: "U" }], false],
      ["waitStoreOk differs", [plain, { ...plain, waitStoreOk: false }], false],
      ["all waitStoreOk false", [{ ...plain, waitStoreOk: false }, { ...plain, waitStoreOk: false }], true],
      ["a delay level", [{ ...plain, delayLevel: 1 }, plain], false],
      ["a delay level on the second", [plain, { ...plain, delayLevel: 1 }], false],
      ["a delay", [{ ...plain, delayMs: 5 }], false],
      ["a delivery time", [{ ...plain, deliverAt: 5 }], false],
      ["a retry topic", [{ ...plain, topic: "%RETRY%g" }], false],
      ["an empty body", [plain, { ...plain, body: "" }], false],
    ];
    for (const [name, batch, ok] of batches) {
      assertEquals(await accepted(() => producer.sendBatch(batch)), ok, name);
    }
  }));

Deno.test("a batch whose messages together are too large is refused", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster, { maxMessageSizeBytes: 1000 });
    const half: Message = { topic: "T", body: new Uint8Array(500) };
    await assertRejects(() => producer.sendBatch([half, half]), ValidationError, "above the limit of 1000");
    assertEquals(cluster.sends.length, 0);
  }));

Deno.test("what would tear the properties of a message apart is refused", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster);
    for (const more of [{ tag: "a\x01b" }, { keys: ["k\x02"] }, { properties: { p: "v\x02" } }]) {
      await assertRejects(
        () => producer.send({ topic: "T", body: "b", ...more }),
        ValidationError,
        "U+0001 or U+0002",
      );
    }
  }));

Deno.test("properties that brokers would not store are refused by their size in bytes", () =>
  withCluster(EVERY_TOPIC, async (cluster) => {
    const producer = await started(cluster);
    const sending = (value: string) => producer.send({ topic: "T", body: "b", properties: { p: value } });
    await assertRejects(() => sending("é".repeat(16_384)), ValidationError, "above the limit of 32767");
    await sending("e".repeat(16_384));
  }));
