/**
 * Work with something that is started before and shut down after, whatever happens.
 */
import { type ClusterAdmin, createClusterAdmin } from "../cluster/cluster_admin.ts";
import { wrapNamespace } from "../protocol/namespace.ts";
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

/** A topic or group, as brokers call what a person calls `name`: within the namespace that was given. */
export function named(admin: ClusterAdmin, name: string): string {
  return wrapNamespace(admin.client.options.namespace, name);
}

/** Asks the cluster of `context`. */
export function asking<T>(context: Context, work: (admin: ClusterAdmin) => Promise<T>): Promise<T> {
  const admin = createClusterAdmin(context.connection, context.world);
  return during(admin, context.terminal.signal, work);
}
