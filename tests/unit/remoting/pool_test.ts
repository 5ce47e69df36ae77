import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BrokerError, NetworkError, TimeoutError } from "../../../src/core/errors.ts";
import { ConnectionPool, type PoolOptions } from "../../../src/remoting/pool.ts";
import type { Connect } from "../../../src/transport/seam.ts";
import { echo, echoing, OPTIONS } from "./channel_support.ts";
import { inTestWorld, type TestWorld } from "./scripted_server.ts";

const ADDRESS = "10.0.0.2:10911";
const HEADER = { text: "hello" };

async function withPool(
  world: TestWorld,
  options: Partial<PoolOptions>,
  body: (pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  const { clock, random, network } = world;
  const pool = new ConnectionPool({ clock, random, connect: network.connect, ...options });
  try {
    await body(pool);
  } finally {
    await pool.close();
  }
}

/** Connects as told, and counts. */
function counted(world: TestWorld, override?: Connect): { connect: Connect; count(): number } {
  let count = 0;
  const connect: Connect = (address, options) => {
    count++;
    return (override ?? world.network.connect)(address, options);
  };
  return { connect, count: () => count };
}

Deno.test("pool: calls to one address share one dial and one connection", async () => {
  await inTestWorld(async (world) => {
    const server = await world.server(ADDRESS, echoing);
    const { connect, count } = counted(world);
    await withPool(world, { connect }, async (pool) => {
      const calls = [1, 2, 3].map(() => pool.call(ADDRESS, echo, HEADER, OPTIONS));
      for (const reply of await Promise.all(calls)) assertEquals(reply.header.text, "hello");
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      assertEquals([count(), server.accepted], [1, 1]);
      assertEquals(pool.openAddresses(), [ADDRESS]);
    });
  });
});

Deno.test("pool: a connection that broke is dialled again by the next call, and both are told", async () => {
  await inTestWorld(async (world) => {
    const server = await world.server(ADDRESS, echoing);
    const events: string[] = [];
    await withPool(world, {
      onConnected: (address) => events.push(`+${address}`),
      onDisconnected: (address, error) => events.push(`-${address} ${error?.name}`),
    }, async (pool) => {
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      for (const channel of server.channels) channel.close();
      await world.clock.settle();
      assertEquals(pool.openAddresses(), []);
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      assertEquals(events, [`+${ADDRESS}`, `-${ADDRESS} NetworkError`, `+${ADDRESS}`]);
    });
    assertEquals(events.at(-1), `-${ADDRESS} undefined`);
  });
});

Deno.test("pool: a call during the pause after a failed dial waits for its end and then dials", async () => {
  await inTestWorld(async (world) => {
    const { connect, count } = counted(world);
    const failed: string[] = [];
    const backoff = { baseMs: 1000, maxMs: 1000 };
    await withPool(
      world,
      { connect, backoff, onConnectFailed: (address) => failed.push(address) },
      async (pool) => {
        await assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), NetworkError);
        assertEquals(failed, [ADDRESS]);
        await world.server(ADDRESS, echoing);
        const call = pool.call(ADDRESS, echo, HEADER, OPTIONS);
        await world.clock.advance(400);
        assertEquals(count(), 1);
        await world.clock.advance(600);
        assertEquals((await call).header.text, "hello");
        assertEquals(count(), 2);
      },
    );
  });
});

Deno.test("pool: a call whose deadline ends in the pause names the last failure", async () => {
  await inTestWorld(async (world) => {
    await withPool(world, { backoff: { baseMs: 5000, maxMs: 5000 } }, async (pool) => {
      const first = await assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), NetworkError);
      const call = assertRejects(() => pool.call(ADDRESS, echo, HEADER, { timeoutMs: 100 }), NetworkError);
      await world.clock.advance(100);
      const error = await call;
      assertStringIncludes(
        error.message,
        `Cannot call ECHO at ${ADDRESS}: not connected within 100 ms; last failure: ${first.message}`,
      );
    });
  });
});

