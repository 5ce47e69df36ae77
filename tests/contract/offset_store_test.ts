/** The offset store contract on Deno, case by case. */
import { offsetStoreKinds } from "./offset_store_kinds.ts";

for (const { name, cases, run } of offsetStoreKinds) {
  for (const test of cases) Deno.test(`offset store, ${name}: ${test.name}`, () => run(test));
}
