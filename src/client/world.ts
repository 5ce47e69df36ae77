/**
 * The world a client lives in: sockets, time, chance and a place for its lines. Passed in, never registered globally;
 * tests and simulation bring their own.
 */
import { type Logger, quietLogger } from "../core/logger.ts";
import { type Random, systemRandom } from "../core/random.ts";
import { withoutRepeats } from "../core/repeats.ts";
import type { Tracer } from "../core/tracer.ts";
import type { Fetch } from "../routing/name_server_list.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { detectTransport } from "../transport/detect.ts";
import type { Connect, Listen } from "../transport/seam.ts";

/** Everything that a client takes from outside. */
export interface World {
  /** Dials; found by the runtime when absent. */
  readonly connect: Connect;
  /** Listens; clients do not need it. */
  readonly listen?: Listen | undefined;
  /** Tells the time; the platform's by default. */
  readonly clock: Clock;
  /** Jitters, shuffles and makes ids; the platform's by default. */
  readonly random: Random;
  /** This host's address in client ids; the local address of the first connection by default. */
  readonly host?: string | undefined;
  /** Number of this process in client ids; the platform's by default. */
  readonly pid?: number | undefined;
  /** Asks an HTTP address server; the platform's `fetch` by default. */
  readonly fetch?: Fetch | undefined;
  /** Where lines go, each at most once a minute; warnings and errors to the console by default. */
  readonly logger: Logger;
  /** Follows messages from service to service, see `./otel`; nobody by default. */
  readonly tracer?: Tracer | undefined;
}

/** A world of which the rest is the platform's. */
export type PartialWorld = Partial<World>;

/** A world but for the sockets, which are found when the client starts. */
export type WorldWithoutSockets = Omit<World, "connect"> & { readonly connect: Connect | undefined };

/** Fills in what needs no I/O. */
export function completeWorld(world: PartialWorld = {}): WorldWithoutSockets {
  const clock = world.clock ?? systemClock;
  return {
    connect: world.connect,
    listen: world.listen,
    clock,
    random: world.random ?? systemRandom,
    host: world.host,
    pid: world.pid,
    fetch: world.fetch,
    logger: withoutRepeats(world.logger ?? quietLogger, () => clock.now()),
    tracer: world.tracer,
  };
}

/** The dialling function: the one given, or this runtime's. */
export async function findConnect(world: WorldWithoutSockets): Promise<Connect> {
  return world.connect ?? (await detectTransport()).connect;
}
