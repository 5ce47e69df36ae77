import { assert, assertEquals, assertThrows } from "@std/assert";
import { createConsumer, type MessageSelector, sql, SubscriptionManager, tag } from "@contrail/rocketmq";
import {
  ConfigError,
  ConsumerStateError,
  InvalidSelectorError,
  InvalidTopicError,
  SubscriptionConflictError,
  SubscriptionDataError,
  SubscriptionError,
  SubscriptionLimitExceededError,
  TopicNotSubscribedError,
} from "../../../../src/core/errors.ts";
import { parseSubscription } from "../../../../src/protocol/subscription_data.ts";

function thrown(action: () => unknown): Error & { facts?: { position?: number } } {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("a subscription is kept with its selector, its times and what the broker is told", () => {
  let now = 1_000;
  const manager = new SubscriptionManager(10, { now: () => now, sleep: () => Promise.resolve() });
  const entry = manager.subscribe("orders", "paid || refunded");
  assertEquals(entry.selector, { type: "TAG", expression: "paid || refunded" });
  assertEquals([...entry.data.tagsSet], ["paid", "refunded"]);
  now = 2_000;
  const updated = manager.updateSelector("orders", sql("amount > 1"));
  assertEquals([updated.active, updated.subscribedAt, updated.updatedAt], [true, 1_000, 2_000]);
  assertEquals(updated.data.expressionType, "SQL92");
  assertEquals(manager.getSubscription("orders"), updated);
  assertEquals(manager.getAllSubscriptions(), [updated]);
  assertEquals(entry.selector.type, "TAG");
  manager.unsubscribe("orders");
  assertEquals([manager.count, manager.isSubscribed("orders"), manager.getSubscription("orders")], [
    0,
    false,
    undefined,
  ]);
});

Deno.test("the same selector again changes nothing, another one is a SubscriptionConflictError", () => {
  const manager = new SubscriptionManager();
  const first = manager.subscribe("orders", "a || b");
  assertEquals(manager.subscribe("orders", tag("b||a")), first);
  assertEquals(manager.count, 1);
  const error = thrown(() => manager.subscribe("orders", "a"));
  assert(error instanceof SubscriptionConflictError && error instanceof SubscriptionError);
  assert(error.message.includes('TAG "a || b"') && error.message.includes('TAG "a"'), error.message);
});

Deno.test("an inactive subscription is remembered and not subscribed", () => {
  const manager = new SubscriptionManager();
  manager.subscribe("orders", "a");
  assertEquals(manager.deactivate("orders").active, false);
  assertEquals([manager.isSubscribed("orders"), manager.count], [false, 1]);
  assertEquals(manager.deactivate("orders"), manager.getSubscription("orders"));
  assertEquals(manager.updateSelector("orders", "b").active, false);
  assertEquals(manager.activate("orders").selector.expression, "b");
  assertEquals(manager.isSubscribed("orders"), true);
});

Deno.test("every call on a topic that is not subscribed is a TopicNotSubscribedError", () => {
  const manager = new SubscriptionManager();
  const calls: ((topic: string) => unknown)[] = [
    (topic) => manager.unsubscribe(topic),
    (topic) => manager.updateSelector(topic, "a"),
    (topic) => manager.activate(topic),
    (topic) => manager.deactivate(topic),
  ];
  for (const call of calls) assertThrows(() => call("orders"), TopicNotSubscribedError, '"orders"');
});

Deno.test("a topic or selector that no broker would take is refused, SQL92 with its position", () => {
  const manager = new SubscriptionManager();
  for (const call of [manager.subscribe, manager.validateSubscription]) {
    assertThrows(() => call.call(manager, "a b"), InvalidTopicError, "illegal character");
    assertThrows(() => call.call(manager, "orders", "||"), InvalidSelectorError);
    const error = thrown(() => call.call(manager, "orders", sql("a > 1 AND")));
    assert(error instanceof InvalidSelectorError);
    assertEquals(error.facts.position, "a > 1 AND".length);
  }
  assertEquals(manager.count, 0);
  manager.validateSubscription("orders", sql("a > 1"));
  assertEquals(manager.count, 0);
});

Deno.test("the limit holds for subscribe and import alike", () => {
  const manager = new SubscriptionManager(2);
  manager.subscribe("t1");
  manager.subscribe("t2");
  assertThrows(() => manager.subscribe("t3"), SubscriptionLimitExceededError, "the limit is 2");
  manager.deactivate("t1");
  assertThrows(() => manager.subscribe("t3"), SubscriptionLimitExceededError);
  const other = new SubscriptionManager();
  other.subscribe("t2");
  other.subscribe("t3");
  assertThrows(
    () => manager.importSubscriptions(other.exportSubscriptions()),
    SubscriptionLimitExceededError,
  );
  assertEquals(manager.getAllSubscriptions().map(({ topic }) => topic), ["t1", "t2"]);
  for (const max of [0, -1, 1.5, NaN]) assertThrows(() => new SubscriptionManager(max), ConfigError);
});

Deno.test("an export comes back by way of JSON, inactive ones as inactive", () => {
  const manager = new SubscriptionManager();
  manager.subscribe("orders", "a || b");
  manager.subscribe("prices", sql("region = 'eu'"));
  manager.deactivate("prices");
  const text = JSON.stringify(manager.exportSubscriptions());
  const copy = new SubscriptionManager();
  assertEquals(copy.importSubscriptions(text), 2);
  assertEquals(copy.exportSubscriptions(), manager.exportSubscriptions());
  assertEquals(copy.isSubscribed("prices"), false);
  assertEquals(copy.importSubscriptions(manager.exportSubscriptions()), 0);
});

Deno.test("an import that conflicts is refused as a whole, replaces or keeps, as it is told", () => {
  const theirs = new SubscriptionManager();
  theirs.subscribe("new");
  theirs.subscribe("orders", "b");
  const data = theirs.exportSubscriptions();
  const expressions = (manager: SubscriptionManager): string[] =>
    manager.getAllSubscriptions().map(({ topic, selector }) => `${topic} ${selector.expression}`);
  const mine = (): SubscriptionManager => {
    const manager = new SubscriptionManager();
    manager.subscribe("orders", "a");
    return manager;
  };
  const refusing = mine();
  assertThrows(() => refusing.importSubscriptions(data), SubscriptionConflictError, '"orders"');
  assertEquals(expressions(refusing), ["orders a"]);
  const replacing = mine();
  assertEquals(replacing.importSubscriptions(data, { onConflict: "replace" }), 2);
  assertEquals(expressions(replacing), ["orders b", "new *"]);
  const keeping = mine();
  assertEquals(keeping.importSubscriptions(data, { onConflict: "keep" }), 1);
  assertEquals(expressions(keeping), ["orders a", "new *"]);
});

Deno.test("what is no export is a SubscriptionDataError that says where, and changes nothing", () => {
  const manager = new SubscriptionManager();
  const good = { topic: "t", type: "TAG", expression: "*", active: true };
  const rows: [unknown, string][] = [
    ["{", "JSON"],
    ["null", "format"],
    [{ format: 2, subscriptions: [] }, "format"],
    [{ format: 1 }, "subscriptions is not a list"],
    [{ format: 1, subscriptions: [good, null] }, "subscriptions[1].topic"],
    [{ format: 1, subscriptions: [{ ...good, type: "XPATH" }] }, "subscriptions[0].type"],
    [{ format: 1, subscriptions: [{ ...good, expression: 1 }] }, "subscriptions[0].expression"],
    [{ format: 1, subscriptions: [{ ...good, active: "yes" }] }, "subscriptions[0].active"],
    [{ format: 1, subscriptions: [good, good] }, "twice"],
  ];
  for (const [data, text] of rows) {
    assertThrows(() => manager.importSubscriptions(data as string), SubscriptionDataError, text);
  }
  assertThrows(
    () => manager.importSubscriptions({ format: 1, subscriptions: [{ ...good, type: "TAG", topic: "a b" }] }),
    InvalidTopicError,
  );
  assertEquals(manager.count, 0);
});

Deno.test("a member of the group that subscribes differently is named with each difference", () => {
  const manager = new SubscriptionManager();
  manager.subscribe("same", "a || b");
  manager.subscribe("differs", "a");
  manager.subscribe("mine");
  manager.subscribe("off");
  manager.deactivate("off");
  const data = (topic: string, expression: string) => parseSubscription(topic, expression, "TAG", 1);
  const theirs = [data("same", "b || a"), data("differs", "b"), data("theirs", "*"), data("%RETRY%g", "*")];
  const selector = (expression: string): MessageSelector => ({ type: "TAG", expression });
  assertEquals(manager.detectConflicts(theirs), [
    { topic: "differs", mine: selector("a"), theirs: selector("b") },
    { topic: "theirs", mine: undefined, theirs: selector("*") },
    { topic: "mine", mine: selector("*"), theirs: undefined },
  ]);
  const error = thrown(() => manager.checkAgreement("10.0.0.1@7", theirs));
  assert(error instanceof SubscriptionConflictError);
  for (const text of ["10.0.0.1@7", '"differs"', '"theirs"', '"mine"']) {
    assert(error.message.includes(text), error.message);
  }
  manager.checkAgreement(
    "itself",
    manager.getAllSubscriptions().filter((one) => one.active).map((one) => one.data),
  );
});

Deno.test("within a namespace what brokers report is compared under plain names, and another tenant's topic is a difference", () => {
  const manager = new SubscriptionManager();
  manager.subscribe("same", "a || b");
  manager.subscribe("differs", "a");
  const data = (topic: string, expression: string) => parseSubscription(topic, expression, "TAG", 1);
  const retry = data("%RETRY%shop%g", "*");
  const theirs = [data("shop%same", "b || a"), data("shop%differs", "b"), data("other%same", "*"), retry];
  const selector = (expression: string): MessageSelector => ({ type: "TAG", expression });
  assertEquals(manager.detectConflicts(theirs, { namespace: "shop" }), [
    { topic: "differs", mine: selector("a"), theirs: selector("b") },
    { topic: "other%same", mine: undefined, theirs: selector("*") },
  ]);
  manager.checkAgreement("alike", [data("shop%same", "a || b"), data("shop%differs", "a"), retry], {
    namespace: "shop",
  });
  assertThrows(
    () => manager.checkAgreement("m", theirs, { namespace: "shop" }),
    SubscriptionConflictError,
    '"differs"',
  );
});

Deno.test("attached to a consumer, every change is made there at once, and what it refuses is not recorded", () => {
  const consumer = createConsumer({ consumerGroup: "g", namesrvAddr: "127.0.0.1:9876" });
  const subscribed = (): string[] =>
    consumer.subscriptions().map(({ topic, selector }) => `${topic} ${selector.expression}`);
  const manager = new SubscriptionManager();
  manager.subscribe("orders", "a");
  manager.subscribe("off");
  manager.deactivate("off");
  manager.attach(consumer);
  assertEquals(subscribed(), ["orders a"]);
  assertThrows(() => manager.attach(consumer), ConsumerStateError, "attached already");
  manager.updateSelector("orders", "b");
  manager.activate("off");
  manager.subscribe("prices");
  assertEquals(subscribed(), ["orders b", "off *", "prices *"]);
  manager.deactivate("off");
  manager.unsubscribe("prices");
  assertEquals(subscribed(), ["orders b"]);
  manager.detach();
  manager.attach({
    subscribe(topic) {
      if (topic === "refused") throw new ConsumerStateError("not now");
    },
    unsubscribe() {},
  });
  assertThrows(() => manager.subscribe("refused"), ConsumerStateError, "not now");
  assertEquals(manager.getSubscription("refused"), undefined);
  manager.detach();
});

Deno.test("a question costs the same among 1,000 subscriptions as among 10, far below a millisecond", () => {
  const filled = (count: number): SubscriptionManager => {
    const manager = new SubscriptionManager(count);
    for (let at = 0; at < count; at++) manager.subscribe(`topic-${at}`, "a || b");
    return manager;
  };
  const cost = (manager: SubscriptionManager): number => {
    let best = Infinity;
    for (let round = 0; round < 7; round++) {
      const before = performance.now();
      for (let at = 0; at < 2_000; at++) {
        manager.isSubscribed("topic-7");
        manager.getSubscription("topic-9");
        manager.updateSelector("topic-3", at % 2 === 0 ? "a" : "b");
      }
      best = Math.min(best, performance.now() - before);
    }
    return best / 6_000;
  };
  const [few, many] = [filled(10), filled(1_000)];
  cost(few);
  const [fewMs, manyMs] = [cost(few), cost(many)];
  assert(manyMs < fewMs * 5 && manyMs < 0.1, `${fewMs} ms among 10, ${manyMs} ms among 1,000`);
  assertEquals(many.exportSubscriptions().subscriptions.length, 1_000);
});
