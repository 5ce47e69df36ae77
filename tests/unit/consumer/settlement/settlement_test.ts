/**
 * A message that is sent back stays with its member until the broker has confirmed that.
 */
import { assertEquals } from "@std/assert";
import { ResponseCode } from "../../../../src/protocol/response_codes.ts";
import { scene } from "../pop/pop_scene.ts";

/** A consumer that pulls and stores its progress every half second; its first delivery fails. */
async function failingOnce() {
  const t = await scene();
  let calls = 0;
  await t.send(1);
  return {
    t,
    calls: () => calls,
    offset: () => t.cluster.inspect.progress("G", "T")[0]!.offset ?? 0,
    join: () =>
      t.join({
        messageRequestMode: undefined,
        persistIntervalMs: 500,
        listener: () => {
          if (++calls === 1) throw new Error("not this time");
        },
      }),
  };
}

Deno.test("no offset is stored past a message that its broker has not taken back yet", async () => {
  const { t, join, offset } = await failingOnce();
  t.cluster.once("consumerSendMsgBack", { delayMs: 3_000 });
  await join();
  await t.pass(2_000);
  assertEquals(offset(), 0);
  await t.pass(3_000);
  assertEquals(offset(), 1);
  await t.stop();
});

Deno.test("a message that no broker takes back is delivered again from here, and not stored as done before", async () => {
  const { t, join, calls, offset } = await failingOnce();
  t.cluster.once("consumerSendMsgBack", ResponseCode.SYSTEM_ERROR);
  t.cluster.once("sendMessageV2", ResponseCode.SYSTEM_ERROR, { times: 10 });
  await join();
  await t.pass(4_000);
  assertEquals([calls(), offset()], [1, 0]);
  await t.pass(4_000);
  assertEquals([calls(), offset()], [2, 1]);
  await t.stop();
});
