import { assertEquals, assertRejects } from "@std/assert";
import type { Message } from "../../../src/message/message.ts";
import { messageWriter } from "../../../src/producer/message_writer.ts";
import type { SendResult } from "../../../src/producer/send_result.ts";

const result = (messageId: string): SendResult => ({
  status: "SEND_OK",
  messageId,
  offsetMessageId: "",
  queue: { topic: "T", brokerName: "a", queueId: 0 },
  queueOffset: 0,
  transactionId: undefined,
  regionId: "DefaultRegion",
  traceOn: true,
  recallHandle: undefined,
});
const message = (body: string): Message => ({ topic: "T", body });

/** A send that ends when the test says so. */
function heldSends() {
  const held: { body: string; signal: AbortSignal | undefined; store(): void; fail(error: Error): void }[] =
    [];
  const send = (sent: Message, { signal }: { signal?: AbortSignal | undefined }): Promise<SendResult> =>
    new Promise((resolve, reject) => {
      const body = String(sent.body);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      held.push({ body, signal, store: () => resolve(result(body)), fail: reject });
    });
  return { held, send };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("at most maxInFlight sends are under way, and write() waits for a place", async () => {
  const { held, send } = heldSends();
  const writer = messageWriter(send, { maxInFlight: 2 }).getWriter();
  const writes = ["1", "2", "3"].map((body) => writer.write(message(body)));
  await turn();
  assertEquals(held.map(({ body }) => body), ["1", "2"]);
  held[1]!.store();
  await writes[2];
  assertEquals(held.map(({ body }) => body), ["1", "2", "3"]);
  for (const each of held) each.store();
  await writer.close();
});

Deno.test("close() resolves when all are stored", async () => {
  const { held, send } = heldSends();
  const stored: string[] = [];
  const onSent = ({ messageId }: SendResult): void => void stored.push(messageId);
  const writer = messageWriter(send, { maxInFlight: 4, onSent }).getWriter();
  for (const body of ["1", "2"]) await writer.write(message(body));
  let closed = false;
  const closing = writer.close().then(() => closed = true);
  await turn();
  assertEquals(closed, false);
  held[1]!.store();
  held[0]!.store();
  await closing;
  assertEquals(stored, ["2", "1"]);
});

Deno.test("the first message that cannot be sent errors the stream", async () => {
  const { held, send } = heldSends();
  const writer = messageWriter(send, { maxInFlight: 4 }).getWriter();
  const closed = assertRejects(() => writer.closed, Error, "no broker");
  await writer.write(message("1"));
  await turn();
  held[0]!.fail(new Error("no broker"));
  await closed;
  await assertRejects(() => writer.write(message("2")), Error, "no broker");
});

Deno.test("a failure after close() was called rejects the close", async () => {
  const { held, send } = heldSends();
  const writer = messageWriter(send, { maxInFlight: 4 }).getWriter();
  await writer.write(message("1"));
  const closing = assertRejects(() => writer.close(), Error, "no broker");
  const closed = assertRejects(() => writer.closed, Error, "no broker");
  await turn();
  held[0]!.fail(new Error("no broker"));
  await closing;
  await closed;
});

Deno.test("an abort ends the sends under way", async () => {
  const { held, send } = heldSends();
  const writer = messageWriter(send, {}).getWriter();
  const closed = assertRejects(() => writer.closed, Error, "enough");
  await writer.write(message("1"));
  await turn();
  await writer.abort(new Error("enough"));
  assertEquals(held[0]!.signal!.aborted, true);
  await closed;
});
