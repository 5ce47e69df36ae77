/**
 * Requests to name servers and brokers without the library under test: what a scenario sets up and checks by.
 *
 * One request, one connection, a JSON header, no more. So a scenario never believes the library about itself.
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** The codes that are asked here. */
export const RequestCode = {
  PULL_MESSAGE: 11,
  QUERY_CONSUMER_OFFSET: 14,
  UPDATE_CONSUMER_OFFSET: 15,
  UPDATE_AND_CREATE_TOPIC: 17,
  UPDATE_BROKER_CONFIG: 25,
  GET_MAX_OFFSET: 30,
  UNLOCK_BATCH_MQ: 42,
  GET_ROUTE: 105,
  GET_CLUSTER: 106,
  RESET_CONSUMER_CLIENT_OFFSET: 220,
  INVOKE_BROKER_TO_RESET_OFFSET: 222,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: 223,
  GET_CONSUMER_RUNNING_INFO: 307,
  CONSUME_MESSAGE_DIRECTLY: 309,
  GET_ALL_MESSAGE_REQUEST_MODE: 402,
  ACK_MESSAGE: 200_051,
  BATCH_ACK_MESSAGE: 200_151,
} as const;

/** What came back. */
export interface BareReply {
  readonly code: number;
  readonly remark: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A queue, and the address of its broker. */
export interface BareQueue {
  readonly address: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** How long an answer may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Sends one request to `address` and gives the answer, whatever its code. */
export function bareRequest(
  address: string,
  code: number,
  fields: Readonly<Record<string, string | number | boolean>> = {},
  body = "",
): Promise<BareReply> {
  const [host, port] = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(new Error(`Cannot ask ${address} with code ${code}: ${error.message}`));
    };
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    socket.on("error", fail);
    socket.on("end", () => fail(new Error("the connection was closed")));
    socket.on("connect", () => socket.write(requestFrame(code, fields, Buffer.from(body))));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) return;
      socket.removeAllListeners("end");
      socket.destroy();
      resolve(readReply(received.subarray(4)));
    });
  });
}

/** The same, for an answer that must be success. @throws Error with the remark. */
export async function bareCall(...args: Parameters<typeof bareRequest>): Promise<BareReply> {
  const reply = await bareRequest(...args);
  if (reply.code !== 0) {
    throw new Error(`${args[0]} answers request ${args[1]} with ${reply.code}: ${reply.remark}`);
  }
  return reply;
}

/** Addresses of the masters, by broker name, in the order of the names. */
export async function brokerAddresses(nameServer: string): Promise<Map<string, string>> {
  const { body } = await bareCall(nameServer, RequestCode.GET_CLUSTER);
  const { brokerAddrTable } = JSON.parse(quoteKeys(body.toString())) as {
    brokerAddrTable: Record<string, { brokerAddrs: Record<string, string> }>;
  };
  const masters = Object.entries(brokerAddrTable).map(([name, { brokerAddrs }]) =>
    [name, brokerAddrs["0"]!] as const
  );
  return new Map(masters.sort(([a], [b]) => a < b ? -1 : 1));
}

/** A topic at one broker, as a name server tells it. */
export interface BareTopic {
  readonly address: string;
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
}

/** Where a topic is: at which masters, or slaves of an id; nowhere when it does not exist. */
export async function placesOf(nameServer: string, topic: string, brokerId = 0): Promise<BareTopic[]> {
  const { code, body } = await bareRequest(nameServer, RequestCode.GET_ROUTE, { topic });
  if (code !== 0) return [];
  const route = JSON.parse(quoteKeys(body.toString())) as {
    queueDatas: Omit<BareTopic, "address">[];
    brokerDatas: { brokerName: string; brokerAddrs: Record<string, string> }[];
  };
  return route.queueDatas.flatMap(({ brokerName, readQueueNums, writeQueueNums }) => {
    const broker = route.brokerDatas.find((each) => each.brokerName === brokerName);
    const address = broker?.brokerAddrs[brokerId];
    return address === undefined ? [] : [{ address, brokerName, readQueueNums, writeQueueNums }];
  });
}

/** The queues of a topic that can be read at masters, or at slaves of an id; none when it does not exist. */
export async function queuesOf(nameServer: string, topic: string, brokerId = 0): Promise<BareQueue[]> {
  return (await placesOf(nameServer, topic, brokerId)).flatMap(({ address, brokerName, readQueueNums }) =>
    Array.from({ length: readQueueNums }, (_, queueId) => ({ address, brokerName, queueId }))
  );
}

/** `host:port` in two parts. */
export function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}

/** Entries of the JSON map `name`, whose keys are queues: by queue id, each value as text. */
export function queueEntries(json: string, name: string): Map<number, string> {
  const map = json.slice(json.indexOf(`"${name}":{`) + name.length + 3);
  const entries = map.matchAll(/\{("[^{}]*?"queueId":(\d+)[^{}]*?)\}:(-?\d+|\{[^{}]*\})/g);
  return new Map(Array.from(entries, ([, , queueId, value]) => [Number(queueId), value!]));
}

/** fastjson writes number keys without quotes. */
function quoteKeys(json: string): string {
  return json.replace(/([{,])(\d+):/g, '$1"$2":');
}

function requestFrame(
  code: number,
  fields: Readonly<Record<string, string | number | boolean>>,
  body: Buffer,
): Buffer {
  const extFields = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  const header = Buffer.from(
    JSON.stringify({
      code,
      extFields,
      flag: 0,
      language: "JAVA",
      opaque: 1,
      serializeTypeCurrentRPC: "JSON",
      version: 401,
    }),
  );
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(4 + header.length + body.length, 0);
  lengths.writeUInt32BE(header.length, 4);
  return Buffer.concat([lengths, header, body]);
}

function readReply(frame: Buffer): BareReply {
  const headerBytes = frame.readUInt32BE(0) & 0xff_ffff;
  const header = JSON.parse(frame.subarray(4, 4 + headerBytes).toString()) as {
    code: number;
    remark?: string;
    extFields?: Record<string, string>;
  };
  return {
    code: header.code,
    remark: header.remark,
    fields: header.extFields ?? {},
    body: frame.subarray(4 + headerBytes),
  };
}
