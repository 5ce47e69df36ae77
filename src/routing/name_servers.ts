/**
 * The name servers of one client: any of them will do, one is asked.
 *
 * The list is shuffled, so that clients spread; the chosen server is kept until it fails, then the next one is asked
 * within the same call. Only when every server has failed does the call fail, naming each with its reason. Name servers
 * share nothing, so an answer such as "no such topic" is an answer, not a reason to ask another.
 */
import { BrokerError, NameServerError, NetworkError, ProtocolError, TimeoutError } from "../core/errors.ts";
import { type Random, shuffled } from "../core/random.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { CallOptions, Fields, Of, Operation, Reply } from "../remoting/call.ts";
import type { ConnectionPool } from "../remoting/pool.ts";
import type { Clock } from "../time/clock.ts";
import { within } from "../time/within.ts";
import { type Fetch, fetchNameServers, parseNameServers } from "./name_server_list.ts";

/** What the name servers of a client are made with. */
export interface NameServersOptions {
  /** `a:9876;b:9876`, an array, or the URL of an address server. */
  readonly namesrvAddr: string | readonly string[];
  /** Makes the calls. */
  readonly pool: ConnectionPool;
  /** Tells the address server's deadline. */
  readonly clock: Clock;
  /** Shuffles. */
  readonly random: Random;
  /** Asks the address server; the platform's by default. */
  readonly fetch?: Fetch | undefined;
  /** Ends asking the address server, when the client ends. */
  readonly signal?: AbortSignal | undefined;
  /** Hears when another server is chosen because `from` failed. */
  readonly onFailover?: ((from: string, to: string, error: Error) => void) | undefined;
}

/** Codes with which a name server says that it cannot serve just now: it is starting, overloaded or leaving. */
const NOT_NOW: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.GO_AWAY,
]);

/** The name servers of one client. */
export class NameServers {
  readonly #options: NameServersOptions;
  readonly #url: string | undefined;
  #addresses: readonly string[] = [];
  #chosen: string | undefined;
  #loading: Promise<void> | undefined;

  /** Reads the list, or the URL; asks nobody yet. @throws ConfigError when `namesrvAddr` is not usable. */
  constructor(options: NameServersOptions) {
    this.#options = options;
    const source = parseNameServers(options.namesrvAddr);
    if (source.kind === "http") this.#url = source.url;
    else this.#addresses = shuffled(source.addresses, options.random);
  }

  /** The servers that are known, in the order they are tried. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Whether an address server says what the list is. */
  get isDynamic(): boolean {
    return this.#url !== undefined;
  }

  /** Whether `address` is one of them. */
  includes(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** Asks the address server again; channels to servers that left the list are closed. Nothing to do for a given list. */
  async reload(): Promise<void> {
    if (this.#url === undefined) return;
    const { clock, random, fetch = globalThis.fetch, pool, signal } = this.#options;
    const listed = await fetchNameServers(this.#url, { clock, fetch, signal });
    const known = this.#addresses;
    if (listed.length === known.length && listed.every((address) => known.includes(address))) return;
    this.#addresses = shuffled(listed, random);
    for (const address of known) if (!listed.includes(address)) pool.disconnect(address);
  }

  /**
   * Makes a request at one of them; `timeoutMs` is for each server tried.
   *
   * @throws NameServerError when none could serve, naming every address with its failure; BrokerError for another code;
   * the signal's reason.
   */
  async call<Q extends Fields, R extends Fields>(
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: CallOptions,
  ): Promise<Reply<R>> {
    if (this.#addresses.length === 0) {
      await within(this.#load(), { clock: this.#options.clock, signal: options.signal });
    }
    const failures: { address: string; error: Error }[] = [];
    for (const address of this.#inOrder()) {
      try {
        const reply = await this.#options.pool.call(address, operation, header, options);
        this.#choose(address, failures);
        return reply;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!isUnserved(error)) throw error;
        failures.push({ address, error });
      }
    }
    const told = failures.map(({ address, error }) => `${address} (${error.message})`).join("; ");
    throw new NameServerError(
      `Cannot call ${operation.name} at any name server: ${told || "none is known"}`,
      {
        attempts: failures.length,
        cause: failures.at(-1)?.error,
      },
    );
  }

  #load(): Promise<void> {
    this.#loading ??= this.reload().finally(() => this.#loading = undefined);
    return this.#loading;
  }

  #inOrder(): readonly string[] {
    const at = this.#chosen === undefined ? -1 : this.#addresses.indexOf(this.#chosen);
    return at <= 0 ? this.#addresses : [...this.#addresses.slice(at), ...this.#addresses.slice(0, at)];
  }

  #choose(address: string, failures: readonly { address: string; error: Error }[]): void {
    const failed = failures[0];
    // Of several calls that failed over at once, the first one moves the choice and tells.
    if (failed && (this.#chosen ?? failed.address) === failed.address) {
      this.#options.onFailover?.(failed.address, address, failed.error);
    }
    if (failed || this.#chosen === undefined) this.#chosen = address;
  }
}

function isUnserved(error: unknown): error is Error {
  if (error instanceof BrokerError) return NOT_NOW.has(error.facts.responseCode ?? 0);
  return error instanceof NetworkError || error instanceof TimeoutError || error instanceof ProtocolError;
}
