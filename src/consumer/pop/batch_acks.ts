/**
 * Many receipts of one broker as the entries of one BATCH_ACK_MESSAGE.
 *
 * Messages that were popped together from one queue have handles that differ in their last part only, the message's offset;
 * an entry names what they share once, and the offsets as bits counted from the first of the pop. Agrees with
 * MQClientAPIImpl.batchAckMessageAsync.
 */
import type { BatchAck } from "../../protocol/bodies.ts";
import { PopHandle } from "../../protocol/pop.ts";
import type { PopReceipt } from "./receipt.ts";

/** Most bits of one entry: what lies further from the start of its pop (a filter skipped much) goes alone. */
const MAX_BITS = 65_536;

/** The entries, and the receipts that fit in none. @throws ProtocolError for a handle that cannot be read. */
export function batchAcks(
  consumerGroup: string,
  receipts: readonly PopReceipt[],
): { acks: BatchAck[]; apart: PopReceipt[] } {
  const runs = new Map<string, { ack: BatchAck; bits: number[] }>();
  const apart: PopReceipt[] = [];
  for (const receipt of receipts) {
    const { handle } = receipt;
    const end = handle.lastIndexOf(" ");
    // The topic is no part of a handle: equal ones of two topics are not the same pop.
    const key = `${receipt.queue.topic} ${handle.slice(0, end)}`;
    let run = runs.get(key);
    if (!run) runs.set(key, run = entryOf(consumerGroup, receipt));
    const bit = Number(BigInt(handle.slice(end + 1)) - BigInt(run.ack.startOffset));
    if (bit < 0 || bit >= MAX_BITS) apart.push(receipt);
    else run.bits.push(bit);
  }
  const acks = [...runs.values()].filter(({ bits }) => bits.length > 0).map(({ ack }) => ack);
  return { acks, apart };
}

function entryOf(consumerGroup: string, receipt: PopReceipt): { ack: BatchAck; bits: number[] } {
  const handle = new PopHandle(receipt.handle);
  const bits: number[] = [];
  const ack: BatchAck = {
    consumerGroup,
    topic: receipt.queue.topic,
    retry: handle.flag,
    startOffset: handle.checkpointOffset,
    queueId: handle.queueId,
    reviveQueueId: handle.reviveQueueId,
    popTime: String(handle.popTime),
    invisibleTime: String(handle.invisibleTime),
    bitSet: bits,
  };
  return { ack, bits };
}
