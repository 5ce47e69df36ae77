/**
 * What TLS decides, without its bytes: would this client accept this listener's certificate?
 *
 * The memory network carries plain chunks; of TLS it keeps the verdict, reached from the same PEM texts by the same rules
 * (trusted issuer, right name), so that a test of a refused certificate means the same on every transport.
 */
import { X509Certificate } from "node:crypto";
import type { ListenTlsOptions, TlsOptions } from "./seam.ts";

/** Why a handshake between the two sides fails, or undefined when it succeeds. `host` is the dialled name. */
export function handshakeProblem(
  client: TlsOptions | undefined,
  listener: ListenTlsOptions | undefined,
  host: string,
): string | undefined {
  if (!client && !listener) return undefined;
  if (!client || !listener) return `only the ${client ? "dialling" : "listening"} side speaks TLS`;
  if (client.insecureSkipVerify) return undefined;
  const certificate = new X509Certificate(listener.cert);
  const trusted = (client.caCerts ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return authority.fingerprint256 === certificate.fingerprint256 || certificate.verify(authority.publicKey);
  });
  if (!trusted) return "the issuer of the peer's certificate is not trusted";
  const name = client.serverName ?? host;
  const matches = isIpAddress(name) ? certificate.checkIP(name) : certificate.checkHost(name);
  return matches ? undefined : `the peer's certificate is not valid for name "${name}"`;
}

function isIpAddress(name: string): boolean {
  return name.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
