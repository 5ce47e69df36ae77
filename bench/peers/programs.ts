/**
 * How each peer's program is made ready and started. What a machine lacks is told, with the reason, and its peer is absent.
 *
 * Everything that is built or installed lies in one folder of the user's cache and is made once: the Java program against
 * the jars of the test cluster, the Go program from this folder's go.mod, ali-ons by npm.
 */
import { type ClusterLayout, LOGBACK_FILES } from "../../tests/cluster/layout.ts";
import { exists, output } from "../../tools/command.ts";
import type { Peer } from "./matrix.ts";

/** A program that can be run. */
export interface Program {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A program, or why there is none. */
export type Prepared = Program | { readonly absent: string };

const ALI_ONS = "ali-ons@3.12.0";
const MAVEN_JARS = "lib";

/** Makes every peer ready; `folder` keeps what is built. */
export async function preparePrograms(
  folder: string,
  layout: ClusterLayout,
  peers: ReadonlySet<Peer>,
): Promise<Map<Peer, Prepared>> {
  await Deno.mkdir(folder, { recursive: true });
  const makers: Record<Peer, () => Program | Promise<Program>> = {
    contrail: () => deno("contrail.ts"),
    floor: () => deno("floor.ts"),
    java: () => java(`${folder}/java`, layout),
    go: () => go(folder),
    "ali-ons": () => node(`${folder}/node`),
  };
  const prepared = new Map<Peer, Prepared>();
  for (const peer of peers) {
    try {
      prepared.set(peer, await makers[peer]());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      prepared.set(peer, { absent: reason.split("\n").slice(0, 2).join(" ").slice(0, 200) });
    }
  }
  return prepared;
}

function here(path: string): string {
  return new URL(path, import.meta.url).pathname;
}

/** The library runs as an application would run it: no type check, network and system information alone needed by it. */
function deno(file: string): Program {
  return { command: [Deno.execPath(), "run", "-A", "--no-check", here(file)], env: {} };
}

async function java(classes: string, layout: ClusterLayout): Promise<Program> {
  const jars = `${layout.home}/${MAVEN_JARS}/*`;
  if (!exists(`${layout.home}/${MAVEN_JARS}`)) {
    throw new Error("the cluster's jars are not there: run `deno task cluster classpath` once");
  }
  await Deno.mkdir(classes, { recursive: true });
  await output(["javac", "-d", classes, "-cp", jars, here("java/PeerBench.java")]);
  return {
    command: [
      "java",
      "-Xms256m",
      "-Xmx1g",
      `-Drmq.logback.configurationFile=${layout.home}/conf/${LOGBACK_FILES[0]}`,
      `-Drmq.log.file=${layout.home}/logs/bench.log`,
      `-Duser.home=${layout.home}/home`,
      "-cp",
      `${classes}:${jars}`,
      "PeerBench",
    ],
    env: {},
  };
}

async function go(folder: string): Promise<Program> {
  await output(["go", "build", "-o", `${folder}/go-peer`, "."], { cwd: here("go") });
  return { command: [`${folder}/go-peer`], env: {} };
}

async function node(folder: string): Promise<Program> {
  const modules = `${folder}/node_modules`;
  if (!exists(`${modules}/ali-ons`)) {
    await output(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, ALI_ONS]);
  }
  return { command: ["node", here("node/ali_ons.cjs")], env: { NODE_PATH: modules } };
}
