/** The offset store contract on Deno's own KV, in a process that has its flag. */
import { assertEquals } from "@std/assert";
import { offsetStoreCases } from "./offset_store_contract.ts";

Deno.test("offset store, Deno KV: every case holds that does not take the database away", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--unstable-kv", "tests/contract/kv_real.ts"],
    env: { NO_COLOR: "1" },
  }).output();
  const count = offsetStoreCases.filter(({ needs }) => needs !== "fails").length;
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    `${count} cases hold`,
    new TextDecoder().decode(stderr),
  );
  assertEquals(code, 0);
});
