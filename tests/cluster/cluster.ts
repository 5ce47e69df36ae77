/**
 * `deno task cluster`: a real RocketMQ on this machine, without Docker, for tests and benchmarks.
 *
 *   start                     downloads the jars if need be, starts what is not running, returns when it is ready
 *   stop | status | wipe      wipe stops too, and removes what the cluster has stored
 *   up | down | kill | restart <node>…     nodes are ns-1, ns-2, broker-a, broker-b, broker-b-slave; kill is a crash
 *   admin <arguments of mqadmin>
 *   namesrv | classpath       prints the name servers' addresses | the classpath, for a Java client
 *
 * `--version 4.9.7` before or after any of these means the older line, on ports of its own. State and jars live below
 * CONTRAIL_CLUSTER_HOME, by default in the user's cache; CONTRAIL_CLUSTER_PORT_SHIFT moves the ports. Needs Java 17, and Maven once per version.
 */
import { exists, run } from "../../tools/command.ts";
import { javaEnvironment, javaOptions, nodeFiles, runningPid, startNode, stopNode } from "./jvm.ts";
import {
  type ClusterLayout,
  clusterLayout,
  LOGBACK_FILES,
  logbackConfig,
  namesrvAddr,
  nodeConfig,
  type NodeLayout,
} from "./layout.ts";
import { knowsBrokers } from "./probe.ts";

const READY_TIMEOUT_MS = 90_000;
const COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/** Downloads the jars from Maven Central, once; a download that was cut short leaves nothing behind. */
async function ensureJars(layout: ClusterLayout): Promise<void> {
  const lib = `${layout.home}/lib`;
  if (exists(lib)) return;
  console.log(`downloading RocketMQ ${layout.version} from Maven Central`);
  const partial = await Deno.makeTempDir({ dir: layout.home, prefix: "lib-" });
  const ended = await run([
    "mvn",
    "--quiet",
    "--batch-mode",
    "--file",
    new URL("pom.xml", import.meta.url).pathname,
    COPY_DEPENDENCIES,
    `-Drocketmq.version=${layout.version}`,
    `-DoutputDirectory=${partial}`,
    "-DincludeScope=runtime",
  ]);
  if (ended.code !== 0) {
    await Deno.remove(partial, { recursive: true });
    throw new Error(`Cannot download RocketMQ ${layout.version}: mvn ended with code ${ended.code}`);
  }
  await Deno.rename(partial, lib);
}

/** Writes every configuration file anew. */
async function configure(layout: ClusterLayout): Promise<void> {
  for (const folder of ["conf", "logs", "run", "store", "home"]) {
    await Deno.mkdir(`${layout.home}/${folder}`, { recursive: true });
  }
  for (const name of LOGBACK_FILES) {
    await Deno.writeTextFile(`${layout.home}/conf/${name}`, logbackConfig(layout.version));
  }
  for (const node of layout.nodes) {
    await Deno.writeTextFile(nodeFiles(layout, node).conf, nodeConfig(layout, node));
  }
}

