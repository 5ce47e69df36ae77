/**
 * The gate itself: a leak must fail the suite, and the counts must be the real ones.
 *
 * Deno's leak sanitizers are off unless `deno.json` switches them on; these tests run `deno test` with this project's
 * own `deno.json` on small programs that leak, so that a lost setting is noticed.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readJUnit, readTallyLine, sum, tallyLine, withExitCode } from "../tools/tally.ts";

/** Runs `deno test` with this project's settings on a program of one test with this body. */
async function runSuite(body: string): Promise<{ code: number; text: string }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/one_test.ts`, `Deno.test("one", () => { ${body} });`);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--config", "deno.json", `${folder}/one_test.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a test that leaves nothing behind passes the suite", async () => {
  const { code, text } = await runSuite("");
  assertEquals(code, 0, text);
});

Deno.test("a test that leaves a timer running fails the suite", async () => {
  const { code, text } = await runSuite("setTimeout(() => {}, 60_000);");
  assertEquals(code, 1, text);
  assertStringIncludes(text, "A timer was started in this test, but never completed");
});

Deno.test("a test that leaves a listener open fails the suite", async () => {
  const { code, text } = await runSuite("Deno.listen({ port: 0 });");
  assertEquals(code, 1, text);
  assertStringIncludes(text, "A TCP listener was opened during the test, but not closed");
});

Deno.test("counts come from the report: failures, errors and ignored tests are told apart", () => {
  const report = `<testsuites tests="4"><testsuite>
    <testcase name="a"></testcase><testcase name="b"><failure message="x">y</failure></testcase>
    <testcase name="c"><skipped/></testcase><testcase name="d"></testcase></testsuite></testsuites>`;
  assertEquals(readJUnit(report), { passed: 2, failed: 1 });
});

Deno.test("the line of counts is read back as it was written, the last one if there are several", () => {
  assertEquals(readTallyLine(`1 passed, 1 failed\nmore\n${tallyLine({ passed: 12, failed: 0 })}\n`), {
    passed: 12,
    failed: 0,
  });
  assertEquals(readTallyLine("12 passed, 0 failed, or so"), undefined);
  assertEquals(sum([{ passed: 1, failed: 2 }, { passed: 3, failed: 4 }]), { passed: 4, failed: 6 });
});

Deno.test("a program that fails or ends without a count is counted as one failure", () => {
  assertEquals(withExitCode({ passed: 3, failed: 0 }, 1), { passed: 3, failed: 1 });
  assertEquals(withExitCode({ passed: 3, failed: 2 }, 1), { passed: 3, failed: 2 });
  assertEquals(withExitCode(undefined, 0), { passed: 0, failed: 1 });
  assertEquals(withExitCode({ passed: 3, failed: 0 }, 0), { passed: 3, failed: 0 });
});
