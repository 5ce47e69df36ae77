/**
 * One JVM of the test cluster: started in the background, known by its pid file, stopped by that pid alone.
 *
 * A pid file outlives its process, and the system hands pids out again. So a pid counts as ours only while the command
 * line of the process names this node's configuration file.
 */
import { type ClusterLayout, LOGBACK_FILES, type NodeLayout } from "./layout.ts";

const OPENS = ["java.nio", "java.lang", "java.util", "sun.nio.ch"].map((name) =>
  `--add-opens=java.base/${name}=ALL-UNNAMED`
);
const MAIN_CLASSES = {
  namesrv: "org.apache.rocketmq.namesrv.NamesrvStartup",
  broker: "org.apache.rocketmq.broker.BrokerStartup",
};
const HEAPS = { namesrv: "192m", broker: "512m" };

/** Where a node keeps its files. */
export function nodeFiles(
  layout: ClusterLayout,
  node: NodeLayout,
): { conf: string; pid: string; out: string } {
  return {
    conf: `${layout.home}/conf/${node.name}.conf`,
    pid: `${layout.home}/run/${node.name}.pid`,
    out: `${layout.home}/logs/${node.name}.out`,
  };
}

/** What stands before the main class in every `java` command of this cluster. */
export function javaOptions(layout: ClusterLayout, name: string): string[] {
  return [
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    ...OPENS,
    "-Djava.net.preferIPv4Stack=true",
    `-Drocketmq.home.dir=${layout.home}`,
    `-Drmq.logback.configurationFile=${layout.home}/conf/${LOGBACK_FILES[0]}`,
    `-Drmq.log.file=${layout.home}/logs/${name}.log`,
    `-Duser.home=${layout.home}/home`,
    "-cp",
    `${layout.home}/conf:${layout.home}/lib/*`,
  ];
}

/** The environment of every process of this cluster; NAMESRV_ADDR of the caller would overrule its configuration. */
export function javaEnvironment(layout: ClusterLayout): Record<string, string> {
  return { ROCKETMQ_HOME: layout.home, NAMESRV_ADDR: "" };
}

/** Starts a node in the background, detached from this program, and notes its pid. */
export async function startNode(layout: ClusterLayout, node: NodeLayout): Promise<void> {
  const files = nodeFiles(layout, node);
  const heap = HEAPS[node.kind];
  await Deno.remove(files.out).catch(() => {}); // what the last one said would be taken for this one's word
  const java = ["java", `-Xms${heap}`, `-Xmx${heap}`, ...javaOptions(layout, node.name)];
  const child = new Deno.Command("sh", {
    // exec: the pid of the shell becomes that of the JVM
    args: [
      "-c",
      'out=$1; shift; exec "$@" >"$out" 2>&1',
      "sh",
      files.out,
      ...java,
      MAIN_CLASSES[node.kind],
      "-c",
      files.conf,
    ],
    env: javaEnvironment(layout),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  await Deno.writeTextFile(files.pid, String(child.pid));
}

/** The pid of a node that runs, or undefined. */
export async function runningPid(layout: ClusterLayout, node: NodeLayout): Promise<number | undefined> {
  const files = nodeFiles(layout, node);
  const pid = Number(await Deno.readTextFile(files.pid).catch(() => ""));
  return pid > 0 && (await commandLine(pid)).includes(files.conf) ? pid : undefined;
}

/** The command line of a process, "" when there is none. */
async function commandLine(pid: number): Promise<string> {
  if (Deno.build.os === "linux") return await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "args=", "-p", String(pid)] }).output();
  return new TextDecoder().decode(stdout);
}

/** Ends a node and waits until it is gone: orderly, or at once as a crash would. Whether it was running. */
export async function stopNode(
  layout: ClusterLayout,
  node: NodeLayout,
  how: "orderly" | "crash",
): Promise<boolean> {
  const pid = await runningPid(layout, node);
  if (pid === undefined) return false;
  const patienceMs = 60_000;
  const startedAt = Date.now();
  Deno.kill(pid, how === "orderly" ? "SIGTERM" : "SIGKILL");
  while (await runningPid(layout, node) !== undefined) {
    if (Date.now() - startedAt > patienceMs) Deno.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Deno.remove(nodeFiles(layout, node).pid).catch(() => {}); // whoever stopped it at the same time was faster
  return true;
}
