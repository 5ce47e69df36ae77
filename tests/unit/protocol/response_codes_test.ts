import { assert, assertEquals } from "@std/assert";
import { ResponseCode, responseCodeName, responseCodes } from "../../../src/protocol/response_codes.ts";
import { MQVersion, versionName } from "../../../src/protocol/versions.ts";
import { LANGUAGES } from "../../../src/wire/command.ts";
import { vectors } from "../vectors.ts";

const headers = vectors<unknown, { languageCodes: Record<string, number> }>("headers.json");

Deno.test("every response code has one row with an advice", () => {
  assertEquals(responseCodes.size, Object.keys(ResponseCode).length);
  for (const [code, row] of responseCodes) {
    assertEquals(row.code, code);
    assert(row.advice.endsWith("."), row.name);
  }
});

Deno.test("a code that nobody knows still has a name", () => {
  assertEquals(responseCodeName(22), "QUERY_NOT_FOUND");
  assertEquals(responseCodeName(4711), "UNKNOWN_4711");
});

Deno.test("languages have Java's numbers", () => {
  assertEquals(Object.fromEntries(LANGUAGES.map((name, code) => [name, code])), headers.languageCodes);
});

Deno.test("versions have names", () => {
  assertEquals(versionName(MQVersion.V5_5_0), "V5_5_0");
  assertEquals(versionName(478), "478");
  assertEquals(versionName(100_000), "HIGHER_VERSION");
});
