/**
 * `host:port` as people and name servers write it.
 */
import { ValidationError } from "../core/errors.ts";
import type { Address } from "../transport/seam.ts";

/**
 * The address of `host:port` or `[v6]:port`; the last colon separates, as in Java's RemotingHelper.string2SocketAddress.
 *
 * @throws ValidationError when there is no host or no port of 1 to 65535.
 */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, "$1");
  const portText = text.slice(colon + 1);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (host === "" || /[\s/]/.test(host) || port < 1 || port > 65_535) {
    throw new ValidationError(`Cannot read address as host:port: current value is "${text}"`);
  }
  return { host, port };
}
