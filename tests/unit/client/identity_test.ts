import { assert, assertEquals, assertMatch } from "@std/assert";
import { clientIdOf, plainIp } from "../../../src/client/identity.ts";
import { seededRandom } from "../../../src/core/random.ts";

Deno.test("identity: ip, process and chance, then the unit", () => {
  const random = seededRandom(1);
  assertMatch(clientIdOf({ ip: "10.0.0.1", pid: 42 }, random), /^10\.0\.0\.1@42#\d+$/);
  assertMatch(clientIdOf({ ip: "10.0.0.1", pid: 42, unitName: "u" }, random), /^10\.0\.0\.1@42#\d+@u$/);
  assertEquals(clientIdOf({ ip: "10.0.0.1", instanceName: "one" }, random), "10.0.0.1@one");
  assertMatch(clientIdOf({ ip: "10.0.0.1", instanceName: "DEFAULT", pid: 42 }, random), /@42#\d+$/);
});

Deno.test("identity: the process is named without permission, and clients of one process differ", () => {
  const random = seededRandom(1);
  const ids = new Set(Array.from({ length: 100 }, () => clientIdOf({ ip: "::1" }, random)));
  assertEquals(ids.size, 100);
  for (const id of ids) assert(id.startsWith(`::1@${Deno.pid}#`), id);
});

Deno.test("identity: an IPv4 address in IPv6 clothes is shown plainly", () => {
  assertEquals(plainIp("::ffff:10.0.0.1"), "10.0.0.1");
  assertEquals(plainIp("::ffff:a00:1"), "::ffff:a00:1");
  assertEquals(plainIp("fe80::1"), "fe80::1");
});
