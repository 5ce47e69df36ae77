import type { OperationName } from "../../../src/protocol/operations.ts";
import type { FaultTarget } from "../../../src/testing/mod.ts";
import { assertEquals, assertRejects } from "@std/assert";
import { NetworkError } from "../../../src/core/errors.ts";
import { stage } from "./bench_client.ts";

/** `true` only when both unions hold the same names. */
type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

Deno.test("a fault can be ordered for every operation of the table", () => {
  const same: Same<OperationName, FaultTarget> = true;
  assertEquals(same, true);
});

Deno.test("a request can be lost, its answer can be lost, and its connection can break", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  scene.cluster.once("sendMessageV2", "drop");
  scene.cluster.once("sendMessageV2", "dropReply");
  const lost = [client.send("T", 0, "lost"), client.send("T", 0, "stored")];
  const outcomes = Promise.allSettled(lost);
  await scene.clock.advance(60_000);
  assertEquals((await outcomes).map((each) => each.status), ["rejected", "rejected"]);
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["stored"]);
  scene.cluster.once("sendMessageV2", "disconnect");
  await assertRejects(() => client.send("T", 0, "cut"), NetworkError);
  assertEquals(client.channel.isClosed, true);
  await scene.stop();
});

Deno.test("a fault may be for one broker, for some fields only, or decide by itself", async () => {
  const scene = await stage({ topics: { T: 2 } });
  const client = await scene.dial();
  const elsewhere = scene.cluster.once("sendMessageV2", 2, { at: "broker-b" });
  scene.cluster.once("sendMessageV2", 2, { when: (fields) => fields["e"] === "1", times: 2 });
  const codes: number[] = [];
  for (const queueId of [0, 1, 1, 1]) codes.push((await client.send("T", queueId, "x")).code);
  assertEquals(codes, [0, 2, 2, 0]);
  assertEquals(elsewhere.hits, 0);
  scene.cluster.once("sendMessageV2", async (_request, proceed) => ({ ...(await proceed())!, code: 10 }));
  assertEquals((await client.send("T", 0, "x")).code, 10);
  const silent = scene.cluster.once("notifyConsumerIdsChanged", "drop");
  await client.heartbeat("c", "CG", { T: "*" });
  assertEquals([silent.hits, client.received.length], [1, 0]);
  await scene.stop();
});
