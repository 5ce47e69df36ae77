import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { assignPopHandles, type PoppedMessage } from "../../../src/protocol/pop.ts";

function message(
  topic: string,
  queueId: number,
  queueOffset: number,
  properties: Record<string, string> = {},
): PoppedMessage {
  return { topic, queueId, queueOffset, reconsumeTimes: 0, property: (name) => properties[name] };
}

const answer = { popTime: 1000, invisibleTime: 60000, reviveQid: 3 };
const question = { topic: "T", brokerName: "b" };
const handles = (...parameters: Parameters<typeof assignPopHandles>) =>
  assignPopHandles(...parameters).map(({ handle }) => handle);

Deno.test("the n-th message of a queue owns the n-th offset of that queue", () => {
  assertEquals(
    handles(
      { ...answer, startOffsetInfo: "0 0 5;1 0 7;0 1 2", msgOffsetInfo: "0 0 5,6;1 0 9;0 1 4" },
      [message("T", 0, 5), message("%RETRY%G_T", 0, 9), message("T", 1, 4), message("T", 0, 6)],
      question,
    ),
    [
      "5 1000 60000 3 0 b 0 5",
      "7 1000 60000 3 1 b 0 9",
      "2 1000 60000 3 0 b 1 4",
      "5 1000 60000 3 0 b 0 6",
    ],
  );
});

Deno.test("a handle that the broker made is kept", () => {
  const made = "7 1000 60000 3 1 b 0 9";
  assertEquals(
    handles(
      { ...answer, startOffsetInfo: "1 0 7", msgOffsetInfo: "1 0 9" },
      [message("T", 0, 9, { POP_CK: made })],
      question,
    ),
    [made],
  );
});

Deno.test("without starts, the first message of each queue is the start", () => {
  assertEquals(
    handles(answer, [message("T", 0, 5), message("T", 0, 6), message("T", 1, 8)], question),
    ["5 1000 60000 3 0 b 0 5", "5 1000 60000 3 0 b 0 6", "8 1000 60000 3 0 b 1 8"],
  );
});

Deno.test("an ordered pop tells how often a message came, by offset before by queue", () => {
  const assigned = assignPopHandles(
    {
      ...answer,
      reviveQid: 999,
      startOffsetInfo: "0 0 5",
      msgOffsetInfo: "0 0 5,6",
      orderCountInfo: "0 0 1;0 qo0%6 4",
    },
    [message("T", 0, 5), message("T", 0, 6)],
    { ...question, order: true },
  );
  assertEquals(assigned.map(({ reconsumeTimes }) => reconsumeTimes), [1, 4]);
});

Deno.test("a message of a light queue goes by that queue's offset", () => {
  const properties = { INNER_MULTI_DISPATCH: "%LMQ%x,%LMQ%y", INNER_MULTI_QUEUE_OFFSET: "3,40" };
  assertEquals(
    handles(
      { ...answer, startOffsetInfo: "0 0 40", msgOffsetInfo: "0 0 40" },
      [message("T", 2, 11, properties)],
      { ...question, topic: "%LMQ%y" },
    ),
    ["40 1000 60000 3 0 b 0 40"],
  );
});

Deno.test("an answer that lacks a message's offset is refused", () => {
  assertThrows(
    () =>
      handles(
        { ...answer, startOffsetInfo: "0 0 5", msgOffsetInfo: "0 0 5" },
        [message("T", 1, 5)],
        question,
      ),
    ProtocolError,
    "Cannot read pop answer: it lacks offset 5 of queue 0@1",
  );
});
