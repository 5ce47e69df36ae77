/**
 * What a broker keeps over a restart: topics, groups, messages, progress, and everything that waits for its time.
 *
 * The process around it (connections, members, locks, parked requests) is the Broker; a restart makes a new one over the same
 * state. Part of it counts as saved only after a while: the log up to the last flush, offsets up to the last save. A
 * crash falls back to that.
 */
import type { RequestModeSetting } from "../../protocol/bodies.ts";
import type { Clock } from "../../time/clock.ts";
import type { HostPort } from "../../wire/host.ts";
import { MessageStore, type NewMessage, type Stored, type StoreSnapshot } from "../store/message_store.ts";
import type { BrokerOptions } from "./broker_options.ts";
import { GroupTable } from "./group_table.ts";
import { OffsetTable, type SavedOffsets } from "./offset_table.ts";
import { PopOrders } from "./pop_order.ts";
import { type Popped, PopTable } from "./pop_table.ts";
import { type NamedTopic, TopicTable } from "./topic_table.ts";
import type { NamedGroup } from "./group_table.ts";

/** A message that waits for its time, outside the levels. */
export interface PendingTimer {
  /** When it is due, in milliseconds since the epoch. */
  readonly dueAt: number;
  /** Where its record lies. */
  readonly physicalOffset: number;
  /** `topic+uniqueKey`, by which it can be recalled. */
  readonly recallKey: string;
}

/** A half message whose fate is not known. */
export interface PendingHalf {
  /** Where its record lies. */
  readonly physicalOffset: number;
  /** Its offset in the half topic. */
  readonly queueOffset: number;
  /** When it was first stored, in milliseconds since the epoch. */
  readonly since: number;
  /** Offsets in the half topic of its earlier copies, one for each time its producer was asked. */
  readonly earlier: readonly number[];
}

/** A broker at rest: to be kept and handed back, not to be looked into. */
export interface BrokerSnapshot {
  /** @internal */
  readonly topics: readonly NamedTopic[];
  /** @internal */
  readonly groups: readonly NamedGroup[];
  /** @internal */
  readonly offsets: SavedOffsets;
  /** @internal */
  readonly store: StoreSnapshot;
  /** @internal */
  readonly scheduleOffsets: readonly (readonly [number, number])[];
  /** @internal */
  readonly timers: readonly PendingTimer[];
  /** @internal */
  readonly halves: readonly PendingHalf[];
  /** @internal */
  readonly popped: readonly Popped[];
  /** @internal */
  readonly requestModes: readonly (readonly [string, RequestModeSetting])[];
}

/** Hears of a message that was stored. */
export type ArrivalListener = (message: NewMessage, stored: Stored, tagsCode: number) => void;

/** What one broker keeps; its slaves read the same. */
export class BrokerState {
  /** Topics by name. */
  readonly topics: TopicTable;
  /** Groups by name. */
  readonly groups: GroupTable;
  /** Where groups stand. */
  readonly offsets: OffsetTable = new OffsetTable();
  /** The messages. */
  readonly store: MessageStore;
  /** Next offset to deliver of each delay level. */
  readonly scheduleOffsets: Map<number, number> = new Map();
  /** Messages that wait for a time of their own, by physical offset. */
  readonly timers: Map<number, PendingTimer> = new Map();
  /** Half messages without a fate, by offset in the half topic. */
  readonly halves: Map<number, PendingHalf> = new Map();
  /** Popped messages that are neither acknowledged nor back. */
  readonly popped: PopTable = new PopTable();
  /** What is out of queues that are popped in order. */
  readonly popOrders: PopOrders = new PopOrders();
  /** How groups get a topic's messages, by `topic@group`. */
  readonly requestModes: Map<string, RequestModeSetting> = new Map();
  /** Are told of every message stored: the master's process, and those of its slaves. */
  readonly onArrival: Set<ArrivalListener> = new Set();

  /** The state of a broker that was never started. */
  constructor(options: BrokerOptions, clock: Clock, storeHost: HostPort) {
    this.topics = new TopicTable(options);
    this.groups = new GroupTable(options);
    this.store = new MessageStore({
      clock,
      storeHost,
      delayLevelsMs: options.delayLevelsMs,
      retentionBytes: options.retentionBytes,
      retentionMessages: options.retentionMessages,
      blockBytes: options.logBlockBytes,
      onArrival: (message, stored, tagsCode) => {
        for (const listener of this.onArrival) listener(message, stored, tagsCode);
      },
    });
  }

  /** Makes everything so far survive a crash. */
  flush(): void {
    this.store.flush();
    this.saveProgress();
  }

  /** Makes committed offsets and popped messages survive a crash. */
  saveProgress(): void {
    this.offsets.save();
    this.popped.save();
  }

  /** Falls back to what was saved, as after a crash. */
  loseUnsaved(): void {
    this.store.loseUnflushed();
    this.offsets.loseUnsaved();
    this.popped.loseUnsaved();
    this.popOrders.clearAll();
    const end = this.store.maxPhysicalOffset;
    for (const [key, { physicalOffset }] of this.timers) if (physicalOffset >= end) this.timers.delete(key);
    for (const [key, { physicalOffset }] of this.halves) if (physicalOffset >= end) this.halves.delete(key);
  }

  /** A copy of everything. */
  snapshot(): BrokerSnapshot {
    return {
      topics: [...this.topics.all()],
      groups: [...this.groups.all()],
      offsets: this.offsets.all(),
      store: this.store.snapshot(),
      scheduleOffsets: [...this.scheduleOffsets],
      timers: [...this.timers.values()],
      halves: [...this.halves.values()],
      popped: this.popped.all(),
      requestModes: [...this.requestModes],
    };
  }

  /** Replaces everything by a snapshot. */
  restore(snapshot: BrokerSnapshot): void {
    for (const topic of [...this.topics.all()]) this.topics.remove(topic.topicName);
    for (const topic of snapshot.topics) this.topics.put(topic);
    for (const group of [...this.groups.all()]) this.groups.remove(group.groupName);
    for (const group of snapshot.groups) this.groups.put(group);
    this.offsets.load(snapshot.offsets);
    this.popped.load(snapshot.popped);
    this.popOrders.clearAll();
    this.store.restore(snapshot.store);
    refill(this.scheduleOffsets, snapshot.scheduleOffsets);
    refill(this.timers, snapshot.timers.map((timer) => [timer.physicalOffset, timer] as const));
    refill(this.halves, snapshot.halves.map((half) => [half.queueOffset, half] as const));
    refill(this.requestModes, snapshot.requestModes);
  }
}

function refill<K, V>(map: Map<K, V>, entries: Iterable<readonly [K, V]>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}
