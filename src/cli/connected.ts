/**
 * Work with something that is started before and shut down after, whatever happens.
 */
import { type ClusterAdmin, createClusterAdmin } from "../cluster/cluster_admin.ts";
import type { Context } from "./command.ts";

/** Something with a life. */
interface Living {
  start(options: { signal: AbortSignal }): Promise<void>;
  shutdown(): Promise<void>;
}

/** Starts `living`, does `work`, shuts down. */
export async function during<L extends Living, T>(
  living: L,
  signal: AbortSignal,
  work: (living: L) => Promise<T>,
): Promise<T> {
  try {
    await living.start({ signal });
    return await work(living);
  } finally {
    await living.shutdown();
  }
}

/** Asks the cluster of `context`. */
export function asking<T>(context: Context, work: (admin: ClusterAdmin) => Promise<T>): Promise<T> {
  const admin = createClusterAdmin(context.connection, context.world);
  return during(admin, context.terminal.signal, work);
}
