import { assertEquals, assertStrictEquals } from "@std/assert";
import * as bun from "../../../src/transport/bun.ts";
import * as deno from "../../../src/transport/deno.ts";
import { detectTransport } from "../../../src/transport/detect.ts";
import * as node from "../../../src/transport/node.ts";

Deno.test("on Deno its own transport is found", async () => {
  assertStrictEquals((await detectTransport()).connect, deno.connect);
  assertStrictEquals((await detectTransport()).listen, deno.listen);
});

Deno.test("Bun is found by its features, and Node's is what remains", async () => {
  await withGlobals({ Deno: undefined, Bun: { connect: () => {} } }, async () => {
    assertStrictEquals((await detectTransport()).connect, bun.connect);
  });
  await withGlobals({ Deno: undefined }, async () => {
    assertStrictEquals((await detectTransport()).connect, node.connect);
  });
});

Deno.test("every transport's file loads on a runtime that is not its own", () => {
  for (const { connect, listen } of [bun, deno, node]) {
    assertEquals([typeof connect, typeof listen], ["function", "function"]);
  }
});

/** Runs `use` with some globals replaced. */
async function withGlobals(globals: Record<string, unknown>, use: () => Promise<void>): Promise<void> {
  const before = Object.keys(globals).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    await use();
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  }
}
