/**
 * The compressed bodies of stored messages.
 *
 * Three formats: zlib streams, LZ4 frames, zstd frames; which one, three bits of `sysFlag` say. Whatever a few bytes
 * claim to unfold into, never more than the caller's limit is made of them.
 */
import { constants, deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ProtocolError } from "../core/errors.ts";
import { plainBytes } from "./bytes.ts";
import { lz4Compress, lz4Decompress } from "./lz4.ts";
import { checkZstdFrames } from "./zstd.ts";

/** A format of compression. */
export type CompressionType = "LZ4" | "ZSTD" | "ZLIB";

/** Bit of `sysFlag`: the body is compressed. */
export const COMPRESSED = 0x1;
/** Bits of `sysFlag` that tell the format; they mean nothing without {@linkcode COMPRESSED}. */
export const COMPRESSION_TYPE_MASK = 0x700;
/** Largest body that is unfolded unless told otherwise: 64 MiB. */
export const DEFAULT_MAX_BODY_BYTES: number = 64 * 1024 * 1024;
/** zlib's level in the Java client. */
const DEFAULT_LEVEL = 5;

const TYPE_BITS: Readonly<Record<CompressionType, number>> = { LZ4: 0x100, ZSTD: 0x200, ZLIB: 0x300 };

/** The bits of `sysFlag` for a body compressed with `type`, {@linkcode COMPRESSED} included. */
export function compressionFlag(type: CompressionType): number {
  return TYPE_BITS[type] | COMPRESSED;
}

/** The format of a compressed body; without type bits it is zlib, the only one before 4.9.3. @throws ProtocolError for 4–7. */
export function compressionType(sysFlag: number): CompressionType {
  const bits = sysFlag & COMPRESSION_TYPE_MASK;
  if (bits === 0 || bits === TYPE_BITS.ZLIB) return "ZLIB";
  if (bits === TYPE_BITS.LZ4) return "LZ4";
  if (bits === TYPE_BITS.ZSTD) return "ZSTD";
  throw new ProtocolError(`Cannot read body: its compression type is ${bits >> 8}, which nobody has defined`);
}

/** Compresses `bytes`; `level` is zlib's (0–9) and zstd's, 5 by default as in Java. */
export function compress(
  type: CompressionType,
  bytes: Uint8Array,
  level: number = DEFAULT_LEVEL,
): Uint8Array {
  if (type === "LZ4") return lz4Compress(bytes);
  if (type === "ZLIB") return plainBytes(deflateSync(bytes, { level }));
  return plainBytes(zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }));
}

/**
 * Unfolds `bytes`.
 *
 * @throws ProtocolError when the bytes are broken or incomplete, or unfold into more than `maxBytes`.
 */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes: number = DEFAULT_MAX_BODY_BYTES,
): Uint8Array {
  try {
    if (type === "LZ4") return lz4Decompress(bytes, maxBytes);
    if (type === "ZLIB") return plainBytes(inflateSync(bytes, { maxOutputLength: Math.max(1, maxBytes) }));
    checkZstdFrames(bytes, maxBytes);
    return plainBytes(zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxBytes) }));
  } catch (cause) {
    const met = (cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE"
      ? `it unfolds into more than ${maxBytes} bytes`
      : (cause as Error).message;
    throw new ProtocolError(`Cannot decompress ${type} body of ${bytes.length} bytes: ${met}`, { cause });
  }
}
