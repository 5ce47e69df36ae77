/**
 * A real Redis server of a test's own, on a free port of 127.0.0.1, and a client that speaks just enough of its protocol.
 *
 * Nothing is written to disk. Where there is no `redis-server` (Debian: `apt-get install redis-server`) a test says so.
 */
import type { RedisClient } from "@contrail/rocketmq/offsets/redis";

/** Why there can be no server here, or undefined. */
export async function redisProblem(): Promise<string | undefined> {
  try {
    await new Deno.Command("redis-server", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return undefined;
  } catch {
    return "redis-server is not installed";
  }
}

/** A running server. */
export interface RedisServer {
  readonly port: number;
  /** Ends it. */
  stop(): Promise<void>;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Starts a server and waits until it accepts connections. */
export async function startRedis(): Promise<RedisServer> {
  const port = freePort();
  const server = new Deno.Command("redis-server", {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!said.includes("Ready to accept connections")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`redis-server ended: ${said}`);
    said += value;
  }
  return {
    port,
    async stop() {
      server.kill("SIGTERM");
      await server.status;
      while (!(await reader.read()).done);
    },
  };
}

/** A client of the shape that ioredis and Bun.redis have, with one command at a time on the connection. */
export class TestRedisClient implements Required<RedisClient> {
  readonly #connection: Deno.Conn;
  #turn: Promise<unknown> = Promise.resolve();
  #text = "";
  /** Whether every call rejects. */
  failing = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<TestRedisClient> {
    return new TestRedisClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  get(key: string): Promise<string | null> {
    return this.command("GET", key) as Promise<string | null>;
  }

  set(key: string, value: string): Promise<unknown> {
    return this.command("SET", key, value);
  }

  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown> {
    return this.command("EVAL", script, `${numberOfKeys}`, ...keysAndArguments);
  }

  close(): void {
    this.#connection.close();
  }

  /** Sends a command and gives its answer. All texts of these tests are ASCII, so characters are bytes. */
  command(...words: string[]): Promise<unknown> {
    if (this.failing) return Promise.reject(new Error("the server is not reachable"));
    const answer = this.#turn.catch(() => {}).then(async () => {
      const text = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
      const writer = this.#connection.writable.getWriter();
      await writer.write(new TextEncoder().encode(text));
      writer.releaseLock();
      return await this.#answer();
    });
    this.#turn = answer;
    return answer;
  }

  async #answer(): Promise<unknown> {
    const line = await this.#take("\r\n");
    const rest = line.slice(1);
    if (line[0] === "-") throw new Error(rest);
    if (line[0] === ":") return Number(rest);
    if (line[0] !== "$") return rest;
    return rest === "-1" ? null : await this.#take("\r\n");
  }

  async #take(ending: string): Promise<string> {
    while (!this.#text.includes(ending)) {
      const buffer = new Uint8Array(4096);
      const count = await this.#connection.read(buffer);
      if (count === null) throw new Error("the server has closed the connection");
      this.#text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const at = this.#text.indexOf(ending);
    const taken = this.#text.slice(0, at);
    this.#text = this.#text.slice(at + ending.length);
    return taken;
  }
}
