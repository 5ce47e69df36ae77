/**
 * A man in the middle: stands before every name server and broker, and changes, tears or loses what passes.
 *
 * Routes that pass are rewritten so that clients reach the brokers through it too. Frames are taken apart only as far as
 * needed: which request an answer belongs to, its header, its body. So damage can be done on any cluster, real or embedded,
 * at exactly one place of a conversation.
 */
import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import { RequestCode, splitAddress } from "./bare_request.ts";

/** An answer on its way to a client. */
export interface PassingReply {
  /** Code of the request that it answers. */
  readonly requestCode: number;
  /** Header fields of that request. */
  readonly requestFields: Readonly<Record<string, string>>;
  /** Body of that request. */
  readonly requestBody: Buffer;
  /** The header; may be changed. */
  readonly header: { code: number; remark?: string; extFields?: Record<string, string> };
  /** The body; may be changed in place or replaced. */
  body: Buffer;
}

/**
 * What becomes of an answer: nothing (it passes, as changed), other bytes in its place, or `tear`: half of it, then the end of
 * the connection.
 */
export type Tampering = (reply: PassingReply) => void | Buffer | "tear";

/** How long a request is kept back while others overtake it, in milliseconds; 0 to pass it on at once. */
export type Detention = (code: number, fields: Readonly<Record<string, string>>) => number;

interface Request {
  readonly header: Header;
  readonly body: Buffer;
}

interface Header {
  code: number;
  opaque: number;
  flag: number;
  remark?: string;
  extFields?: Record<string, string>;
}

/** Reads whole frames out of chunks. */
class FrameReader {
  #received: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Buffer> {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0);
      if (this.#received.length < end) return;
      yield this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
    }
  }
}

/** The proxy of a whole cluster. */
export class TamperingProxy {
  /** Sees every answer; replace it at any time. */
  tamper: Tampering | undefined;
  /** Sees every request; replace it at any time. */
  detain: Detention | undefined;
  /** Codes of the requests that servers made of clients, as they came. */
  readonly asked: number[] = [];
  readonly #doors = new Map<string, Promise<string>>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #detained = new Set<ReturnType<typeof setTimeout>>();
  #namesrvAddr = "";

  /** The name servers as a client is to be told about them. */
  get namesrvAddr(): string {
    return this.#namesrvAddr;
  }

  /** Opens a door before each name server of `namesrvAddr`; those before brokers open as routes tell of them. */
  async open(namesrvAddr: string): Promise<void> {
    const doors = await Promise.all(namesrvAddr.split(";").map((address) => this.#door(address)));
    this.#namesrvAddr = doors.join(";");
  }

  /** Closes every connection; clients may connect anew. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Closes everything. */
  async close(): Promise<void> {
    for (const timer of this.#detained) clearTimeout(timer);
    this.cutAll();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #door(address: string): Promise<string> {
    const known = this.#doors.get(address);
    if (known !== undefined) return known;
    const opened = new Promise<string>((resolve, reject) => {
      const server = createServer((client) => this.#connect(client, address));
      this.#servers.push(server);
      server.on("error", reject);
      server.listen(0, "127.0.0.1", () => {
        resolve(`127.0.0.1:${(server.address() as { port: number }).port}`);
      });
    });
    this.#doors.set(address, opened);
    return opened;
  }

  #connect(client: Socket, address: string): void {
    const [host, port] = splitAddress(address);
    const server = connect({ host, port });
    const requests = new Map<number, Request>();
    const [up, down] = [new FrameReader(), new FrameReader()];
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      for (const frame of up.read(chunk)) {
        const header = headerOf(frame);
        const isRequest = (header.flag & 1) === 0;
        if (isRequest) requests.set(header.opaque, { header, body: bodyOf(frame) });
        const detainedMs = isRequest ? this.detain?.(header.code, header.extFields ?? {}) ?? 0 : 0;
        if (detainedMs === 0) server.write(frame);
        else this.#detained.add(setTimeout(() => server.write(frame), detainedMs));
      }
    });
    // one after the other: a door that a route needs is open before the route is passed on
    let turn = Promise.resolve();
    server.on("data", (chunk: Buffer) => {
      for (const frame of down.read(chunk)) {
        const header = headerOf(frame);
        const isReply = (header.flag & 1) === 1;
        if (!isReply) this.asked.push(header.code);
        const request = isReply ? requests.get(header.opaque) : undefined;
        requests.delete(header.opaque);
        turn = turn.then(() => this.#pass(client, frame, header, request));
      }
    });
  }

  async #pass(client: Socket, frame: Buffer, header: Header, request: Request | undefined): Promise<void> {
    if (request === undefined) return void client.write(frame);
    const { code, extFields = {} } = request.header;
    const reply: PassingReply = {
      requestCode: code,
      requestFields: extFields,
      requestBody: request.body,
      header,
      body: bodyOf(frame),
    };
    if (code === RequestCode.GET_ROUTE) reply.body = await this.#rewriteRoute(reply.body);
    const done = this.tamper?.(reply);
    if (done === undefined) return void client.write(encode(header, reply.body));
    if (done !== "tear") return void client.write(done);
    const whole = encode(header, reply.body);
    client.end(whole.subarray(0, whole.length >> 1));
  }

  /** Puts doors in place of the brokers' addresses. */
  async #rewriteRoute(body: Buffer): Promise<Buffer> {
    const route = body.toString();
    const addresses = new Set([...route.matchAll(/"([\w.-]+:\d+)"/g)].map((found) => found[1]!));
    const doors = new Map<string, string>();
    for (const address of addresses) doors.set(address, await this.#door(address));
    return Buffer.from(route.replace(/"([\w.-]+:\d+)"/g, (_, address: string) => `"${doors.get(address)}"`));
  }
}

/** The header of a whole frame. The clients of this project write JSON; answers come in the same form. */
function headerOf(frame: Buffer): Header {
  const word = frame.readUInt32BE(4);
  if (word >>> 24 !== 0) {
    throw new Error(`Cannot pass a frame on: header of serialization ${word >>> 24}, not JSON`);
  }
  return JSON.parse(frame.subarray(8, 8 + (word & 0xff_ffff)).toString()) as Header;
}

function bodyOf(frame: Buffer): Buffer {
  return Buffer.from(frame.subarray(8 + (frame.readUInt32BE(4) & 0xff_ffff)));
}

function encode(header: Header, body: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4 + text.length + body.length, 0);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text, body]);
}
