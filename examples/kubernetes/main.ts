/**
 * A consumer as Kubernetes wants one: it says over HTTP whether it lives and is ready, shows its metrics, and SIGTERM drains it.
 *
 *   SIGTERM → stop pulling → wait for what is out → commit → leave the group → exit 0
 * `shutdownTimeoutMs` is below the pod's terminationGracePeriodSeconds, so that the drain ends before the pod is killed.
 */
import { createConsumer } from "@contrail/rocketmq";
import { serveAdmin } from "@contrail/rocketmq/admin";
import { openTelemetry } from "@contrail/rocketmq/otel";

const consumer = createConsumer({
  consumerGroup: "billing",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  shutdownTimeoutMs: 10_000,
}, { tracer: openTelemetry() });
consumer.subscribe("orders", "*", (message) => console.log(message.text()));

const stopped = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", () => void consumer.shutdown().finally(stopped.resolve));
await consumer.start();

// The kubelet and Prometheus ask by the pod's address; any other name is refused.
const podIp = Deno.env.get("POD_IP") ?? "127.0.0.1";
const admin = await serveAdmin({
  consumers: [consumer],
  hostname: "0.0.0.0",
  port: Number(Deno.env.get("PORT") ?? 8080),
  allowedHosts: [podIp],
});
console.log(`ready on ${admin.url}`);
await stopped.promise;
await admin.close();