Deno.test("pool: pauses grow while dials fail, and after the end of one a call dials at once", async () => {
  await inTestWorld(async (world) => {
    const { connect, count } = counted(world);
    await withPool(world, { connect, backoff: { baseMs: 100, maxMs: 10_000 } }, async (pool) => {
      const failedAt: number[] = [];
      for (let i = 0; i < 5; i++) {
        const call = assertRejects(
          () => pool.call(ADDRESS, echo, HEADER, { timeoutMs: 60_000 }),
          NetworkError,
        );
        await world.clock.runUntil(call);
        failedAt.push(world.clock.now());
      }
      const pauses = failedAt.slice(1).map((at, i) => at - failedAt[i]!);
      pauses.forEach((pause, i) => {
        const ceiling = 100 * 2 ** i;
        assert(pause >= ceiling / 2 && pause <= ceiling, `pause ${i} is ${pause} ms`);
      });
      await world.server(ADDRESS, echoing);
      await world.clock.advance(10_000);
      const before = count();
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      assertEquals(count(), before + 1);
    });
  });
});

Deno.test("pool: a peer that hangs up without ever answering is paused for like one that cannot be reached", async () => {
  await inTestWorld(async (world) => {
    const { connect, count } = counted(world);
    const server = await world.server(ADDRESS, ({ channel }) => {
      channel.close();
      return undefined;
    });
    await withPool(world, { connect, backoff: { baseMs: 1000, maxMs: 1000 } }, async (pool) => {
      await assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), NetworkError);
      server.script = echoing;
      const call = pool.call(ADDRESS, echo, HEADER, OPTIONS);
      await world.clock.advance(400);
      assertEquals(count(), 1);
      await world.clock.advance(600);
      assertEquals((await call).header.text, "hello");
    });
  });
});

Deno.test("pool: a dial that takes longer than the connect timeout fails and leaves nothing open", async () => {
  await inTestWorld(async (world) => {
    await world.server(ADDRESS, echoing);
    world.network.partition({ host: "10.0.0.2" });
    await withPool(world, { connectTimeoutMs: 3000 }, async (pool) => {
      const call = assertRejects(() => pool.call(ADDRESS, echo, HEADER, { timeoutMs: 9000 }), NetworkError);
      await world.clock.advance(3000);
      assertStringIncludes((await call).message, "no connection within 3000 ms");
    });
  });
});

Deno.test("pool: a caller that gives up does not disturb the dial that others wait for", async () => {
  await inTestWorld(async (world) => {
    await world.server(ADDRESS, echoing);
    world.network.partition({ host: "10.0.0.2" });
    await withPool(world, {}, async (pool) => {
      const stop = new AbortController();
      const impatient = pool.call(ADDRESS, echo, HEADER, { ...OPTIONS, signal: stop.signal });
      const patient = pool.call(ADDRESS, echo, HEADER, OPTIONS);
      stop.abort(new Error("never mind"));
      await assertRejects(() => impatient, Error, "never mind");
      world.network.mend({ host: "10.0.0.2" });
      assertEquals((await world.clock.runUntil(patient)).header.text, "hello");
    });
  });
});

Deno.test("pool: GO_AWAY is repeated once over a new connection; a second one is an error", async () => {
  await inTestWorld(async (world) => {
    let goAways = 1;
    const server = await world.server(
      ADDRESS,
      (request) => goAways-- > 0 ? { code: 1500 } : echoing(request),
    );
    await withPool(world, {}, async (pool) => {
      assertEquals((await pool.call(ADDRESS, echo, HEADER, OPTIONS)).header.text, "hello");
      assertEquals(server.accepted, 2);
      await world.clock.settle();
      assertEquals(server.channels.size, 1);
      goAways = 2;
      const error = await assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), BrokerError);
      assertEquals(error.facts.responseCode, 1500);
      goAways = 0;
      assertEquals((await pool.call(ADDRESS, echo, HEADER, OPTIONS)).header.text, "hello");
    });
  });
});

Deno.test("pool: what a connection that is going away still owes is delivered", async () => {
  await inTestWorld(async (world) => {
    const held = Promise.withResolvers<void>();
    let first = true;
    await world.server(ADDRESS, async (request) => {
      if (request.command.extFields!.text === "slow") await held.promise;
      else if (first) {
        first = false;
        return { code: 1500 };
      }
      return await echoing(request);
    });
    await withPool(world, {}, async (pool) => {
      const slow = pool.call(ADDRESS, echo, { text: "slow" }, OPTIONS);
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      held.resolve();
      assertEquals((await slow).header.text, "slow");
    });
  });
});

