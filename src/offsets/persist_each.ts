/**
 * One call per queue, so many at a time: how a store that keeps each queue by itself persists and loads many.
 *
 * A failure of one queue stops no other; all of them are told in one error at the end.
 */
import { OffsetError } from "../core/errors.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** Calls under way at once. */
const CALLS_AT_ONCE = 64;
/** Failures that the error of many quotes. */
const QUOTED_FAILURES = 5;

/** Calls `visit` for every queue, at most 64 at a time, and gives what failed. */
export async function forEachQueue(
  queues: readonly MessageQueue[],
  visit: (queue: MessageQueue) => Promise<unknown>,
): Promise<Error[]> {
  const failures: Error[] = [];
  let next = 0;
  const walk = async (): Promise<void> => {
    while (next < queues.length) {
      try {
        await visit(queues[next++]!);
      } catch (error) {
        failures.push(error as Error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, queues.length) }, walk));
  return failures;
}

/** Persists every queue. @throws OffsetError, the one that there was or one that quotes them. */
export async function persistEach(
  queues: readonly MessageQueue[],
  consumerGroup: string,
  persist: (queue: MessageQueue) => Promise<void>,
): Promise<void> {
  const failures = await forEachQueue(queues, persist);
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  const quoted = failures.slice(0, QUOTED_FAILURES).map((failure) => failure.message);
  if (failures.length > QUOTED_FAILURES) quoted.push(`and ${failures.length - QUOTED_FAILURES} more`);
  throw new OffsetError(
    `Cannot store the offsets of ${failures.length} of ${queues.length} queues of group "${consumerGroup}": ${
      quoted.join("; ")
    }`,
    { cause: failures[0], group: consumerGroup },
  );
}
