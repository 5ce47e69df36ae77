/**
 * Finds the transport of the runtime that this runs on.
 *
 * Deno and Bun have node:net too, so they are asked for first, by the features that their files use. Each file is loaded
 * only where it is used, so that the module graph loads everywhere.
 */
import type { Connect, Listen } from "./seam.ts";

/** The two functions of the seam. */
export interface Transport {
  /** Dials. */
  readonly connect: Connect;
  /** Listens. */
  readonly listen: Listen;
}

/** The native transport of this runtime: Deno's, Bun's, or Node's where there is neither. */
export async function detectTransport(): Promise<Transport> {
  const { connect, listen } = await loadTransport();
  return { connect, listen };
}

function loadTransport(): Promise<Transport> {
  if (has("Deno", "connect")) return import("./deno.ts");
  if (has("Bun", "connect")) return import("./bun.ts");
  return import("./node.ts");
}

function has(runtime: string, feature: string): boolean {
  const found: unknown = Reflect.get(globalThis, runtime);
  return typeof found === "object" && found !== null && typeof Reflect.get(found, feature) === "function";
}
