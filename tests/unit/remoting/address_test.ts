import { assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import { parseAddress } from "../../../src/remoting/address.ts";

Deno.test("address: the last colon separates host and port, brackets are optional around IPv6", () => {
  assertEquals(parseAddress("broker-a.local:10911"), { host: "broker-a.local", port: 10911 });
  assertEquals(parseAddress("[::1]:9876"), { host: "::1", port: 9876 });
  assertEquals(parseAddress("fe80::1:9876"), { host: "fe80::1", port: 9876 });
});

Deno.test("address: without a host or with a port outside 1 to 65535 it is refused with its value", () => {
  for (
    const text of ["", "host", ":9876", "host:", "host:0", "host:65536", "host:x", "a b:1", "http://h:1"]
  ) {
    assertThrows(() => parseAddress(text), ValidationError, `current value is "${text}"`);
  }
});
