/**
 * Who a client is: `ip@pid#random`, followed by `@unit` in a unitised deployment.
 *
 * Brokers tell the members of a group apart by it, and every member sorts by it when queues are allocated. It agrees
 * with ClientConfig.buildMQClientId and changeInstanceNameToPID, with chance in the place of nanoTime.
 */
import type { Random } from "../core/random.ts";

/** What an id is made of. */
export interface IdentityParts {
  /** Address of this host. */
  readonly ip: string;
  /** Name of the instance; `pid#random` when absent or `DEFAULT`. */
  readonly instanceName?: string | undefined;
  /** Name of the unit. */
  readonly unitName?: string | undefined;
  /** Number of the process; the platform's by default. */
  readonly pid?: number | undefined;
}

/** The client id. */
export function clientIdOf(parts: IdentityParts, random: Random): string {
  const { instanceName, unitName } = parts;
  const unique = instanceName === undefined || instanceName === "DEFAULT"
    ? `${parts.pid ?? platformPid() ?? random.int(4_194_304)}#${random.int(0x1_0000_0000)}${
      random.int(1_000_000)
    }`
    : instanceName;
  return `${plainIp(parts.ip)}@${unique}${unitName ? `@${unitName}` : ""}`;
}

/** An IPv4 address that a dual-stack socket shows as IPv6 (`::ffff:10.0.0.1`) in its plain form. */
export function plainIp(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/** The three runtimes have `process.pid`, and none asks for permission to read it. */
function platformPid(): number | undefined {
  const process: unknown = Reflect.get(globalThis, "process");
  const pid: unknown = typeof process === "object" && process !== null
    ? Reflect.get(process, "pid")
    : undefined;
  return typeof pid === "number" ? pid : undefined;
}
