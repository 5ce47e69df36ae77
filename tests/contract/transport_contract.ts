/**
 * What every transport must do, as named cases without a test runner's API.
 *
 * Deno's test file, `transport_run.ts` on Bun and Node, and the runs over the memory network take the same list.
 */
import { transportByteCases } from "./transport_bytes.ts";
import { transportClosingCases } from "./transport_closing.ts";
import { transportDiallingCases } from "./transport_dialling.ts";
import type { Transport, TransportCase } from "./transport_ends.ts";
import { transportTlsCases } from "./transport_tls.ts";

export type { Transport, TransportCase };

/** The cases. */
export const transportCases: readonly TransportCase[] = [
  ...transportByteCases,
  ...transportClosingCases,
  ...transportDiallingCases,
  ...transportTlsCases,
];

const CASE_LIMIT_MS = 20_000;

/** Runs a case, and fails it when it takes longer than any should. */
export async function runTransportCase(test: TransportCase, transport: Transport): Promise<void> {
  await within(CASE_LIMIT_MS, test.run(transport), "the case did not end");
}

async function within<T>(limitMs: number, promise: Promise<T>, complaint: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${complaint} within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
