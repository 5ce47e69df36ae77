/**
 * `deno task test:std`: the suite on the real @std packages instead of the stand-ins of `tools/std`.
 *
 * A copy of the tracked files is tested whose `deno.json` names no stand-in as a workspace member. Where JSR cannot be reached there is nothing
 * to test on, and the last line says so.
 */
import { output, run } from "./command.ts";

/** Why JSR cannot be used, or undefined when it can. */
async function unreachable(): Promise<string | undefined> {
  const registry = Deno.env.get("JSR_URL") ?? "https://jsr.io";
  try {
    const answer = await fetch(new URL("/@std/assert/meta.json", registry), {
      signal: AbortSignal.timeout(10_000),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answers ${answer.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const reason = await unreachable();
if (reason !== undefined) {
  console.log(`skipped: JSR cannot be reached (${reason}), so the real @std packages were not tested`);
  Deno.exit(0);
}

const copy = await Deno.makeTempDir({ prefix: "contrail-std-" });
try {
  for (const file of (await output(["git", "ls-files"])).trim().split("\n")) {
    await Deno.mkdir(`${copy}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(file, `${copy}/${file}`);
  }
  const { workspace: _standIns, ...config } = JSON.parse(await Deno.readTextFile("deno.json"));
  await Deno.writeTextFile(`${copy}/deno.json`, JSON.stringify(config));
  const ended = await run(["deno", "run", "-A", "tools/test.ts"], { cwd: copy });
  Deno.exitCode = ended.code;
} finally {
  await Deno.remove(copy, { recursive: true });
}