/** Waits until `ready` says so. @throws Error with the end of the node's output when it died or took too long. */
async function waitFor(
  layout: ClusterLayout,
  node: NodeLayout,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let missed = 0;
  while (!await ready()) {
    // A process that is being replaced by exec has no command line for a moment: one look is not enough.
    missed = await runningPid(layout, node) === undefined ? missed + 1 : 0;
    const alive = missed < 3;
    if (!alive || Date.now() > deadline) {
      const out = await Deno.readTextFile(nodeFiles(layout, node).out).catch(() => "");
      const met = alive ? `not ready after ${READY_TIMEOUT_MS / 1000} s` : "it died";
      throw new Error(`Cannot start ${node.name}: ${met}\n${out.slice(-3000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Starts those of `nodes` that do not run; resolves when every running name server routes to every running broker. */
async function up(layout: ClusterLayout, nodes: readonly NodeLayout[]): Promise<void> {
  for (const kind of ["namesrv", "broker"] as const) {
    const starting: NodeLayout[] = [];
    for (const node of nodes.filter((node) => node.kind === kind)) {
      if (await runningPid(layout, node) === undefined) starting.push(node);
    }
    for (const node of starting) await startNode(layout, node);
    for (const node of starting) {
      const { out } = nodeFiles(layout, node);
      await waitFor(
        layout,
        node,
        async () => (await Deno.readTextFile(out).catch(() => "")).includes("boot success"),
      );
    }
  }
  const running: NodeLayout[] = [];
  for (const node of layout.nodes) if (await runningPid(layout, node) !== undefined) running.push(node);
  const brokers = running.filter((node) => node.kind === "broker").map((node) => node.master ?? node.name);
  for (const node of running.filter((node) => node.kind === "namesrv")) {
    await waitFor(layout, node, () => knowsBrokers(node.port, brokers));
  }
}

/** Stops nodes one after the other, brokers before the name servers that they unregister from. */
async function down(
  layout: ClusterLayout,
  nodes: readonly NodeLayout[],
  how: "orderly" | "crash",
): Promise<void> {
  for (const node of [...nodes].reverse()) {
    if (await stopNode(layout, node, how)) console.log(`${node.name} stopped`);
  }
}

/** Prints a line per node; whether all of them run. */
async function status(layout: ClusterLayout): Promise<boolean> {
  let all = true;
  console.log(`RocketMQ ${layout.version} in ${layout.home}`);
  for (const node of layout.nodes) {
    const pid = await runningPid(layout, node);
    if (pid === undefined && node.master === undefined) all = false;
    console.log(
      `${node.name.padEnd(9)} 127.0.0.1:${node.port} ${pid === undefined ? "not running" : `pid ${pid}`}`,
    );
  }
  return all;
}

/** Runs mqadmin; the name servers are added where the command takes them from the environment. */
async function admin(layout: ClusterLayout, args: readonly string[]): Promise<number> {
  const options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", ...javaOptions(layout, "tools")];
  const command = ["java", ...options, "org.apache.rocketmq.tools.command.MQAdminStartup", ...args];
  const ended = await run(command, {
    env: { ...javaEnvironment(layout), NAMESRV_ADDR: namesrvAddr(layout) },
  });
  return ended.code;
}

/** The nodes that `names` mean. @throws Error for a name that the cluster does not have. */
function namedNodes(layout: ClusterLayout, names: readonly string[]): NodeLayout[] {
  if (names.length === 0) {
    throw new Error(`Cannot tell which node is meant: name one of ${nodeNames(layout)}`);
  }
  return names.map((name) => {
    const node = layout.nodes.find((node) => node.name === name);
    if (!node) throw new Error(`Cannot find node "${name}": there are ${nodeNames(layout)}`);
    return node;
  });
}

const nodeNames = (layout: ClusterLayout): string => layout.nodes.map((node) => node.name).join(", ");

/** Prepares what every start needs. */
async function prepare(layout: ClusterLayout): Promise<void> {
  await Deno.mkdir(layout.home, { recursive: true });
  await ensureJars(layout);
  await configure(layout);
}

/** Does what the command line says and gives the exit code. */
async function main(version: string, command: string | undefined, args: readonly string[]): Promise<number> {
  const layout = clusterLayout(version);
  switch (command) {
    case "start":
      await prepare(layout);
      await up(layout, layout.nodes.filter((node) => node.master === undefined));
      await status(layout);
      return 0;
    case "stop":
      await down(layout, layout.nodes, "orderly");
      return 0;
    case "status":
      return await status(layout) ? 0 : 1;
    case "wipe":
      await down(layout, layout.nodes, "orderly");
      for (const folder of ["store", "logs"].map((name) => `${layout.home}/${name}`)) {
        if (exists(folder)) await Deno.remove(folder, { recursive: true });
      }
      return 0;
    case "up":
      await prepare(layout);
      await up(layout, namedNodes(layout, args));
      return 0;
    case "down":
    case "kill":
      await down(layout, namedNodes(layout, args), command === "down" ? "orderly" : "crash");
      return 0;
    case "restart":
      await down(layout, namedNodes(layout, args), "orderly");
      await up(layout, namedNodes(layout, args));
      return 0;
    case "admin":
      return await admin(layout, args);
    case "namesrv":
      console.log(namesrvAddr(layout));
      return 0;
    case "classpath":
      await prepare(layout);
      console.log(`${layout.home}/lib/*`);
      return 0;
    default:
      console.error(
        "usage: cluster start|stop|status|wipe|up|down|kill|restart|admin|namesrv|classpath [--version 4.9.7]",
      );
      return 2;
  }
}

const words = [...Deno.args];
const at = words.indexOf("--version");
const [, version = "5.5.0"] = at < 0 ? [] : words.splice(at, 2);
try {
  const [command, ...args] = words;
  Deno.exitCode = await main(version, command, args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exitCode = 1;
}
