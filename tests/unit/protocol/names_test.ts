import { assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import {
  FORBIDDEN_SEND_TOPICS,
  groupProblem,
  isSystemTopic,
  messageProblem,
  popRetryTopicV1,
  popRetryTopicV2,
  serverTopicProblem,
  topicProblem,
  validateGroup,
  validateMessage,
  validateTopic,
} from "../../../src/protocol/names.ts";
import { vectors } from "../vectors.ts";

const file = vectors("validators.json");

interface NameCase {
  name: string | null;
  repeat?: [string, number];
  topic: unknown;
  group: unknown;
  systemTopic: unknown;
  notAllowedSend: unknown;
  server: { valid: boolean };
  serverGroup: { valid: boolean };
}
interface MessageCase {
  topic: string | null;
  bodyLength?: number | null;
  maxMessageSize?: number;
  properties?: Record<string, string>;
  out: unknown;
}

const { cases } = file;

Deno.test("names are taken and refused as Java's validators do", () => {
  for (const { kind, in: vector } of cases as { kind: string; in: NameCase }[]) {
    if (kind !== "name") continue;
    const name = vector.repeat ? vector.repeat[0].repeat(vector.repeat[1]) : vector.name;
    const where = `name ${JSON.stringify(name)}`;
    assertEquals(topicProblem(name) === undefined, vector.topic === "ok", where);
    assertEquals(groupProblem(name) === undefined, vector.group === "ok", where);
    assertEquals(serverTopicProblem(name) === undefined, vector.server.valid, where);
    assertEquals(groupProblem(name) === undefined, vector.serverGroup.valid, where);
    assertEquals(!FORBIDDEN_SEND_TOPICS.has(name!), vector.notAllowedSend === "ok", where);
    if (name !== null) assertEquals(!isSystemTopic(name), vector.systemTopic === "ok", where);
  }
});

Deno.test("messages are taken and refused as Java's validators do", () => {
  for (const vector of cases as ({ kind: string } & MessageCase)[]) {
    if (vector.kind !== "message") continue;
    const message = vector.topic === "(null message)" ? null : {
      topic: vector.topic,
      bodyBytes: vector.bodyLength,
      properties: vector.properties,
    };
    assertEquals(
      messageProblem(message, vector.maxMessageSize) === undefined,
      vector.out === "ok",
      JSON.stringify(vector),
    );
  }
});

Deno.test("an error says what was attempted and what was met", () => {
  assertThrows(
    () => validateTopic("a b", "subscribe"),
    ValidationError,
    'Cannot subscribe: topic name has an illegal character: current value is "a b"',
  );
  assertThrows(() => validateGroup("g".repeat(121)), ValidationError, "longer than 120 characters");
  assertThrows(
    () => validateMessage({ topic: "T", bodyBytes: 5_000_000 }),
    ValidationError,
    "Cannot send message: message body is above the limit of 4194304 bytes: current size is 5000000",
  );
});

Deno.test("a broker takes longer names for retry and dead-letter topics", () => {
  assertEquals(serverTopicProblem("%RETRY%" + "g".repeat(240)), undefined);
  assertEquals(serverTopicProblem("%DLQ%" + "g".repeat(240)), undefined);
});

Deno.test("POP retry topics have two forms", () => {
  assertEquals(popRetryTopicV1("T", "G"), "%RETRY%G_T");
  assertEquals(popRetryTopicV2("T", "G"), "%RETRY%G+T");
});
