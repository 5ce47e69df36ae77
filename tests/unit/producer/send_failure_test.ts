import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  BrokerError,
  BrokerNotAvailableError,
  NetworkError,
  TimeoutError,
  ValidationError,
} from "../../../src/core/errors.ts";
import {
  DEFAULT_RETRY_RESPONSE_CODES,
  isWorthRetrying,
  sendFailure,
} from "../../../src/producer/send_failure.ts";

const codes = new Set(DEFAULT_RETRY_RESPONSE_CODES);
const refusal = (responseCode: number, remark?: string) =>
  new BrokerError("Cannot call SEND_MESSAGE_V2", {
    responseCode,
    ...(remark === undefined ? {} : { remark }),
  });

Deno.test("a broker's refusal is tried elsewhere for Java's eight codes only", () => {
  const retried = Array.from({ length: 2100 }, (_, code) => code)
    .filter((code) => isWorthRetrying(refusal(code), codes));
  assertEquals(retried, [1, 2, 14, 16, 17, 204, 205, 1500]);
});

Deno.test("what kept a message from reaching a broker is always tried elsewhere", () => {
  for (const error of [new NetworkError("n"), new TimeoutError("t"), new BrokerNotAvailableError("b")]) {
    assertEquals(isWorthRetrying(error, codes), true, error.name);
  }
});

Deno.test("a message that breaks a rule, and a bug, are not tried again", () => {
  assertEquals(isWorthRetrying(new ValidationError("v"), codes), false);
  assertEquals(isWorthRetrying(new TypeError("bug"), codes), false);
});

Deno.test("the error tells each broker that was tried and what it said, and has the facts of the last", () => {
  const last = refusal(14, "disk full");
  const error = sendFailure("orders", [
    { broker: "broker-a", error: new NetworkError("Cannot connect to 10.0.0.1:10911: refused") },
    { broker: "broker-b", error: last },
  ], 3000);
  assertEquals(
    error.message,
    'Cannot send to topic "orders": 2 attempts within 3000 ms failed ' +
      "(broker-a: Cannot connect to 10.0.0.1:10911: refused; " +
      'broker-b: answered SERVICE_NOT_AVAILABLE (14) "disk full")',
  );
  assertEquals(error.cause, last);
  const { topic, broker, attempts, timeoutMs, responseCode, remark } = error.facts;
  assertEquals({ topic, broker, attempts, timeoutMs, responseCode, remark }, {
    topic: "orders",
    broker: "broker-b",
    attempts: 2,
    timeoutMs: 3000,
    responseCode: 14,
    remark: "disk full",
  });
});

Deno.test("one attempt is told in the singular", () => {
  const error = sendFailure("orders", [{ broker: "a", error: refusal(13) }], 50);
  assertStringIncludes(error.message, "1 attempt within 50 ms failed (a: answered MESSAGE_ILLEGAL (13))");
});
