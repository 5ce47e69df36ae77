/**
 * Two ends of a connection in memory, without a network and without time: what one writes the other reads.
 */
import type { Address, Duplex } from "../../../src/transport/seam.ts";

const LEFT: Address = { host: "10.0.0.1", port: 50000 };
const RIGHT: Address = { host: "10.0.0.2", port: 10911 };

/** One end, with what a test may want to know about it. */
export interface TestDuplex extends Duplex {
  /** Every chunk that was written here. */
  readonly writes: Uint8Array[];
  /** Whether this end was closed. */
  isClosed(): boolean;
  /** Breaks the connection as a reset would. */
  reset(): void;
}

/** Two connected ends. `holdWrites` keeps writes of the left end from completing until the right end reads. */
export function duplexPair(): [TestDuplex, TestDuplex] {
  const toRight = pipe();
  const toLeft = pipe();
  return [end(toRight, toLeft, LEFT, RIGHT), end(toLeft, toRight, RIGHT, LEFT)];
}

interface Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  write(chunk: Uint8Array): Promise<void>;
  end(): void;
  fail(error: Error): void;
}

function pipe(): Pipe {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  let over = false;
  let pulled: (() => void) | undefined;
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      source = controller;
    },
    pull: () => pulled?.(),
    cancel: () => {
      over = true;
      pulled?.();
    },
  }, { highWaterMark: 1 });
  return {
    readable,
    async write(chunk) {
      if (over) throw new Error("broken pipe");
      source.enqueue(chunk);
      if (source.desiredSize! <= 0) await new Promise<void>((resolve) => pulled = resolve);
      if (over) throw new Error("broken pipe");
    },
    end() {
      if (!over) source.close();
      over = true;
      pulled?.();
    },
    fail(error) {
      if (!over) source.error(error);
      over = true;
      pulled?.();
    },
  };
}

function end(out: Pipe, into: Pipe, local: Address, remote: Address): TestDuplex {
  const writes: Uint8Array[] = [];
  let closed = false;
  return {
    writes,
    local,
    remote,
    readable: into.readable,
    writable: new WritableStream({
      write(chunk) {
        writes.push(chunk);
        return out.write(chunk);
      },
      close: () => out.end(),
    }),
    close() {
      if (closed) return;
      closed = true;
      out.end();
      into.end();
    },
    isClosed: () => closed,
    reset() {
      out.fail(new Error("connection reset by peer"));
      into.fail(new Error("connection reset"));
    },
  };
}
