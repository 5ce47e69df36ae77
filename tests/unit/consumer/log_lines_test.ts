/**
 * What a consumer logs when things stay broken: that they are, not each try.
 */
import { assert, assertEquals } from "@std/assert";
import { createConsumer } from "../../../mod.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { stage } from "../testing/bench_client.ts";

const LONG_MS = 300_000;

Deno.test("name servers and a broker that stay away are told once, not at every try, and so is their return", async () => {
  const { cluster, clock, stop } = await stage({ nameServers: 2, topics: { T: 4 } });
  const lines: string[] = [];
  const told = (level: string) => (message: string): void => void lines.push(`${level} ${message}`);
  const consumer = createConsumer({ consumerGroup: "G", namesrvAddr: cluster.namesrvAddr }, {
    ...cluster.world,
    random: seededRandom(1),
    host: "10.0.0.1",
    logger: { debug: () => {}, info: told("info"), warn: told("warn"), error: told("error") },
  });
  consumer.subscribe("T", "*", () => {});
  await clock.runUntil(consumer.start());
  const atStart = lines.splice(0);
  assert(atStart.every((line) => line.startsWith("info ")), atStart.join("\n"));
  const failures = (): number => consumer.client.statistics().routeRefreshFailures;
  const before = failures();

  await clock.runUntil(Promise.all([cluster.stopNameServer(0), cluster.stopNameServer(1)]));
  await clock.advance(LONG_MS);
  assert(failures() >= before + 8);
  assertEquals(lines.splice(0).length, 1);

  await clock.runUntil(cluster.stopBroker("broker-a"));
  await clock.advance(LONG_MS);
  const brokerAway = lines.splice(0);
  assertEquals(new Set(brokerAway).size, brokerAway.length, "no line twice");
  assert(
    brokerAway.some((line) => line.includes('Disconnected from broker "broker-a"')),
    brokerAway.join("\n"),
  );
  const tried = consumer.statistics().pullFailures;
  await clock.advance(LONG_MS);
  assert(consumer.statistics().pullFailures > tried);
  assertEquals(lines, [], "once told it is known");

  await clock.runUntil(
    Promise.all([cluster.startNameServer(0), cluster.startNameServer(1), cluster.startBroker("broker-a")]),
  );
  await clock.advance(LONG_MS);
  assert(lines.some((line) => line.startsWith('info Connected to broker "broker-a"')), lines.join("\n"));
  await clock.runUntil(consumer.shutdown());
  await stop();
});
