/**
 * Channels to test: two that talk to each other, or one with a raw other end.
 */
import { assertEquals } from "@std/assert";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { Channel, type ChannelOptions } from "../../../src/remoting/channel.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import type { Command } from "../../../src/wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";
import { int, operation, opt, str } from "../../../src/wire/schema.ts";
import { duplexPair, type TestDuplex } from "./duplex_pair.ts";

/** An operation that gives back what it got. */
export const echo = operation({
  name: "ECHO",
  code: 9001,
  request: { text: str, times: opt(int) },
  response: { text: str },
  answers: [0, 19],
});

/** Options of a call whose deadline does not matter. */
export const OPTIONS = { timeoutMs: 3000 };

/** Two channels that talk to each other. */
export interface Ends {
  clock: ManualClock;
  client: Channel;
  server: Channel;
  left: TestDuplex;
  right: TestDuplex;
}

/** Runs `body` with two connected channels, closes them and sees that nothing is left. */
export async function withEnds(
  handler: RequestHandler | undefined,
  body: (ends: Ends) => Promise<void>,
  clientOptions: Partial<ChannelOptions> = {},
): Promise<void> {
  const clock = new ManualClock();
  const [left, right] = duplexPair();
  const client = new Channel(left, { clock, ...clientOptions });
  const server = new Channel(right, { clock, onRequest: handler });
  try {
    await body({ clock, client, server, left, right });
  } finally {
    client.close();
    server.close();
    await client.closed;
    await server.closed;
    assertEquals(clock.sleeping, 0, "no sleeper may outlive the channels");
  }
}

/** Gives back header and body. */
export const echoing: RequestHandler = ({ command, body }) => ({
  code: 0,
  extFields: command.extFields,
  body,
});

/** The raw other end of a channel: frames in, frames out. */
export class RawPeer {
  readonly #duplex: TestDuplex;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new FrameDecoder();
  readonly #frames: Frame[] = [];

  constructor(duplex: TestDuplex) {
    this.#duplex = duplex;
    this.#writer = duplex.writable.getWriter();
    this.#reader = duplex.readable.getReader();
  }

  async next(): Promise<Frame> {
    while (this.#frames.length === 0) {
      const { value } = await this.#reader.read();
      this.#decoder.push(value!, (frame) => this.#frames.push(frame));
    }
    return this.#frames.shift()!;
  }

  send(command: Partial<Command>, body?: Uint8Array): Promise<void> {
    const whole = { code: 0, language: "JAVA", version: 513, opaque: 0, flag: 1, ...command };
    return this.bytes(encodeFrame(whole, body));
  }

  bytes(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  close(): void {
    this.#duplex.close();
  }
}

/** Runs `body` with a channel and the raw other end of it. */
export async function withRawPeer(
  body: (client: Channel, peer: RawPeer, clock: ManualClock) => Promise<void>,
  options: Partial<ChannelOptions> = {},
): Promise<void> {
  const clock = new ManualClock();
  const [left, right] = duplexPair();
  const client = new Channel(left, { clock, ...options });
  const peer = new RawPeer(right);
  try {
    await body(client, peer, clock);
  } finally {
    client.close();
    peer.close();
    await client.closed;
  }
}
