import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BrokerError, NameServerError } from "../../../src/core/errors.ts";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { ConnectionPool } from "../../../src/remoting/pool.ts";
import { NameServers, type NameServersOptions } from "../../../src/routing/name_servers.ts";
import { echo, echoing, OPTIONS } from "../remoting/channel_support.ts";
import { inTestWorld, type TestWorld } from "../remoting/scripted_server.ts";

const A = "10.1.0.1:9876";
const B = "10.1.0.2:9876";
const HEADER = { text: "t" };
const starting: RequestHandler = () => ({ code: 1, remark: "name server not ready" });

async function withNameServers(
  world: TestWorld,
  options: Partial<NameServersOptions>,
  body: (servers: NameServers, pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  const { clock, random, network } = world;
  const backoff = { baseMs: 1, maxMs: 1 };
  const pool = new ConnectionPool({ clock, random, connect: network.connect, backoff });
  try {
    await body(new NameServers({ namesrvAddr: [A, B], pool, clock, random, ...options }), pool);
  } finally {
    await pool.close();
  }
}

Deno.test("name servers: one is chosen and kept", async () => {
  await inTestWorld(async (world) => {
    const servers = [await world.server(A, echoing), await world.server(B, echoing)];
    await withNameServers(world, {}, async (names) => {
      for (let i = 0; i < 5; i++) await names.call(echo, HEADER, OPTIONS);
      assertEquals(servers.map((server) => server.codes.length).sort(), [0, 5]);
      assertEquals([...names.addresses].sort(), [A, B]);
    });
  });
});

Deno.test("name servers: a server that is gone, silent or starting is failed over within the call, and left", async () => {
  for (const trouble of ["gone", "silent", "starting"]) {
    await inTestWorld(async (world) => {
      const servers = [await world.server(A, echoing), await world.server(B, echoing)];
      const told: string[] = [];
      const onFailover = (from: string, to: string, error: Error): void => {
        told.push(`${from} ${to} ${error.name}`);
      };
      await withNameServers(world, { onFailover }, async (names) => {
        await names.call(echo, HEADER, OPTIONS);
        const chosen = servers.find((server) => server.codes.length === 1)!;
        const other = servers.find((server) => server !== chosen)!;
        if (trouble === "gone") await chosen.close();
        else chosen.script = trouble === "silent" ? () => undefined : starting;
        const calls = [1, 2].map(() => names.call(echo, HEADER, OPTIONS));
        await world.clock.runUntil(Promise.all(calls));
        const asked = chosen.codes.length;
        await names.call(echo, HEADER, OPTIONS);
        assertEquals([chosen.codes.length, other.codes.length], [asked, 3]);
        const names_ = { gone: "NetworkError", silent: "TimeoutError", starting: "BrokerError" };
        const name = names_[trouble as keyof typeof names_];
        assertEquals(told, [`${chosen.address} ${other.address} ${name}`]);
      });
    });
  }
});

Deno.test("name servers: when none serves the error names each with its failure", async () => {
  await inTestWorld(async (world) => {
    await world.server(A, starting);
    await withNameServers(world, {}, async (names) => {
      const error = await assertRejects(() => names.call(echo, HEADER, OPTIONS), NameServerError);
      assertStringIncludes(error.message, "Cannot call ECHO at any name server: ");
      assertStringIncludes(
        error.message,
        `${A} (Cannot call ECHO at ${A}: answer is SYSTEM_ERROR (1): name server`,
      );
      assertStringIncludes(error.message, `${B} (`);
      assertEquals(error.facts.attempts, 2);
      assert(error.retriable);
    });
  });
});

Deno.test("name servers: another code is an answer, no other server is asked", async () => {
  await inTestWorld(async (world) => {
    const refusing: RequestHandler = () => ({ code: 16, remark: "no" });
    const servers = [await world.server(A, refusing), await world.server(B, refusing)];
    await withNameServers(world, {}, async (names) => {
      await assertRejects(() => names.call(echo, HEADER, OPTIONS), BrokerError, "NO_PERMISSION");
      assertEquals(servers.map((server) => server.codes.length).sort(), [0, 1]);
    });
  });
});

Deno.test("name servers: the list of an address server is fetched when needed, and those that left it are closed", async () => {
  await inTestWorld(async (world) => {
    await world.server(A, echoing);
    await world.server(B, echoing);
    let list = `${A}\n`;
    let fetches = 0;
    const fetch = (): Promise<Response> => {
      fetches++;
      return Promise.resolve(new Response(list));
    };
    await withNameServers(world, { namesrvAddr: "http://x/y", fetch }, async (names, pool) => {
      await Promise.all([1, 2].map(() => names.call(echo, HEADER, OPTIONS)));
      assertEquals([fetches, names.addresses, names.isDynamic], [1, [A], true]);
      list = `${B}\n`;
      await names.reload();
      assertEquals([names.addresses, pool.openAddresses()], [[B], []]);
      await names.call(echo, HEADER, OPTIONS);
      assertEquals(pool.openAddresses(), [B]);
      list = "junk";
      await assertRejects(() => names.reload(), NameServerError);
      assertEquals(names.addresses, [B]);
    });
  });
});
