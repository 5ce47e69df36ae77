/**
 * One queue's offset in a place that members share, and the rule by which a member may change it.
 *
 *   - forward: the greater offset stays, whoever brings it. A former owner that persists late takes nothing back.
 *   - back (a seek, a reset): only from exactly what the member saw last; each step back opens a new epoch.
 *   - a member that saw an older epoch is refused until it has read again: it would undo the step back.
 */

/** What is stored. */
export interface Cell {
  /** The offset of the next message to consume. */
  readonly offset: number;
  /** How often the offset was set back. */
  readonly epoch: number;
}

/** What a member wants to store. */
export interface Wanted {
  readonly offset: number;
  /** Whether the member moved it back on purpose. */
  readonly setBack: boolean;
}

/** What is to be done: write, leave what is there, or refuse. */
export type Decision =
  | { readonly type: "write"; readonly cell: Cell }
  | { readonly type: "keep" }
  | { readonly type: "refuse"; readonly reason: string };

function refuse(reason: string): Decision {
  return { type: "refuse", reason };
}

/** Whether two cells are the same. */
export function sameCell(a: Cell | undefined, b: Cell | undefined): boolean {
  return a?.offset === b?.offset && a?.epoch === b?.epoch;
}

/** What to do about `stored`, by a member that last saw `seen` there. */
export function decide(stored: Cell | undefined, seen: Cell | undefined, wanted: Wanted): Decision {
  const { offset, setBack } = wanted;
  if (stored === undefined) return { type: "write", cell: { offset, epoch: seen?.epoch ?? 0 } };
  if (stored.epoch > (seen?.epoch ?? 0)) {
    return refuse(`it was set back to ${stored.offset} since it was read; read it again first`);
  }
  if (offset === stored.offset) return { type: "keep" };
  if (offset > stored.offset) return { type: "write", cell: { offset, epoch: stored.epoch } };
  if (!setBack) return { type: "keep" };
  if (sameCell(stored, seen)) return { type: "write", cell: { offset, epoch: stored.epoch + 1 } };
  return refuse(`another member has stored ${stored.offset} since it was read; read it again first`);
}
