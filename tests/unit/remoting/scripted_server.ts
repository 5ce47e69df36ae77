/**
 * A server made of channels over a memory network: it answers what its script says and remembers what it was asked.
 */
import { seededRandom } from "../../../src/core/random.ts";
import type { InboundRequest, RequestHandler } from "../../../src/remoting/call.ts";
import { Channel } from "../../../src/remoting/channel.ts";
import { parseAddress } from "../../../src/remoting/address.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory.ts";
import type { Listener } from "../../../src/transport/seam.ts";

/** One server at one address. */
export class ScriptedServer {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** Codes of the requests that came, in order. */
  readonly codes: number[] = [];
  /** The requests that came, in order. */
  readonly requests: InboundRequest[] = [];
  /** Connections that are open. */
  readonly channels = new Set<Channel>();
  /** Connections that were accepted. */
  accepted = 0;
  /** What it answers. */
  script: RequestHandler;
  readonly #world: TestWorld;
  #listener: Listener | undefined;

  constructor(world: TestWorld, address: string, script: RequestHandler) {
    this.#world = world;
    this.address = address;
    this.script = script;
  }

  /** Begins to listen. */
  async open(): Promise<this> {
    this.#listener = await this.#world.network.listen(parseAddress(this.address), {
      onDuplex: (duplex) => {
        this.accepted++;
        const channel: Channel = new Channel(duplex, {
          clock: this.#world.clock,
          onRequest: (request) => {
            this.codes.push(request.command.code);
            this.requests.push(request);
            return this.script(request);
          },
          onClose: () => this.channels.delete(channel),
        });
        this.channels.add(channel);
      },
    });
    return this;
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
    for (const channel of [...this.channels]) channel.close();
  }
}

/** A network, a clock and servers. */
export class TestWorld {
  /** Moved by the test. */
  readonly clock = new ManualClock();
  /** Always the same chance. */
  readonly random = seededRandom(1);
  /** Where servers listen. */
  readonly network: MemoryNetwork = createMemoryNetwork({ clock: this.clock, random: this.random });
  readonly #servers: ScriptedServer[] = [];

  /** A server that listens. */
  async server(address: string, script: RequestHandler): Promise<ScriptedServer> {
    const server = await new ScriptedServer(this, address, script).open();
    this.#servers.push(server);
    return server;
  }

  /** Closes every server. */
  async close(): Promise<void> {
    for (const server of this.#servers) await server.close();
    await this.clock.settle();
  }
}

/** Runs `body` in a world of its own, closes it and sees that nobody sleeps any more. */
export async function inTestWorld(body: (world: TestWorld) => Promise<void>): Promise<void> {
  const world = new TestWorld();
  try {
    await body(world);
  } finally {
    await world.close();
  }
  if (world.clock.sleeping > 0) throw new Error(`${world.clock.sleeping} sleepers outlived the test`);
}
