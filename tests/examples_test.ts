/**
 * Every example runs as it stands: against a broker that holds what examples/produce.ts sends, until it is interrupted.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { startCluster, type TestCluster } from "../src/testing/mod.ts";

/** An example that ends by itself, and what it prints when it works. */
const PROGRAMS: Readonly<Record<string, RegExp>> = {
  "produce.ts": /is number 0 of queue/,
  "transactions.ts": /order 1: COMMIT_MESSAGE\norder 2: ROLLBACK_MESSAGE/,
  "request_reply.ts": /the answer is 42 euros/,
};

/** One that consumes until it is interrupted, and a line that it prints when it works. */
const CONSUMERS: Readonly<Record<string, RegExp>> = {
  "consume.ts": /paid \{"id":7,"amount":120\}/,
  "listener.ts": /attempt 1/,
  "filters.ts": /order 7 over 120/,
  "orderly.ts": /offset \d+, attempt 2/,
  "by_key.ts": /attempt 2/,
  "pop.ts": /done with .* in attempt 2/,
  "broadcasting.ts": /the table has \d+ rows/,
  "lite_pull.ts": /queue \d once more, from \d+ back/,
  "admin.ts": /look at http:\/\/127\.0\.0\.1:8180/,
  "batches.ts": /messages of queue \d stored/,
};

function example(name: string, cluster: TestCluster): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--allow-net",
      "--allow-env=NAMESRV_ADDR,ADMIN_TOKEN",
      `examples/${name}`,
    ],
    env: { NAMESRV_ADDR: cluster.namesrvAddr, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** What a process says until it says `enough`, then it is interrupted. */
async function saysUntil(process: Deno.ChildProcess, enough: RegExp): Promise<string> {
  let said = "";
  let interrupted = false;
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (interrupted || !enough.test(said)) continue;
    interrupted = true;
    process.kill("SIGINT");
  }
  return said;
}

Deno.test("the examples run as they stand", async (t) => {
  const cluster = await startCluster({ topics: { orders: 4 } });
  try {
    for (const [name, expected] of Object.entries(PROGRAMS)) {
      await t.step(name, async () => {
        const process = example(name, cluster);
        assertMatch(await saysUntil(process, /^$/), expected);
        assertEquals((await process.status).code, 0);
      });
    }
    for (const [name, expected] of Object.entries(CONSUMERS)) {
      await t.step(name, async () => {
        const process = example(name, cluster);
        assertMatch(await saysUntil(process, expected), expected);
        assertEquals((await process.status).code, 0);
      });
    }
  } finally {
    await cluster.stop();
  }
});
