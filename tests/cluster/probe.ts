/**
 * One question to a name server: which brokers does it know?
 *
 * A broker that has printed "boot success" serves clients only once the name servers route to it. The question is
 * GET_BROKER_CLUSTER_INFO written by hand, so that the launcher does not lean on the library that it is there to test.
 */

const GET_BROKER_CLUSTER_INFO = 106;

/** The answer's body as text, with the keys that fastjson leaves unquoted. @throws when nobody answers. */
async function clusterInfo(port: number): Promise<string> {
  const header = new TextEncoder().encode(JSON.stringify({
    code: GET_BROKER_CLUSTER_INFO,
    language: "OTHER",
    version: 0,
    opaque: 1,
    flag: 0,
  }));
  const frame = new Uint8Array(8 + header.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4 + header.length);
  view.setUint32(4, header.length);
  frame.set(header, 8);

  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(frame);
  const answer = new Uint8Array(65_536);
  let size = 0;
  while (size < 4 || size < 4 + new DataView(answer.buffer).getUint32(0)) {
    const read = await connection.read(answer.subarray(size));
    if (!read) throw new Error(`Cannot ask the name server on port ${port}: it closed the connection`);
    size += read;
  }
  return new TextDecoder().decode(answer.subarray(4, size));
}

/** Whether the name server on `port` routes to all of `brokers`. */
export async function knowsBrokers(port: number, brokers: readonly string[]): Promise<boolean> {
  const info = await clusterInfo(port).catch(() => "");
  return info !== "" && brokers.every((name) => info.includes(`"${name}"`));
}
