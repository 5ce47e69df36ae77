/**
 * What went over the wire, line by line: who, which way, what kind, how much; never a body, a header field or a credential.
 */
import { operationNameByCode } from "../protocol/operations.ts";
import type { FrameEvent } from "../remoting/call.ts";
import { FLAG_ONEWAY, FLAG_RESPONSE } from "../wire/command.ts";

/** One frame. */
export interface WireLogLine {
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** The server: a broker's name, or `namesrv-0` …. */
  readonly server: string;
  /** Address of the peer, `host:port`. */
  readonly peer: string;
  /** `in`: to the server, `out`: from it. */
  readonly direction: "in" | "out";
  /** Whether it asks, tells, or answers. */
  readonly kind: "request" | "oneway" | "response";
  /** Name of the operation, for a response that of what it answers; the number when it has no name. */
  readonly operation: string;
  /** Response code, of responses only. */
  readonly code?: number;
  /** Number that ties request and response together. */
  readonly opaque: number;
  /** Bytes of the body. */
  readonly bodyBytes: number;
  /** Bytes of the frame. */
  readonly sizeBytes: number;
}

/** Most requests whose answers are waited for to be named. */
const MAX_PENDING = 10_000;

/** The last lines of a cluster's conversations. */
export class WireLog {
  readonly #limit: number;
  #lines: WireLogLine[] = [];
  readonly #pending = new Map<string, string>();
  #watchers: ((line: WireLogLine) => void)[] = [];

  /** A log of the last `limit` lines; 0 switches it off. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines, oldest first. */
  get lines(): readonly WireLogLine[] {
    return this.#lines;
  }

  /** Forgets the lines. */
  clear(): void {
    this.#lines = [];
  }

  /** Lines of one operation, optionally of one kind. */
  of(operation: string, kind?: WireLogLine["kind"]): WireLogLine[] {
    return this.#lines.filter((line) => line.operation === operation && (kind ?? line.kind) === line.kind);
  }

  /** The next line for which `matches` holds. */
  next(matches: (line: WireLogLine) => boolean): Promise<WireLogLine> {
    return new Promise((resolve) => {
      const watcher = (line: WireLogLine): void => {
        if (!matches(line)) return;
        this.#watchers = this.#watchers.filter((each) => each !== watcher);
        resolve(line);
      };
      this.#watchers.push(watcher);
    });
  }

  /**
   * Notes a frame that went by.
   *
   * @internal
   */
  note(server: string, peer: string, at: number, event: FrameEvent): void {
    if (this.#limit === 0) return;
    const { command } = event;
    const isResponse = (command.flag & FLAG_RESPONSE) !== 0;
    const oneway = (command.flag & FLAG_ONEWAY) !== 0;
    const key = `${server} ${peer} ${isResponse === (event.direction === "out")} ${command.opaque}`;
    let operation = operationNameByCode.get(command.code) ?? String(command.code);
    if (isResponse) {
      operation = this.#pending.get(key) ?? "?";
      this.#pending.delete(key);
    } else if (!oneway && this.#pending.size < MAX_PENDING) this.#pending.set(key, operation);
    const line: WireLogLine = {
      at,
      server,
      peer,
      direction: event.direction,
      kind: isResponse ? "response" : oneway ? "oneway" : "request",
      operation,
      ...(isResponse ? { code: command.code } : {}),
      opaque: command.opaque,
      bodyBytes: event.bodyBytes,
      sizeBytes: event.sizeBytes,
    };
    this.#lines.push(line);
    // Cutting in halves keeps the cost of a line constant.
    if (this.#lines.length > 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
    for (const watcher of this.#watchers) watcher(line);
  }
}
