/**
 * A cluster as scenarios need it: addresses, and hands on its parts.
 *
 * The real one is run by `deno task cluster`, which this calls as a program, because scenarios on Bun and Node run away from
 * the repository; the embedded one lives in this process.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startCluster } from "@contrail/rocketmq/testing";
import { type ClusterKind, Skipped } from "./scenario.ts";

/** A running cluster. */
export interface Rig {
  /** Which kind it is. */
  readonly kind: ClusterKind;
  /** The name servers, `host:port` separated by `;`. */
  readonly namesrvAddr: string;
  /** What the brokers wait for each delay level, in milliseconds; level 1 first. */
  readonly delayLevelsMs: readonly number[];
  /** How long scenarios go on that show what holds over time, in milliseconds. */
  readonly enduranceMs: number;
  /** Stops a broker in good order and starts it again. */
  restartBroker(name: string): Promise<void>;
  /** Stops a broker in good order. */
  stopBroker(name: string): Promise<void>;
  /** Ends a broker as a crash would. */
  killBroker(name: string): Promise<void>;
  /** Starts a broker that was stopped or killed; or `<broker>-slave`, where there is one, which does not run unless it is asked for. */
  startBroker(name: string): Promise<void>;
  /** Stops name servers, counted from 0. */
  stopNameServer(...at: number[]): Promise<void>;
  /** Starts them again. */
  startNameServer(...at: number[]): Promise<void>;
  /** The class path of the official Java client. @throws Skipped where there is none. */
  javaClassPath(): Promise<string>;
  /** Runs the official administrator's tool and gives what it says. @throws Skipped where there is none. */
  mqadmin(...args: string[]): Promise<string>;
  /** Ends what was begun for this rig alone. */
  close(): Promise<void>;
}

/** The one slave, and its master. */
export const SLAVE = { name: "broker-b-slave", master: "broker-b" } as const;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** The levels of `tests/cluster/layout.ts`: the first ten take one to ten seconds. */
const REAL_DELAY_LEVELS_MS: readonly number[] = [
  ...Array.from({ length: 10 }, (_, at) => (at + 1) * SECOND),
  15 * SECOND,
  20 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  10 * MINUTE,
  60 * MINUTE,
  120 * MINUTE,
];

/** The same shape, ten times as fast. */
const EMBEDDED_DELAY_LEVELS_MS: readonly number[] = REAL_DELAY_LEVELS_MS.map((ms) => ms / 10);

/** How long scenarios go on that show what holds over time, in milliseconds: everywhere when `--long` is asked for. */
export const LONG_MS = 120_000;
const REAL_ENDURANCE_MS = 20_000;
const EMBEDDED_ENDURANCE_MS = 6_000;

/** Starts two name servers and two brokers in this process. */
export async function embeddedRig({ enduranceMs = EMBEDDED_ENDURANCE_MS } = {}): Promise<Rig> {
  const cluster = await startCluster({
    nameServers: 2,
    brokers: ["broker-a", { name: "broker-b", slaves: 1 }],
    broker: { delayLevelsMs: EMBEDDED_DELAY_LEVELS_MS },
  });
  const slave = `${SLAVE.master}-slave-1`;
  await cluster.stopBroker(slave);
  const named = (name: string): string => name === SLAVE.name ? slave : name;
  return {
    kind: "embedded",
    namesrvAddr: cluster.namesrvAddr,
    delayLevelsMs: EMBEDDED_DELAY_LEVELS_MS,
    enduranceMs,
    restartBroker: (name) => cluster.restartBroker(name),
    stopBroker: (name) => cluster.stopBroker(named(name)),
    killBroker: (name) => cluster.killBroker(named(name)),
    startBroker: (name) => cluster.startBroker(named(name)),
    stopNameServer: async (...at) => void await Promise.all(at.map((each) => cluster.stopNameServer(each))),
    startNameServer: async (...at) => void await Promise.all(at.map((each) => cluster.startNameServer(each))),
    javaClassPath: () => {
      const lib = `${cacheFolder()}/5.5.0/lib`;
      if (!existsSync(lib)) {
        throw new Skipped("the official Java client is not on this machine (`deno task cluster start`)");
      }
      return Promise.resolve(`${lib}/*`);
    },
    mqadmin: () => {
      throw new Skipped("mqadmin is run on the real cluster");
    },
    close: () => cluster.stop(),
  };
}

/** Where `tests/cluster` keeps its jars. */
function cacheFolder(): string {
  const { CONTRAIL_CLUSTER_HOME, XDG_CACHE_HOME } = process.env;
  return CONTRAIL_CLUSTER_HOME ?? `${XDG_CACHE_HOME ?? `${homedir()}/.cache`}/contrail-cluster`;
}

/**
 * A real cluster that runs already. `control` is the command line of its launcher; without it, scenarios that need its hands
 * are skipped.
 */
export function realRig(
  namesrvAddr: string,
  control: readonly string[] | undefined,
  { enduranceMs = REAL_ENDURANCE_MS } = {},
): Rig {
  const launch = async (...args: string[]): Promise<string> => {
    const [program, ...first] = control ?? [];
    if (program === undefined) throw new Skipped("no launcher is known for this cluster: give --control");
    return await output(program, [...first, ...args]);
  };
  return {
    kind: "real",
    namesrvAddr,
    delayLevelsMs: REAL_DELAY_LEVELS_MS,
    enduranceMs,
    restartBroker: async (name) => void await launch("restart", name),
    stopBroker: async (name) => void await launch("down", name),
    killBroker: async (name) => void await launch("kill", name),
    startBroker: async (name) => void await launch("up", name),
    stopNameServer: async (...at) => void await launch("down", ...at.map((each) => `ns-${each + 1}`)),
    startNameServer: async (...at) => void await launch("up", ...at.map((each) => `ns-${each + 1}`)),
    javaClassPath: async () => (await launch("classpath")).trim().split("\n").at(-1)!,
    mqadmin: (...args) => launch("admin", ...args),
    close: () => Promise.resolve(),
  };
}

/** The launcher of this repository, when these files are in it. */
export function repositoryControl(): string[] | undefined {
  const launcher = fileURLToPath(new URL("../cluster/cluster.ts", import.meta.url));
  if (!existsSync(launcher)) return undefined;
  return ["deno", "run", "-A", launcher];
}

/** Runs a program and gives its standard output. @throws Error with what it said when it fails. */
export function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "", errors = "";
    child.stdout.on("data", (chunk) => out += chunk);
    child.stderr.on("data", (chunk) => errors += chunk);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${errors || out}`));
    });
  });
}
