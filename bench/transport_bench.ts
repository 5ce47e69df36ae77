/**
 * How fast the runtime's transport reads and writes, and what that costs.
 *
 * `deno run -A bench/transport_bench.ts`, `bun …`, `node …`; arguments: seconds a run, a transport (`deno`, `bun`,
 * `node`; by default the one that fits). The peer is a second process of the same runtime over plain node:net, so CPU
 * is that of the measured side alone: user and system time of this process, a MiB.
 */
import { spawn } from "node:child_process";
import { connect as dialPlain, createServer, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { detectTransport, type Transport } from "../src/transport/detect.ts";

const PEER = "peer";
const MIB = 1024 * 1024;

const [first, second] = process.argv.slice(2);
if (first === PEER) servePeer();
else await measure(Number(first ?? 3), second);

async function measure(seconds: number, name: string | undefined): Promise<void> {
  const transport: Transport = name ? await import(`../src/transport/${name}.ts`) : await detectTransport();
  const { port, stop } = await startPeer();
  for (let round = 1; round <= 3; round++) {
    await run(transport, port, "s", seconds, receive);
    await run(transport, port, "r", seconds, (duplex, until) => send(duplex, until, MIB));
    await run(transport, port, "r", seconds, (duplex, until) => send(duplex, until, 1024));
  }
  stop();
  process.exit(0);
}

type Duplex = Awaited<ReturnType<Transport["connect"]>>;
interface Moved {
  readonly what: string;
  readonly bytes: number;
  readonly chunks: number;
}

/** One run; the peer is told by one letter whether it sends or receives. */
async function run(
  transport: Transport,
  port: number,
  role: "s" | "r",
  seconds: number,
  move: (duplex: Duplex, until: number) => Promise<Moved>,
): Promise<void> {
  const duplex = await transport.connect({ host: "127.0.0.1", port });
  const writer = duplex.writable.getWriter();
  await writer.write(new TextEncoder().encode(role));
  writer.releaseLock();
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const { what, bytes, chunks } = await move(duplex, started + seconds * 1000);
  const tookS = (performance.now() - started) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  duplex.close();
  const cpuUs = (cpu.user + cpu.system) / (bytes / MIB);
  console.log(
    `${what}: ${(bytes / MIB / tookS).toFixed(0)} MiB/s, ${cpuUs.toFixed(0)} µs CPU a MiB, ` +
      `${(bytes / chunks / 1024).toFixed(0)} KiB a chunk`,
  );
}

async function receive(duplex: Duplex, until: number): Promise<Moved> {
  const reader = duplex.readable.getReader();
  let bytes = 0;
  let chunks = 0;
  while (performance.now() < until) {
    const { value } = await reader.read();
    bytes += value?.byteLength ?? 0;
    chunks++;
  }
  return { what: "read", bytes, chunks };
}

async function send(duplex: Duplex, until: number, chunkBytes: number): Promise<Moved> {
  const writer = duplex.writable.getWriter();
  const chunk = new Uint8Array(chunkBytes);
  let chunks = 0;
  while (performance.now() < until) {
    await writer.write(chunk);
    chunks++;
  }
  return { what: `write ${chunkBytes / 1024} KiB`, bytes: chunks * chunkBytes, chunks };
}

/** Sends as fast as it can, or receives and forgets, as the first letter of a connection asks. */
function servePeer(): void {
  const block = new Uint8Array(MIB);
  const pour = (socket: Socket): void => {
    while (socket.writable && socket.write(block));
  };
  createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (letter) => {
      socket.on("data", () => {});
      if (letter[0] === 0x73) pour(socket.on("drain", () => pour(socket)));
    });
  }).listen(0, "127.0.0.1", function (this: ReturnType<typeof createServer>) {
    const address = this.address();
    if (address && typeof address === "object") console.log(address.port);
  });
}

async function startPeer(): Promise<{ port: number; stop: () => void }> {
  const before = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...before, fileURLToPath(import.meta.url), PEER], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve) => {
    child.stdout.once("data", (text: Uint8Array) => resolve(Number(new TextDecoder().decode(text))));
  });
  // The port answers before the measuring starts.
  await new Promise<void>((resolve) => {
    const probe = dialPlain(port, "127.0.0.1", () => resolve(void probe.destroy()));
  });
  return { port, stop: () => void child.kill() };
}
