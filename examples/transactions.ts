/**
 * Sends a message together with a local transaction: consumers see it only if that commits. The broker asks about a transaction whose
 * outcome it was not told, after a crash for instance.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/transactions.ts
 */
import { createProducer } from "@contrail/rocketmq";

const booked = new Set<string>();
const producer = createProducer({
  producerGroup: "example-transactions",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  transactionListener: {
    check: ({ keys }) => booked.has(keys[0] ?? "") ? "COMMIT_MESSAGE" : "ROLLBACK_MESSAGE",
  },
});
await producer.start();
try {
  for (const id of ["1", "2"]) {
    const message = { topic: "orders", tag: "booked", keys: id, body: JSON.stringify({ id, amount: 50 }) };
    const { transactionState } = await producer.sendInTransaction(message, () => {
      // The half message is stored; now book it, or not.
      if (id === "2") return "ROLLBACK_MESSAGE";
      booked.add(id);
      return "COMMIT_MESSAGE";
    });
    console.log(`order ${id}: ${transactionState}`);
  }
} finally {
  await producer.shutdown();
}
