/**
 * Under which name spans and metrics are made.
 */

/** The instrumentation scope. */
export const SCOPE = { name: "@contrail/rocketmq", version: "0.1.0" } as const;
