/**
 * Which name servers there are: a list that was given, or the address of a server that knows the list.
 *
 * `a:9876;b:9876`, an array of such, or `http://host[:port]/path` whose answer's first line is a list. A URL without a
 * path is one endpoint, as in Java's NameServerAddressUtils.
 */
import { LimitedBytesTransformStream, toText } from "@std/streams";
import { ConfigError, NameServerError } from "../core/errors.ts";
import { parseAddress } from "../remoting/address.ts";
import type { Clock } from "../time/clock.ts";

/** Where the addresses of the name servers come from. */
export type NameServerSource =
  | { readonly kind: "static"; readonly addresses: readonly string[] }
  | { readonly kind: "http"; readonly url: string };

/** The part of `fetch` that asking an address server needs. */
export type Fetch = (url: string, options: { readonly signal: AbortSignal }) => Promise<Response>;

/** How long an address server may take, in milliseconds (DefaultTopAddressing). */
const ADDRESS_SERVER_TIMEOUT_MS = 3000;
/** An answer that is longer is not a list of name servers. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Reads the option `namesrvAddr`. @throws ConfigError when it holds no address, or something that is none. */
export function parseNameServers(namesrvAddr: string | readonly string[]): NameServerSource {
  const texts = (typeof namesrvAddr === "string" ? [namesrvAddr] : namesrvAddr)
    .flatMap((text) => text.split(/[;,]/)).map((text) => text.trim()).filter((text) => text !== "");
  const url = texts.length === 1 ? addressServerUrl(texts[0]!) : undefined;
  if (url !== undefined) return { kind: "http", url };
  if (texts.length === 0) throw new ConfigError("Cannot use namesrvAddr: it names no server");
  return { kind: "static", addresses: [...new Set(texts.map(endpoint))] };
}

/**
 * Asks an address server for its list.
 *
 * @throws NameServerError when it does not answer 200 within 3 s, its answer is longer than 64 KiB or the first line of
 * that is no list of addresses.
 */
export async function fetchNameServers(
  url: string,
  world: { readonly clock: Clock; readonly fetch: Fetch; readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(world.signal!.reason);
  world.signal?.throwIfAborted();
  world.signal?.addEventListener("abort", onAbort, { once: true });
  const patience = new AbortController();
  const tooLate = new Error(`no answer within ${ADDRESS_SERVER_TIMEOUT_MS} ms`);
  world.clock.sleep(ADDRESS_SERVER_TIMEOUT_MS, patience.signal).then(() => stop.abort(tooLate), () => {});
  try {
    const response = await world.fetch(url, { signal: stop.signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`its status is ${response.status}`);
    }
    const source = parseNameServers(await firstLine(response));
    if (source.kind === "http") throw new Error(`it names another address server, ${source.url}`);
    return source.addresses;
  } catch (cause) {
    world.signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NameServerError(`Cannot get the list of name servers from ${url}: ${reason}`, { cause });
  } finally {
    patience.abort();
    world.signal?.removeEventListener("abort", onAbort);
  }
}

function addressServerUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new ConfigError(`Cannot use namesrvAddr: it is no URL, current value is "${text}"`);
  return url.pathname === "/" && url.search === "" ? undefined : text;
}

function endpoint(text: string): string {
  const address = text.replace(/^https?:\/\//i, "").replace(/\/$/, "");
  try {
    parseAddress(address);
  } catch (cause) {
    throw new ConfigError(`Cannot use namesrvAddr: "${text}" is not host:port`, { cause });
  }
  return address;
}

async function firstLine({ body }: Response): Promise<string> {
  if (!body) return "";
  const bounded = body.pipeThrough(new LimitedBytesTransformStream(MAX_ANSWER_BYTES, { error: true }));
  const text = await toText(bounded);
  return text.split("\n", 1)[0]!.trim();
}
