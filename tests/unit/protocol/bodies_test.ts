import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import * as bodies from "../../../src/protocol/bodies.ts";
import type { Body } from "../../../src/protocol/bodies.ts";
import { vectors } from "../vectors.ts";
import { assertSameJson } from "./same_json.ts";

const written = vectors("bodies.json");
const readBack = vectors("bodies_read.json");

// deno-lint-ignore no-explicit-any
const BODIES: Record<string, Body<any>> = {};
for (const value of Object.values<unknown>(bodies)) {
  if (typeof value === "object" && "readText" in value!) {
    BODIES[(value as Body<unknown>).name] = value as Body<unknown>;
  }
}
BODIES["UnlockBatchRequestBody"] = bodies.lockBatch;

/** Whether a text holds an integer of an ordinary field that a number cannot hold. */
function pastSafeInteger(json: string): boolean {
  const limits = json.replace(/"(?:so|pt|it)":\d+|"correctionOffsets":\{[^}]*\}/g, "");
  return [...limits.matchAll(/[:,]\s*(-?\d{16,})(?=[,}\]])/g)].some(([, digits]) =>
    !Number.isSafeInteger(Number(digits))
  );
}

Deno.test("every body that Java writes is read and written back the same, or refused for an integer past 2^53 − 1", () => {
  let refused = 0;
  for (const { class: name, note, json } of written.cases) {
    const body = BODIES[name];
    assert(body !== undefined, `no body named ${name}`);
    if (pastSafeInteger(json)) {
      assertThrows(() => body.readText(json), ProtocolError, "2^53", `${name} ${note}`);
      refused++;
    } else {
      assertSameJson(body.writeText(body.readText(json)), json, `${name} ${note}`);
    }
  }
  assert(refused < written.cases.length / 4);
});

Deno.test("what Java reads is read, with its defaults; what it refuses is refused", () => {
  for (const { class: name, text, readAndWrittenBack, error } of readBack.cases) {
    const body = BODIES[name]!;
    if (error) assertThrows(() => body.readText(text), ProtocolError, undefined, `${name} ${text}`);
    else assertSameJson(body.writeText(body.readText(text)), readAndWrittenBack!, `${name} ${text}`);
  }
});

Deno.test("members are written in Java's order", () => {
  const json = '{"clientId":"c","consumerGroup":"g","mqSet":[{"brokerName":"b","queueId":0,"topic":"T"}],' +
    '"onlyThisBroker":false}';
  assertEquals(bodies.lockBatch.writeText(bodies.lockBatch.readText(json)), json);
});

function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length < 2) yield [...items];
  else {
    for (let i = 0; i < items.length; i++) {
      for (const rest of orders(items.toSpliced(i, 1))) yield [items[i]!, ...rest];
    }
  }
}

/** Every heartbeat with the same sets in another order: Java's HashSets have none that could be foretold. */
function* sameSets(data: bodies.HeartbeatData): Generator<bodies.HeartbeatData> {
  function* consumers(rest: readonly bodies.ConsumerData[]): Generator<bodies.ConsumerData[]> {
    if (rest.length === 0) return yield [];
    for (const subscriptionDataSet of orders(rest[0]!.subscriptionDataSet)) {
      for (const others of consumers(rest.slice(1))) yield [{ ...rest[0]!, subscriptionDataSet }, ...others];
    }
  }
  for (const producerDataSet of orders(data.producerDataSet)) {
    for (const ordered of orders(data.consumerDataSet)) {
      for (const consumerDataSet of consumers(ordered)) yield { ...data, producerDataSet, consumerDataSet };
    }
  }
}

Deno.test("a heartbeat's fingerprint is Java's, for one order of its sets", () => {
  for (const { note, json, computeHeartbeatFingerprint } of written.cases) {
    if (computeHeartbeatFingerprint === undefined) continue;
    const found = sameSets(bodies.heartbeatData.readText(json))
      .some((data) => bodies.heartbeatFingerprint(data) === computeHeartbeatFingerprint);
    assert(found, `${note} ${json}`);
  }
  const data = { clientID: "x@y", producerDataSet: [{ groupName: "PG" }], consumerDataSet: [] };
  assertEquals(
    bodies.heartbeatFingerprint({ ...data, heartbeatFingerprint: 0, withoutSub: false }),
    837276344,
  );
});

Deno.test("a strict route has quoted numeric keys only", () => {
  for (const { class: name, note, json } of written.cases) {
    if (name !== "TopicRouteData" || note?.startsWith("default")) continue;
    const strict = new TextDecoder().decode(
      bodies.writeStrictTopicRoute(bodies.topicRouteData.readText(json)),
    );
    JSON.parse(strict);
    assertSameJson(strict, json, note);
  }
});

Deno.test("an error names the place of what cannot be read", () => {
  assertThrows(
    () => bodies.heartbeatData.readText('{"consumerDataSet":[{"subscriptionDataSet":[{"subVersion":"x"}]}]}'),
    ProtocolError,
    'Cannot read HeartbeatData.consumerDataSet[0].subscriptionDataSet[0].subVersion: number expected, current value is "x"',
  );
  assertThrows(
    () => bodies.topicList.readText("[]"),
    ProtocolError,
    "Cannot read TopicList: object expected",
  );
  assertThrows(() => bodies.topicList.readText(""), ProtocolError);
});

Deno.test("bytes and text are the same body", () => {
  const list = { consumerIdList: ["a@1", "中"] };
  assertEquals(bodies.consumerIdList.read(bodies.consumerIdList.write(list)), list);
});
