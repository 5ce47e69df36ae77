import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { NetworkError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory.ts";
import type { Duplex } from "../../../src/transport/seam.ts";

const SERVER = { host: "10.0.0.1", port: 9876 };

interface World {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly accepted: Duplex[];
}

async function world(seed = 1): Promise<World> {
  const clock = new ManualClock();
  const network = createMemoryNetwork({ clock, random: seededRandom(seed) });
  const accepted: Duplex[] = [];
  await network.listen(SERVER, { onDuplex: (duplex) => accepted.push(duplex) });
  return { clock, network, accepted };
}

/** Collects what arrives, and says how it ended. */
function collect(duplex: Duplex): { sizes: number[]; text(): string; ended: Promise<unknown> } {
  const sizes: number[] = [];
  let text = "";
  const read = async (): Promise<void> => {
    for await (const chunk of duplex.readable) {
      sizes.push(chunk.byteLength);
      text += new TextDecoder().decode(chunk);
    }
  };
  return { sizes, text: () => text, ended: read().catch((error: unknown) => error) };
}

function write(duplex: Duplex, text: string): Promise<void> {
  const writer = duplex.writable.getWriter();
  const written = writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
  return written;
}

Deno.test("without latency bytes arrive although the clock stands still", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  const got = collect(accepted[0]!);
  await write(client, "now");
  await clock.settle();
  assertEquals(got.text(), "now");
});

Deno.test("with latency, dialling and bytes take that long on the clock, and no longer", async () => {
  const { clock, network, accepted } = await world();
  network.latencyMs = 10;
  const dialling = network.connect(SERVER);
  await clock.advance(9);
  assertEquals(accepted.length, 0);
  await clock.advance(1);
  const client = await dialling;
  const got = collect(accepted[0]!);
  await write(client, "late");
  await clock.advance(9);
  assertEquals(got.text(), "");
  await clock.advance(1);
  assertEquals(got.text(), "late");
});

Deno.test("order is kept when the latency shrinks between two writes", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  const got = collect(accepted[0]!);
  network.latencyMs = 50;
  await write(client, "first ");
  network.latencyMs = 1;
  await write(client, "second");
  await clock.advance(10);
  assertEquals(got.text(), "");
  await clock.advance(40);
  assertEquals(got.text(), "first second");
});

Deno.test("one seed splits chunks alike, another one otherwise, and no byte is lost", async () => {
  const sizesOf = async (seed: number): Promise<number[]> => {
    const { clock, network, accepted } = await world(seed);
    network.splitChunks = true;
    const client = await network.connect(SERVER);
    const got = collect(accepted[0]!);
    await write(client, "x".repeat(5000));
    await clock.settle();
    assertEquals(got.text().length, 5000);
    return got.sizes;
  };
  const sizes = await sizesOf(1);
  assert(sizes.length > 1, "it was split");
  assertEquals(await sizesOf(1), sizes);
  assertNotEquals(await sizesOf(2), sizes);
});

Deno.test("a cut resets both ends and refuses new connections until it is mended", async () => {
  const { network, accepted } = await world();
  const client = await network.connect(SERVER);
  const ends = [collect(client), collect(accepted[0]!)];
  network.cut(SERVER);
  for (const end of ends) assert(await end.ended instanceof NetworkError);
  await assertRejects(() => write(client, "gone"), NetworkError);
  await assertRejects(() => network.connect(SERVER), NetworkError, "Cannot connect to 10.0.0.1:9876");
  network.mend(SERVER);
  await network.connect(SERVER);
  assertEquals(accepted.length, 2);
});

Deno.test("a partition holds bytes and dials silently, and mending lets them go on in order", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  const got = collect(accepted[0]!);
  network.partition(SERVER);
  await write(client, "held ");
  await write(client, "back");
  const dialling = network.connect(SERVER);
  await clock.advance(60_000);
  assertEquals([got.text(), accepted.length], ["", 1]);
  network.mend(SERVER);
  await dialling;
  await clock.settle();
  assertEquals([got.text(), accepted.length], ["held back", 2]);
});

Deno.test("a dial that a partition holds can be aborted", async () => {
  const { clock, network, accepted } = await world();
  network.partition(SERVER);
  const abort = new AbortController();
  const dialling = network.connect(SERVER, { signal: abort.signal });
  await clock.settle();
  abort.abort(new Error("no patience"));
  await assertRejects(() => dialling, Error, "no patience");
  network.mend(SERVER);
  await clock.settle();
  assertEquals(accepted.length, 0);
  assertEquals(network.inFlight, 0);
});

Deno.test("a fault at one port leaves the host's other ports alone; at a host it covers them all", async () => {
  const { network } = await world();
  const other = { host: SERVER.host, port: 10911 };
  await network.listen(other, { onDuplex: () => {} });
  network.cut(SERVER);
  await network.connect(other);
  network.cut({ host: SERVER.host });
  await assertRejects(() => network.connect(other), NetworkError);
  network.mend({ host: SERVER.host });
  await network.connect(other);
  await assertRejects(() => network.connect(SERVER), NetworkError);
});

Deno.test("each host dials with its own address, and a fault at it concerns only its connections", async () => {
  const { network, accepted } = await world();
  const one = await network.at("10.0.0.2").connect(SERVER);
  const two = await network.at("10.0.0.3").connect(SERVER);
  assertEquals([one.local.host, accepted[1]!.remote.host], ["10.0.0.2", "10.0.0.3"]);
  network.cut({ host: "10.0.0.2" });
  await assertRejects(() => write(one, "x"), NetworkError);
  await write(two, "x");
});

Deno.test("a writer waits while the window is full, and goes on when the reader takes something", async () => {
  const { clock, network, accepted } = await world();
  network.windowBytes = 10;
  const client = await network.connect(SERVER);
  await write(client, "12345");
  let taken = false;
  const waiting = write(client, "67890").then(() => taken = true);
  await clock.settle();
  assertEquals(taken, false);
  const reader = accepted[0]!.readable.getReader();
  assertEquals((await reader.read()).value?.byteLength, 5);
  await waiting;
});

Deno.test("inFlight counts what is under way, and is 0 when all has arrived", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  const got = collect(accepted[0]!);
  network.latencyMs = 5;
  await write(client, "a");
  await write(client, "b");
  assertEquals(network.inFlight, 2);
  await clock.advance(5);
  assertEquals([network.inFlight, got.text()], [0, "ab"]);
});

Deno.test("nothing sleeps and nothing is under way once both ends are closed", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  network.latencyMs = 1000;
  await write(client, "lost");
  client.close();
  accepted[0]!.close();
  await clock.settle();
  assertEquals([clock.sleeping, network.inFlight], [0, 0]);
});

Deno.test("bytes that reach an end which was closed reset the connection", async () => {
  const { clock, network, accepted } = await world();
  const client = await network.connect(SERVER);
  accepted[0]!.close();
  const got = collect(client);
  await got.ended;
  await write(client, "anyone?");
  await clock.settle();
  await assertRejects(() => write(client, "no"), NetworkError);
});

Deno.test("a TLS dial to a plain listener is refused, and a plain dial to a TLS listener", async () => {
  const { network } = await world();
  await assertRejects(
    () => network.connect(SERVER, { tls: { insecureSkipVerify: true } }),
    NetworkError,
    "only the dialling side speaks TLS",
  );
});
