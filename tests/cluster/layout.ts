/**
 * What a test cluster consists of, as data: two name servers, two brokers and a slave of one RocketMQ version.
 *
 * Each version has ports and a state folder of its own, so both can run side by side and next to a RocketMQ that
 * somebody else runs on the usual ports. A broker takes its port, that minus 2 (the "VIP" port) and plus 1 (HA).
 */

/** A version that the tests run on. */
export type Version = "5.5.0" | "4.9.7";

/** One process of the cluster. */
export interface NodeLayout {
  readonly name: string;
  readonly kind: "namesrv" | "broker";
  readonly port: number;
  /** The broker that a slave copies. A slave runs only while a test asks for it. */
  readonly master?: string;
}

/** A whole cluster and where it keeps its things. */
export interface ClusterLayout {
  readonly version: Version;
  /** Everything below belongs to this launcher: `lib`, `conf`, `logs`, `run`, `store`. */
  readonly home: string;
  /** Name servers first: brokers register with them as they start. */
  readonly nodes: readonly NodeLayout[];
}

/** First port of a name server and of a broker, by version. */
const FIRST_PORTS: Record<Version, { namesrv: number; broker: number }> = {
  "5.5.0": { namesrv: 19876, broker: 20911 },
  "4.9.7": { namesrv: 29876, broker: 30911 },
};

/** Settings of every broker. 4.9 ignores the names that only 5.x knows. */
const BROKER_SETTINGS = {
  brokerClusterName: "DefaultCluster",
  brokerId: 0,
  brokerRole: "ASYNC_MASTER",
  flushDiskType: "ASYNC_FLUSH",
  brokerIP1: "127.0.0.1",
  brokerIP2: "127.0.0.1",
  bindAddress: "127.0.0.1",
  defaultTopicQueueNums: 8,
  autoCreateTopicEnable: true,
  autoCreateSubscriptionGroup: true,
  // a restarted name server learns of a broker within this time; 10 s is the least that a broker accepts
  registerNameServerPeriod: 10_000,
  // SQL92 filters and recalled timers are off in a stock broker
  enablePropertyFilter: true,
  recallMessageEnable: true,
  traceTopicEnable: true,
  // tests do not wait a minute for a transaction check, nor for the first ten delay levels
  transactionTimeOut: 3000,
  transactionCheckInterval: 2000,
  messageDelayLevel: "1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 15s 20s 30s 1m 2m 10m 1h 2h",
  timerPrecisionMs: 100,
  // small files: a fresh store is made in milliseconds
  mappedFileSizeCommitLog: 67_108_864,
  mappedFileSizeConsumeQueue: 1_200_000,
  mappedFileSizeTimerLog: 10_485_760,
  maxHashSlotNum: 200_000,
  maxIndexNum: 800_000,
  diskMaxUsedSpaceRatio: 99,
  // a busy machine is no reason to refuse
  waitTimeMillsInSendQueue: 5000,
  waitTimeMillsInPullQueue: 15_000,
  osPageCacheBusyTimeOutMills: 5000,
  // a stock broker ends every pull at 32 messages or 256 KiB
  maxTransferCountOnMessageInMemory: 256,
  maxTransferBytesOnMessageInMemory: 1_048_576,
};

/** The folder that all versions are kept below: CONTRAIL_CLUSTER_HOME, or one in the user's cache. */
function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
  return Deno.env.get("CONTRAIL_CLUSTER_HOME") ?? `${cache}/contrail-cluster`;
}

/** CONTRAIL_CLUSTER_PORT_SHIFT moves every port, so that a second cluster (with a home of its own) can run beside the first. */
function portShift(): number {
  return Number(Deno.env.get("CONTRAIL_CLUSTER_PORT_SHIFT") ?? 0);
}

/** The cluster of a version. @throws Error for a version that the tests do not know. */
export function clusterLayout(version: string): ClusterLayout {
  if (!(version in FIRST_PORTS)) {
    throw new Error(`Cannot run RocketMQ "${version}": known are ${Object.keys(FIRST_PORTS).join(", ")}`);
  }
  const known = FIRST_PORTS[version as Version], shift = portShift();
  const first = { namesrv: known.namesrv + shift, broker: known.broker + shift };
  return {
    version: version as Version,
    home: `${cacheFolder()}/${version}`,
    nodes: [
      { name: "ns-1", kind: "namesrv", port: first.namesrv },
      { name: "ns-2", kind: "namesrv", port: first.namesrv + 1 },
      { name: "broker-a", kind: "broker", port: first.broker },
      { name: "broker-b", kind: "broker", port: first.broker + 10 },
      { name: "broker-b-slave", kind: "broker", port: first.broker + 20, master: "broker-b" },
    ],
  };
}

/** The name servers as a client is told about them. */
export function namesrvAddr(layout: ClusterLayout): string {
  return layout.nodes.filter((node) => node.kind === "namesrv").map((node) => `127.0.0.1:${node.port}`).join(
    ";",
  );
}

/** The text of a node's configuration file. */
export function nodeConfig(layout: ClusterLayout, node: NodeLayout): string {
  const store = `${layout.home}/store/${node.name}`;
  const settings = node.kind === "namesrv"
    ? {
      listenPort: node.port,
      bindAddress: "127.0.0.1",
      kvConfigPath: `${store}/kv.json`,
      configStorePath: `${store}/namesrv.properties`,
      scanNotActiveBrokerInterval: 1000,
    }
    : {
      ...BROKER_SETTINGS,
      ...(node.master
        ? { brokerName: node.master, brokerId: 1, brokerRole: "SLAVE", slaveReadEnable: true }
        : { brokerName: node.name }),
      listenPort: node.port,
      namesrvAddr: namesrvAddr(layout),
      storePathRootDir: store,
      storePathCommitLog: `${store}/commitlog`,
    };
  return Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join("");
}

/** A logback file that writes warnings to the file named by the system property `rmq.log.file`. */
export function logbackConfig(version: Version): string {
  // 5.x carries logback under another package name
  const logback = version.startsWith("4.") ? "ch.qos.logback" : "org.apache.rocketmq.logging.ch.qos.logback";
  return `<configuration>
  <appender name="file" class="${logback}.core.FileAppender">
    <file>\${rmq.log.file}</file>
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5p %t %logger{20} - %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="file"/></root>
</configuration>
`;
}

/** Where 4.9 looks for its logback files under ROCKETMQ_HOME; 5.x is told by a system property. */
export const LOGBACK_FILES = [
  "logback.xml",
  "logback_namesrv.xml",
  "logback_broker.xml",
  "logback_tools.xml",
] as const;
