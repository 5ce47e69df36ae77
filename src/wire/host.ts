/**
 * The address of a peer inside stored messages and message ids: an IPv4 or IPv6 address, then the port as int32.
 *
 * IPv6 text is written as Java writes it: eight groups without leading zeros, nothing shortened.
 */
import { ProtocolError } from "../core/errors.ts";
import { int32At } from "./bytes.ts";

/** An IP address and a port. */
export interface HostPort {
  /** IPv4 (`127.0.0.1`) or IPv6 (`2001:db8:0:0:0:0:0:1`) address. */
  readonly host: string;
  /** TCP port, 0–65535. */
  readonly port: number;
}

/** Bytes of an IPv4 address. */
export const IPV4_BYTES = 4;
/** Bytes of an IPv6 address. */
export const IPV6_BYTES = 16;

const DECIMAL_BYTE = /^\d{1,3}$/;

/** Whether `host` is an IPv6 address. */
export function isIpv6(host: string): boolean {
  return host.includes(":");
}

/** The address of 4 or 16 bytes at `at`, as text. */
export function ipText(bytes: Uint8Array, at: number, length: number): string {
  if (length === IPV4_BYTES) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  const groups: string[] = [];
  for (let i = at; i < at + IPV6_BYTES; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  return groups.join(":");
}

/** The address and port at `at`. The caller has checked that the bytes are there. @throws ProtocolError for a bad port. */
export function readHost(bytes: Uint8Array, at: number, v6: boolean): HostPort {
  const length = v6 ? IPV6_BYTES : IPV4_BYTES;
  const port = int32At(bytes, at + length);
  if (port < 0 || port > 65535) {
    throw new ProtocolError(`Cannot read address: port ${port} is not in 0–65535`);
  }
  return { host: ipText(bytes, at, length), port };
}

/** The 4 or 16 bytes of an address written as text. @throws ProtocolError when it is none. */
export function ipBytes(host: string): Uint8Array {
  const bytes = isIpv6(host) ? ipv6Bytes(host) : ipv4Bytes(host);
  if (bytes === undefined) throw new ProtocolError(`Cannot write address: "${host}" is not an IP address`);
  return bytes;
}

function ipv4Bytes(host: string): Uint8Array | undefined {
  const bytes = new Uint8Array(IPV4_BYTES);
  const parts = host.split(".");
  if (parts.length !== IPV4_BYTES) return undefined;
  for (let i = 0; i < IPV4_BYTES; i++) {
    const value = DECIMAL_BYTE.test(parts[i]!) ? Number(parts[i]) : 256;
    if (value > 255) return undefined;
    bytes[i] = value;
  }
  return bytes;
}

function ipv6Bytes(host: string): Uint8Array | undefined {
  // An interface's zone ("%eth0") says nothing on another machine.
  const halves = host.split("%")[0]!.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map(ipv6Groups);
  const [head, tail] = groups;
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === IPV6_BYTES ? Uint8Array.from(head) : undefined;
  if (tail === undefined || head.length + tail.length > IPV6_BYTES - 2) return undefined;
  const bytes = new Uint8Array(IPV6_BYTES);
  bytes.set(head);
  bytes.set(tail, IPV6_BYTES - tail.length);
  return bytes;
}

/** The bytes of groups between colons; the last may be an IPv4 address. */
function ipv6Groups(text: string): number[] | undefined {
  const bytes: number[] = [];
  for (const group of text === "" ? [] : text.split(":")) {
    const v4 = group.includes(".") ? ipv4Bytes(group) : undefined;
    if (v4 !== undefined) bytes.push(...v4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    } else return undefined;
  }
  return bytes;
}
