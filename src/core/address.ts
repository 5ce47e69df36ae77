/**
 * How the place of a server or a client is written: every error, table and message that names one writes it alike.
 */

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
