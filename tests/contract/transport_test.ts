/** The transport contract on Deno: its own transport, and the memory network with and without delay and splitting. */
import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/core/random.ts";
import { systemClock } from "../../src/time/clock.ts";
import * as deno from "../../src/transport/deno.ts";
import { createMemoryNetwork } from "../../src/transport/memory.ts";
import { runTransportCase, type Transport, transportCases } from "./transport_contract.ts";

/** Deno's TLS streams finish an interrupted handshake in the background: the socket stays until the peer speaks or leaves. */
const NOT_ON_DENO = ["an abort during the TLS handshake leaves nothing open"];

/** `insecureSkipVerify` and client certificates go by another way on Deno: node:tls. Here everything that dials does. */
const byNodeTls: Transport = {
  listen: deno.listen,
  connect(address, options = {}) {
    const tls = options.tls && { ...options.tls, insecureSkipVerify: true };
    return deno.connect(address, tls ? { ...options, tls } : options);
  },
};

for (const test of transportCases) {
  Deno.test({
    name: `deno: ${test.name}`,
    ignore: NOT_ON_DENO.includes(test.name),
    fn: () => runTransportCase(test, deno),
  });
  if (test.tls && !test.refuses) {
    Deno.test(`deno by node:tls: ${test.name}`, () => runTransportCase(test, byNodeTls));
  }
  if (!test.realSockets) {
    Deno.test(`memory: ${test.name}`, () => runTransportCase(test, memory()));
    Deno.test(`memory, late and split: ${test.name}`, () => runTransportCase(test, memory(2, true)));
  }
}

Deno.test("every exempted case exists", () => {
  assertEquals(transportCases.filter(({ name }) => NOT_ON_DENO.includes(name)).length, NOT_ON_DENO.length);
});

function memory(latencyMs = 0, splitChunks = false): Transport {
  const network = createMemoryNetwork({ clock: systemClock, random: seededRandom(1) });
  network.latencyMs = latencyMs;
  network.splitChunks = splitChunks;
  return network;
}
