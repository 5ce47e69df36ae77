/**
 * The bits of a message's `sysFlag`: what the system, not the user, says about a message.
 */
import { COMPRESSED, COMPRESSION_TYPE_MASK } from "../wire/compression.ts";
import { BORN_HOST_V6, STORE_HOST_V6 } from "../wire/record.ts";

/** Bits and masks of `sysFlag` (Java: MessageSysFlag). */
export const SysFlag = {
  /** The stored body is compressed. */
  COMPRESSED,
  /** The message has several tags (never set by current clients). */
  MULTI_TAGS: 0x2,
  /** Half message of a transaction. */
  TRANSACTION_PREPARED: 0x4,
  /** Committed message of a transaction. */
  TRANSACTION_COMMIT: 0x8,
  /** Rolled-back message of a transaction. */
  TRANSACTION_ROLLBACK: 0xc,
  /** Mask of the three transaction states; 0 is no transaction. */
  TRANSACTION_MASK: 0xc,
  /** bornHost is an IPv6 address. */
  BORN_HOST_V6,
  /** storeHost is an IPv6 address. */
  STORE_HOST_V6,
  /** The body is a batch that the consumer takes apart; with INNER_BATCH. */
  NEED_UNWRAP: 0x40,
  /** The record stands for several messages. */
  INNER_BATCH: 0x80,
  /** Mask of the compression format, see wire/compression.ts. */
  COMPRESSION_TYPE_MASK,
} as const;

/** The transaction bits of `sysFlag`. */
export function transactionState(sysFlag: number): number {
  return sysFlag & SysFlag.TRANSACTION_MASK;
}

/** Whether the record's body is a batch to be taken apart. */
export function isInnerBatch(sysFlag: number): boolean {
  const both = SysFlag.NEED_UNWRAP | SysFlag.INNER_BATCH;
  return (sysFlag & both) === both;
}