Deno.test("pool: closeIdle closes what had no traffic for the idle time and waits for nothing", async () => {
  await inTestWorld(async (world) => {
    let answer = true;
    await world.server(ADDRESS, (request) => answer ? echoing(request) : undefined);
    await withPool(world, { idleCloseMs: 120_000 }, async (pool) => {
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      await world.clock.advance(119_999);
      pool.closeIdle();
      assertEquals(pool.openAddresses(), [ADDRESS]);
      answer = false;
      const pending = assertRejects(() => pool.call(ADDRESS, echo, HEADER, { timeoutMs: 300_000 }));
      await world.clock.advance(200_000);
      pool.closeIdle();
      assertEquals(pool.openAddresses(), [ADDRESS]);
      await world.clock.advance(100_000);
      await pending;
      pool.closeIdle();
      assertEquals(pool.openAddresses(), []);
    });
  });
});

Deno.test("pool: a one-way request connects if need be, and leaves before the pool closes", async () => {
  await inTestWorld(async (world) => {
    const server = await world.server(ADDRESS, echoing);
    await withPool(world, {}, async (pool) => {
      await pool.oneway(ADDRESS, echo, { text: "one" });
      await pool.oneway(ADDRESS, echo, { text: "two" });
    });
    await world.clock.settle();
    assertEquals(server.requests.map(({ command }) => command.extFields!.text), ["one", "two"]);
  });
});

Deno.test("pool: closing fails pending calls and dials, and refuses later calls", async () => {
  await inTestWorld(async (world) => {
    await world.server(ADDRESS, () => undefined);
    await world.server("10.0.0.3:10911", () => undefined);
    world.network.partition({ host: "10.0.0.3" });
    await withPool(world, {}, async (pool) => {
      const pending = assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), NetworkError);
      const dialling = assertRejects(() => pool.call("10.0.0.3:10911", echo, HEADER, OPTIONS), NetworkError);
      await world.clock.settle();
      await pool.close();
      await Promise.all([pending, dialling]);
      await assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), NetworkError, "shut down");
    });
    world.network.mend({ host: "10.0.0.3" });
  });
});

Deno.test("pool: a connection on which nothing comes while a call times out is closed, and dialled again", async () => {
  await inTestWorld(async (world) => {
    const server = await world.server(ADDRESS, () => undefined);
    const ended: (string | undefined)[] = [];
    await withPool(world, { onDisconnected: (_, error) => ended.push(error?.message) }, async (pool) => {
      const call = assertRejects(() => pool.call(ADDRESS, echo, HEADER, OPTIONS), TimeoutError);
      await world.clock.advance(3000);
      await call;
      assertEquals(ended, [`Cannot keep the connection to ${ADDRESS}: nothing came for 3000 ms`]);
      server.script = echoing;
      await world.clock.runUntil(pool.call(ADDRESS, echo, HEADER, OPTIONS));
      assertEquals(server.accepted, 2);
    });
  });
});

Deno.test("pool: a call that times out leaves a connection alone on which other answers come", async () => {
  await inTestWorld(async (world) => {
    const server = await world.server(
      ADDRESS,
      (request) => request.command.extFields!.text === "slow" ? undefined : echoing(request),
    );
    await withPool(world, {}, async (pool) => {
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      const slow = assertRejects(() => pool.call(ADDRESS, echo, { text: "slow" }, OPTIONS), TimeoutError);
      await world.clock.advance(1000);
      await pool.call(ADDRESS, echo, HEADER, OPTIONS);
      await world.clock.advance(2000);
      await slow;
      const brief = assertRejects(
        () => pool.call(ADDRESS, echo, { text: "slow" }, { timeoutMs: 50 }),
        TimeoutError,
      );
      await world.clock.advance(50);
      await brief;
      assertEquals([server.accepted, pool.openAddresses()], [1, [ADDRESS]]);
    });
  });
});
