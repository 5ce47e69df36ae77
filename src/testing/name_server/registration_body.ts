/**
 * What a registration carries in its body: JSON, or with `compressedRegister` a zlib stream of counted parts.
 *
 *   length, data version (JSON) │ count, per topic: length, "name readQueues writeQueues perm filterType attributes" │ length, filter
 *   servers (JSON) │ from 5.0 on: count, per static topic: length, mapping (JSON)
 * Every length and count is an int32. Agrees with RegisterBrokerBody.decode and TopicConfig.decode.
 */
import { ProtocolError } from "../../core/errors.ts";
import {
  dataVersion,
  type RegisterBrokerBody,
  registerBrokerBody,
  type TopicConfig,
} from "../../protocol/bodies.ts";
import { ByteReader } from "../../wire/bytes.ts";
import { decompress } from "../../wire/compression.ts";

/** What a broker tells of itself; static topics are left out. @throws ProtocolError when it cannot be read. */
export function readRegistration(body: Uint8Array, compressed: boolean): RegisterBrokerBody {
  if (!compressed) return registerBrokerBody.read(body);
  const reader = new ByteReader(decompress("ZLIB", body), "registration");
  const version = dataVersion.read(reader.bytes(reader.int32()));
  const topicConfigTable: Record<string, TopicConfig> = {};
  for (let left = reader.int32(); left > 0; left--) {
    const config = readTopic(reader.text(reader.int32()));
    topicConfigTable[config.topicName!] = config;
  }
  return { topicConfigSerializeWrapper: { topicConfigTable, dataVersion: version }, filterServerList: [] };
}

function readTopic(text: string): TopicConfig {
  const [topicName, reads, writes, perm, topicFilterType] = text.split(" ");
  const [readQueueNums, writeQueueNums, bits] = [Number(reads), Number(writes), Number(perm)];
  if (
    !topicName || topicFilterType === undefined ||
    ![readQueueNums, writeQueueNums, bits].every(Number.isInteger)
  ) {
    throw new ProtocolError(`Cannot read registration: "${text}" is no topic`);
  }
  return {
    topicName,
    readQueueNums,
    writeQueueNums,
    perm: bits,
    topicFilterType,
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}
