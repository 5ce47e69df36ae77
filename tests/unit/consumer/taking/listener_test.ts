import { assertEquals, assertThrows } from "@std/assert";
import { createMessageListener, type MessageListener } from "../../../../mod.ts";
import { ConfigError } from "../../../../src/core/errors.ts";
import { checkListener, listenerProblem } from "../../../../src/consumer/taking/listener.ts";

Deno.test("createMessageListener makes the object that the ordering calls, and refuses what is no function", () => {
  const seen: unknown[] = [];
  const concurrent = createMessageListener((messages) => {
    seen.push(messages.length);
    return "RECONSUME_LATER";
  });
  assertEquals(concurrent.consumeMessageConcurrently([], {} as never), "RECONSUME_LATER");
  const orderly = createMessageListener((messages, { autoCommit }) => {
    seen.push(autoCommit, messages.length);
    return "SUSPEND_CURRENT_QUEUE_A_MOMENT";
  }, "orderly");
  assertEquals(
    orderly.consumeMessageOrderly([], { autoCommit: true } as never),
    "SUSPEND_CURRENT_QUEUE_A_MOMENT",
  );
  assertEquals(seen, [0, true, 0]);
  assertEquals([listenerProblem(concurrent, false), listenerProblem(orderly, true)], [undefined, undefined]);
  assertThrows(
    () => createMessageListener({} as never),
    ConfigError,
    "the handler is object, not a function",
  );
});

Deno.test("a listener object for the other ordering is refused, a function serves both", () => {
  const concurrent: MessageListener = { consumeMessageConcurrently: () => {} };
  assertThrows(() => checkListener(concurrent, true), ConfigError, "never calls");
  assertThrows(() => checkListener({ consumeMessageOrderly: () => {} }, false), ConfigError, "never calls");
  assertThrows(() => checkListener({}, false), ConfigError, "neither a function nor an object");
  checkListener(() => {}, true);
  checkListener(() => {}, false);
});
