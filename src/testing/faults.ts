/**
 * Faults that a test orders one by one: the next request of a kind is answered wrongly, late or not at all.
 *
 * Picture a queue of orders per operation. A request that comes in takes the first order that fits it, uses it up, and is
 * treated as it says; requests that no order fits are served as usual.
 */
import type { FaultTarget } from "./fault_target.ts";
import { operationByCode, operations } from "../protocol/operations.ts";
import type { InboundRequest, OutboundReply } from "../remoting/call.ts";
import type { Clock } from "../time/clock.ts";

/**
 * What happens to a request:
 * - a number: it is answered with that response code, unserved; an object with `code` says remark, fields and body too;
 * - `drop`: it is neither served nor answered; `dropReply`: it is served, the answer is lost;
 * - `disconnect`: its connection is closed instead; `disconnectAfter`: it is served first;
 * - `{ delayMs }`: it is served at once and answered so much later;
 * - a function: it decides, and may serve the request by `proceed`.
 */
export type Fault =
  | number
  | OutboundReply
  | "drop"
  | "dropReply"
  | "disconnect"
  | "disconnectAfter"
  | { readonly delayMs: number }
  | ((
    request: InboundRequest,
    proceed: () => Promise<OutboundReply | undefined>,
  ) => OutboundReply | undefined | Promise<OutboundReply | undefined>);

/** Which requests an order is for. */
export interface FaultScope {
  /** Name of the broker (or `namesrv-0` …); any by default. */
  readonly at?: string | undefined;
  /** Further condition on the request's header fields. */
  readonly when?: ((fields: Readonly<Record<string, string>>) => boolean) | undefined;
  /** How many requests it is for; 1 by default, `Infinity` until cancelled. */
  readonly times?: number | undefined;
}

/** An order that was placed. */
export interface FaultOrder {
  /** How many requests took it so far. */
  readonly hits: number;
  /** Resolves when a request took it for the first time. */
  readonly hit: Promise<void>;
  /** Takes it back. */
  cancel(): void;
}

interface Entry {
  readonly code: number;
  readonly fault: Fault;
  readonly scope: FaultScope;
  readonly onHit: () => void;
  left: number;
}

type Serve = () => OutboundReply | undefined | Promise<OutboundReply | undefined>;

/** The orders of one cluster. */
export class Faults {
  readonly #clock: Clock;
  #entries: Entry[] = [];

  /** No orders yet; `clock` measures delays. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Places an order; orders of one operation are taken in the order they were placed. */
  order(operation: FaultTarget, fault: Fault, scope: FaultScope = {}): FaultOrder {
    let hits = 0;
    let resolve: () => void;
    const hit = new Promise<void>((done) => resolve = done);
    const entry: Entry = {
      code: operations[operation].code,
      fault,
      scope,
      left: scope.times ?? 1,
      onHit: () => {
        hits++;
        resolve();
      },
    };
    this.#entries.push(entry);
    return {
      get hits() {
        return hits;
      },
      hit,
      cancel: () => this.#remove(entry),
    };
  }

  /** Takes all orders back. */
  clear(): void {
    this.#entries = [];
  }

  /** Serves a request at `server`, with the fault that was ordered for it. */
  apply(server: string, request: InboundRequest, serve: Serve): ReturnType<Serve> {
    if (this.#entries.length === 0) return serve();
    const entry = this.#take(server, request.command.code, request.command.extFields ?? {});
    return entry === undefined ? serve() : this.#faulty(entry.fault, request, serve);
  }

  /** Whether a request that `server` is about to make to a client shall be lost. */
  dropsOutgoing(server: string, code: number, fields: Readonly<Record<string, string>>): boolean {
    return this.#entries.length > 0 && this.#take(server, code, fields) !== undefined;
  }

  async #faulty(fault: Fault, request: InboundRequest, serve: Serve): Promise<OutboundReply | undefined> {
    if (typeof fault === "number") return { code: fault, remark: `fault: ${operationName(request)}` };
    if (typeof fault === "function") {
      return fault(request, () => Promise.resolve().then(serve));
    }
    if (typeof fault === "object" && "code" in fault) return fault;
    if (fault === "drop") return undefined;
    if (fault === "disconnect") {
      request.channel.close();
      return undefined;
    }
    const reply = await serve();
    if (typeof fault === "object") {
      await this.#clock.sleep(fault.delayMs);
      return reply;
    }
    if (fault === "disconnectAfter") request.channel.close();
    return undefined;
  }

  #take(server: string, code: number, fields: Readonly<Record<string, string>>): Entry | undefined {
    const entry = this.#entries.find((each) =>
      each.code === code && (each.scope.at ?? server) === server && (each.scope.when?.(fields) ?? true)
    );
    if (entry === undefined) return undefined;
    if (--entry.left <= 0) this.#remove(entry);
    entry.onHit();
    return entry;
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((each) => each !== entry);
  }
}

function operationName(request: InboundRequest): string {
  return operationByCode.get(request.command.code)?.name ?? String(request.command.code);
}
