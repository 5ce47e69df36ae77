/**
 * Message ids: the broker's, which says where a message is stored, and the producer's, which is unique.
 *
 * Offset id: storing broker's IP (4 or 16 bytes), port (int32), commit-log offset (int64). Unique id: maker's IP, pid
 * (int16), loader (int32), milliseconds since the local month began (int32), counter (int16). Both in upper-case hex.
 */
import { ProtocolError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { ByteReader, ByteWriter, hexText } from "../wire/bytes.ts";
import { type HostPort, ipBytes, ipText, IPV4_BYTES, IPV6_BYTES, readHost } from "../wire/host.ts";
import { monthStart, previousMonthStart } from "./month.ts";

/** Hex digits of an offset id with an IPv4 address. */
const IPV4_OFFSET_ID_LENGTH = 32;
/** Bytes of a unique id behind its IP address. */
const UNIQUE_TAIL_BYTES = 12;

/** What an offset id says. */
export interface OffsetId extends HostPort {
  /** Offset in the broker's commit log. */
  readonly offset: number;
}

/** The offset id of a message stored by `broker` at commit-log `offset` (Java: MessageDecoder.createMessageId). */
export function encodeOffsetId(broker: HostPort, offset: number | bigint): string {
  const tail = new DataView(new ArrayBuffer(12));
  tail.setInt32(0, broker.port);
  tail.setBigInt64(4, BigInt(offset));
  return hexText(ipBytes(broker.host)) + hexText(new Uint8Array(tail.buffer));
}

/**
 * What an offset id says (Java: MessageDecoder.decodeMessageId): lower case is fine, what is no hex digit counts as
 * Java counts it, 32 digits mean IPv4 and any other number IPv6.
 *
 * @throws ProtocolError when it is too short, or its port is not in 0–65535.
 */
export function decodeOffsetId(id: string): OffsetId {
  const bytes = hexBytes(id);
  const v6 = id.length !== IPV4_OFFSET_ID_LENGTH;
  const hostBytes = (v6 ? IPV6_BYTES : IPV4_BYTES) + 4;
  if (bytes.length < hostBytes + 8) {
    throw new ProtocolError(
      `Cannot read offset message id "${id}": ${id.length} hex digits are neither 32 nor 56`,
    );
  }
  const reader = new ByteReader(bytes, "offset message id", hostBytes);
  return { ...readHost(bytes, 0, v6), offset: reader.int64() };
}

/** Java's UtilAll.string2bytes: a character that is no hex digit counts as −1. */
function hexBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  const digit = (at: number): number => "0123456789ABCDEF".indexOf(hex[at]!.toUpperCase());
  for (let i = 0; i < bytes.length; i++) bytes[i] = (digit(2 * i) << 4) | digit(2 * i + 1);
  return bytes;
}

/** What a unique id says of its maker. */
export interface UniqueId {
  /** IP address of the maker. */
  readonly host: string;
  /** Low 16 bits of its process id. */
  readonly pid: number;
  /** Milliseconds from the beginning of the maker's month until the id was made. */
  readonly sinceMonthStartMs: number;
  /** The counter. */
  readonly counter: number;
}

/** What a unique id says. @throws ProtocolError when it has neither 32 nor 56 hex digits. */
export function decodeUniqueId(id: string): UniqueId {
  const bytes = hexBytes(id);
  const ip = bytes.length - UNIQUE_TAIL_BYTES;
  if ((ip !== IPV4_BYTES && ip !== IPV6_BYTES) || id.length % 2 === 1) {
    throw new ProtocolError(
      `Cannot read unique message id "${id}": ${id.length} hex digits are neither 32 nor 56`,
    );
  }
  const reader = new ByteReader(bytes, "unique message id", ip);
  const pid = reader.int16() & 0xffff;
  reader.int32();
  return {
    host: ipText(bytes, 0, ip),
    pid,
    sinceMonthStartMs: reader.int32(),
    counter: reader.int16() & 0xffff,
  };
}

/**
 * About when a unique id was made, milliseconds since the epoch (Java: MessageClientIDSetter.getNearlyTimeFromID): in
 * the current month of this machine's zone, in the one before when that would be later than `now`.
 */
export function uniqueIdTime(id: string, now: number): number {
  const { sinceMonthStartMs } = decodeUniqueId(id);
  const time = monthStart(now) + sinceMonthStartMs;
  return time <= now ? time : previousMonthStart(now) + sinceMonthStartMs;
}

/** What unique ids are made of. */
export interface UniqueIdOptions {
  /** Tells the time. */
  readonly clock: { now(): number };
  /** Chance, for what tells this maker from others. */
  readonly random: Random;
  /** IP address of this machine; when absent, the low 4 bytes of the time stand for it, as in Java. */
  readonly ip?: string | undefined;
  /** Process id; by default a random one. */
  readonly pid?: number | undefined;
}

/**
 * A maker of unique ids (Java: MessageClientIDSetter.createUniqID). Two makers differ by a random number of 32 bits, two
 * ids of one maker by counter and time.
 */
export function createUniqueIds(options: UniqueIdOptions): () => string {
  const { clock, random } = options;
  const ip = options.ip === undefined ? lowBytes(clock.now()) : ipBytes(options.ip);
  const head = new ByteWriter(24).bytes(ip).int16(options.pid ?? random.int(65536)).int32(
    random.int(4294967296),
  );
  const prefix = hexText(head.done());
  const tail = new Uint8Array(6);
  let counter = 0;
  let start = monthStart(clock.now());
  let nextStart = monthStart(start + 32 * DAY_MS);
  return () => {
    const now = clock.now();
    if (now >= nextStart) {
      start = monthStart(now);
      nextStart = monthStart(start + 32 * DAY_MS);
    }
    // A clock that went back a little, over the month's edge, counts as its beginning.
    const since = Math.max(0, now - start);
    tail[0] = since >>> 24;
    tail[1] = since >>> 16;
    tail[2] = since >>> 8;
    tail[3] = since;
    tail[4] = counter >>> 8;
    tail[5] = counter;
    counter = (counter + 1) & 0xffff;
    return prefix + hexText(tail);
  };
}

const DAY_MS = 86_400_000;

function lowBytes(now: number): Uint8Array {
  return new ByteWriter(4).int32(now % 4294967296 | 0).done();
}
