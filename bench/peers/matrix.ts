/**
 * What is measured, as data: rows (a job on a topic) × entries (a peer and how it takes the messages).
 *
 * A drain's entry is told its pull size and 20 slots; everything else is the peer's default. `untraced` is this library's
 * listener without the message trace that it writes by default wherever, as here, the trace topic exists.
 */
import type { BenchTopic } from "./topics.ts";

/** A program of this folder. */
export type Peer = "contrail" | "java" | "go" | "ali-ons" | "floor";

/** A peer in a row. */
export interface Entry {
  readonly peer: Peer;
  /** How it takes messages, where there are several ways. */
  readonly mode?: string;
}

/** One job that every entry does. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly what: "drain" | "send" | "latency";
  readonly topic: BenchTopic;
  /** Words for the programs beside topic and name server. */
  readonly words: Readonly<Record<string, number>>;
  readonly entries: readonly Entry[];
}

const PUSHING: readonly Entry[] = [{ peer: "java" }, { peer: "go" }, { peer: "ali-ons" }];
const DRAINING: readonly Entry[] = [
  { peer: "contrail", mode: "listener" },
  { peer: "contrail", mode: "untraced" },
  { peer: "contrail", mode: "for-await" },
  { peer: "contrail", mode: "batches" },
  ...PUSHING,
  { peer: "floor" },
];
const SENDING: readonly Entry[] = [{ peer: "contrail" }, ...PUSHING];
const TIMING: readonly Entry[] = [{ peer: "contrail" }, { peer: "contrail", mode: "untraced" }, ...PUSHING];

/** How an entry is called in tables. */
export function entryName({ peer, mode }: Entry): string {
  return mode === undefined ? peer : `${peer}, ${mode}`;
}

function drainRow(queues: number, pull: number, messages: number): Row {
  return {
    id: `drain${queues}`,
    title: `Drain, ${queues} queues, pulls of ${pull}`,
    what: "drain",
    topic: { topic: `BenchDrain${queues}x${messages}`, queues, messages },
    words: { n: messages, queues, pull, slots: 20 },
    entries: DRAINING,
  };
}

/** The whole matrix; a quick one is a tenth of it, to see that everything runs. */
export function matrix(quick: boolean): readonly Row[] {
  const messages = quick ? 19_200 : 200_000;
  return [
    drainRow(4, 32, messages),
    drainRow(16, 256, messages),
    {
      id: "send",
      title: "Send, 16 in flight",
      what: "send",
      topic: { topic: "BenchSend", queues: 4, messages: 0 },
      words: quick ? { n: 2_000, warm: 500, inflight: 16 } : { n: 20_000, warm: 2_000, inflight: 16 },
      entries: SENDING,
    },
    {
      id: "latency",
      title: "End to end at 500 messages a second",
      what: "latency",
      topic: { topic: "BenchLatency", queues: 4, messages: 0 },
      words: { rate: 500, secs: quick ? 2 : 10 },
      entries: TIMING,
    },
  ];
}
