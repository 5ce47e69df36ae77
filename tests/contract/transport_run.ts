/**
 * Runs the transport contract on whatever runtime this is, without a test runner.
 *
 * `node tests/contract/transport_run.ts`, `bun tests/contract/transport_run.ts`, `deno run -A …`; a word as argument
 * selects the cases whose name holds it. Prints what failed and then `N passed, N failed`; exit code 1 when any did.
 */
import process from "node:process";
import { detectTransport } from "../../src/transport/detect.ts";
import { runTransportCase, transportCases } from "./transport_contract.ts";

const wanted = process.argv[2] ?? "";
const transport = await detectTransport();
let passed = 0;
let failed = 0;
for (const test of transportCases.filter(({ name }) => name.includes(wanted))) {
  try {
    await runTransportCase(test, transport);
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAILED ${test.name}\n  ${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
