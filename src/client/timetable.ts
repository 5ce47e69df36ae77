/**
 * The whole background life of a client, as a timetable.
 */
import type { Loop } from "../time/loop.ts";
import type { Session } from "./session.ts";

/** How often, in milliseconds, what may be configured happens. */
export interface TimetableOptions {
  /** Routes are asked for. */
  readonly routePollIntervalMs: number;
  /** Brokers hear of us. */
  readonly heartbeatIntervalMs: number;
}

/** The loops of a running client; first and further runs agree with MQClientInstance.startScheduledTask. */
export function clientTimetable(session: Session, options: TimetableOptions): Loop[] {
  const { routePollIntervalMs, heartbeatIntervalMs } = options;
  return [
    {
      name: "route",
      firstMs: 10,
      everyMs: routePollIntervalMs,
      run: (signal) => session.refreshRoutes(signal),
    },
    {
      name: "heartbeat",
      firstMs: 1000,
      everyMs: heartbeatIntervalMs,
      run: () => session.heartbeats.send(),
    },
    {
      name: "name server list",
      firstMs: 120_000,
      everyMs: 120_000,
      run: () => session.nameServers.reload(),
    },
    {
      name: "idle connections",
      firstMs: 30_000,
      everyMs: 30_000,
      run: () => Promise.resolve(session.pool.closeIdle()),
    },
  ];
}
