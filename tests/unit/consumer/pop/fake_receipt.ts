/**
 * Receipts of made-up pops, for tests of what is done with them.
 */
import type { PopReceipt } from "../../../../src/consumer/pop/receipt.ts";
import { encodePopHandle } from "../../../../src/protocol/pop.ts";

/** A receipt of topic T; what is not told is that of the first pop of queue 0 of broker b. */
export function fakeReceipt(
  queueOffset: number,
  { from = 0, popTime = 1_000, queueId = 0, brokerName = "b", isRetry = false, isOrder = false } = {},
): PopReceipt {
  return {
    queue: { topic: "T", brokerName, queueId },
    timesBefore: 0,
    handle: encodePopHandle({
      checkpointOffset: from,
      popTime,
      invisibleTime: 60_000,
      reviveQueueId: isOrder ? 999 : 3,
      topic: isRetry ? "%RETRY%G_T" : "T",
      brokerName,
      queueId,
      queueOffset,
    }),
    visibleAt: Infinity,
    since: 0,
    isLost: false,
    pending: undefined,
  };
}
