/**
 * A window over made-up records, for tests of what hands out and settles.
 *
 * The settlement behind it confirms every send-back at once and remembers it; what the window tells is counted.
 */
import type { RecordView } from "../../../../src/message/record_view.ts";
import { Budget } from "../../../../src/consumer/window/budget.ts";
import type { Delivery } from "../../../../src/consumer/window/delivery.ts";
import type { Lane } from "../../../../src/consumer/window/lane.ts";
import { QueueWindow } from "../../../../src/consumer/window/queue_window.ts";
import type { WindowListener, WindowOrder } from "../../../../src/consumer/window/window_terms.ts";
import type { Settler } from "../../../../src/consumer/settlement/settler.ts";

/** A record with an offset and properties, and nothing else. */
export function fakeRecord(
  queueOffset: number,
  properties: Record<string, string> = {},
): RecordView & { compacted: boolean } {
  return {
    queueOffset,
    sizeBytes: 100,
    reconsumeTimes: 0,
    messageId: `ID${queueOffset}`,
    properties,
    body: new TextEncoder().encode(JSON.stringify({ offset: queueOffset })),
    compacted: false,
    property: (name: string) => properties[name],
    compact() {
      (this as { compacted: boolean }).compacted = true;
    },
  } as unknown as RecordView & { compacted: boolean };
}

/** Records of the offsets `from` to `to`, exclusive. */
export function fakeRecords(from: number, to: number): RecordView[] {
  return Array.from({ length: to - from }, (_, i) => fakeRecord(from + i));
}

/** What a fake window was told. */
export interface FakeScene {
  readonly window: QueueWindow;
  readonly budget: Budget;
  readonly ready: Lane[];
  readonly seen: { acks: number; late: number };
  /** Offsets for which `retry` or `deadLetter` was called; the broker confirms at once. */
  readonly sentBack: { offset: number; how: string }[];
}

/** A window of queue 0 of topic T. */
export function fakeWindow(options: {
  start?: number;
  isRetry?: boolean;
  budget?: Budget;
  limits?: { maxMessages: number; maxBytes: number; maxWaiting: number; maxSpan: number };
  queueId?: number;
  order?: WindowOrder;
  settlement?: Settler;
  onReady?: (lane: Lane) => void;
} = {}): FakeScene {
  const budget = options.budget ?? new Budget({ maxMessages: 1000, maxBytes: 1_000_000 });
  const ready: Lane[] = [];
  const seen = { acks: 0, late: 0 };
  const sentBack: { offset: number; how: string }[] = [];
  const confirm = (how: string) => (delivery: Delivery): Promise<boolean> => {
    if (delivery.state !== "out") return Promise.resolve(false);
    sentBack.push({ offset: delivery.queueOffset, how });
    delivery.state = "settling";
    return Promise.resolve().then(() => {
      delivery.window.remove(delivery);
      return true;
    });
  };
  const listener: WindowListener = {
    onReady: options.onReady ?? ((lane) => ready.push(lane)),
    onAck: () => void seen.acks++,
    onExtend: () => Promise.resolve(true),
    onLateSettlement: () => void seen.late++,
  };
  const window = new QueueWindow({
    queue: { topic: options.isRetry ? "%RETRY%G" : "T", brokerName: "b", queueId: options.queueId ?? 0 },
    generation: 1,
    isRetry: options.isRetry ?? false,
    startOffset: options.start ?? 0,
    now: 0,
    settlement: options.settlement ?? { retry: confirm("retry"), deadLetter: confirm("deadLetter") },
    order: options.order,
    budget,
    limits: options.limits ?? { maxMessages: 1000, maxBytes: 1_000_000, maxWaiting: 1000, maxSpan: 2000 },
    listener,
  });
  return { window, budget, ready, seen, sentBack };
}
