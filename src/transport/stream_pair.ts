/**
 * What the runtimes' sockets have in common: the two streams of a Duplex, over one socket.
 *
 * Picture a pair of doors in front of the socket. The stream side follows the Streams standard; the socket side is five
 * calls each way. The pair knows which doors are open and calls `release` exactly once, when both are shut or when
 * `close` shuts them at once; bytes that arrive after a door is shut are dropped. No bytes are copied here.
 */
import { NetworkError } from "../core/errors.ts";
import { type Address, type Duplex, formatAddress } from "./seam.ts";

/** The socket below a StreamPair, as a runtime's file provides it. */
export interface Socket {
  /** More bytes are wanted: answered by `deliver`, `finish` or `fail`, at once or later. Must not throw. */
  pull(): void | Promise<void>;
  /** Sends `chunk`; settles when the socket can take more. Rejects when it cannot, and when it was released. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** Tells the peer that no more bytes will come. */
  halfClose(): void | Promise<void>;
  /** Nobody refers to a delivered chunk any more: its memory may be read into again. */
  recycle?(chunk: Uint8Array): void;
  /** Ends both directions and frees the socket. Called once. */
  release(): void;
}

/** A Duplex over a Socket. */
export class StreamPair implements Duplex {
  /** Bytes from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer. */
  readonly writable: WritableStream<Uint8Array>;
  /** This end. */
  readonly local: Address;
  /** The other end. */
  readonly remote: Address;
  readonly #socket: Socket;
  #in!: ReadableStreamDefaultController<Uint8Array>;
  #out!: WritableStreamDefaultController;
  #readOpen = true;
  #writeOpen = true;
  #released = false;
  /** What a failed write met: the kernel reports a reset once, and whoever reads afterwards sees a mere end. */
  #broken: unknown;

  /** Two open directions over `socket`. `readAhead` is how many chunks may wait in `readable` unasked. */
  constructor(socket: Socket, local: Address, remote: Address, readAhead: number) {
    this.#socket = socket;
    this.local = local;
    this.remote = remote;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#in = controller;
      },
      pull: () => socket.pull(),
      cancel: () => {
        this.#readOpen = false;
        this.#releaseIfDone();
      },
    }, { highWaterMark: readAhead });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#out = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#halfClose(),
      abort: (reason) => this.close(reason),
    });
  }

  /** Whether the stream side still takes bytes from the peer. */
  get readOpen(): boolean {
    return this.#readOpen;
  }

  /** How many more chunks `readable` wants now; 0 or less means hold. */
  get wanted(): number {
    return this.#readOpen ? this.#in.desiredSize ?? 0 : 0;
  }

  /** Bytes came from the peer. `chunk` now belongs to the reader. */
  deliver(chunk: Uint8Array): void {
    if (this.#readOpen) this.#in.enqueue(chunk);
  }

  /** The peer half-closed. */
  finish(): void {
    if (!this.#readOpen) return;
    if (this.#broken !== undefined) return this.fail(this.#broken);
    this.#readOpen = false;
    this.#in.close();
    this.#releaseIfDone();
  }

  /** The connection broke: both directions end with a NetworkError. */
  fail(cause: unknown): void {
    if (this.#released) return;
    if (this.#readOpen) this.#in.error(this.#error("read from", cause));
    if (this.#writeOpen) this.#out.error(this.#error("write to", cause));
    this.#release();
  }

  /** The reader is done with a chunk and refers to it no more. */
  recycle(chunk: Uint8Array): void {
    this.#socket.recycle?.(chunk);
  }

  /** Ends both directions at once; with a reason, what is pending rejects with it, else reading ends. */
  close(reason?: unknown): void {
    if (this.#released) return;
    if (this.#readOpen) {
      if (reason === undefined) this.#in.close();
      else this.#in.error(reason);
    }
    if (this.#writeOpen) this.#out.error(reason ?? this.#error("write to", "the connection is closed"));
    this.#release();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength === 0) return;
    try {
      await this.#socket.write(chunk);
    } catch (cause) {
      throw this.#shutWrite("write to", cause);
    }
  }

  async #halfClose(): Promise<void> {
    try {
      await this.#socket.halfClose();
    } catch (cause) {
      throw this.#shutWrite("half-close", cause);
    }
    this.#writeOpen = false;
    this.#releaseIfDone();
  }

  /** A failed write shuts its own door only: what the peer said before it left can still be read. */
  #shutWrite(attempted: string, cause: unknown): NetworkError {
    this.#writeOpen = false;
    this.#broken = cause;
    this.#releaseIfDone();
    return this.#error(attempted, cause);
  }

  #error(attempted: string, cause: unknown): NetworkError {
    return networkError(attempted, this.remote, cause);
  }

  #releaseIfDone(): void {
    if (!this.#readOpen && !this.#writeOpen && !this.#released) this.#release();
  }

  #release(): void {
    this.#released = true;
    this.#readOpen = false;
    this.#writeOpen = false;
    this.#socket.release();
  }
}

/** A NetworkError that says what was attempted with `address`, and what was met. */
export function networkError(attempted: string, address: Address, cause: unknown): NetworkError {
  const target = formatAddress(address);
  if (typeof cause === "string") {
    return new NetworkError(`Cannot ${attempted} ${target}: ${cause}`, { address: target });
  }
  return new NetworkError(`Cannot ${attempted} ${target}: ${messageOf(cause)}`, { address: target, cause });
}

/** Node tries all addresses of a name, and says what came of it in an AggregateError without a message. */
function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && !cause.message) return cause.errors.map(messageOf).join("; ");
  return cause instanceof Error && cause.message ? cause.message : String(cause);
}
