import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { sign, signature, signedText, verify } from "../../../src/protocol/acl.ts";
import { vectors } from "../vectors.ts";

const file = vectors("acl_signature.json");

const { cases } = file;

Deno.test("requests are signed as AclClientRPCHook signs them", () => {
  for (const vector of cases) {
    const where = JSON.stringify(vector);
    if (vector.kind === "calSignature") {
      const data = Buffer.from(vector.data, "hex");
      assertEquals(signature(data, undefined, vector.secretKey), vector.signature, where);
      continue;
    }
    const { accessKey, secretKey, securityToken } = vector;
    const body = vector.body === null ? undefined : Buffer.from(vector.body, "hex");
    const extFields = { ...vector.extFields };
    sign(extFields, body, { accessKey, secretKey, securityToken: securityToken ?? undefined });
    assertEquals(extFields, vector.extFieldsSent, where);
    const content = Buffer.concat([Buffer.from(signedText(extFields)), body ?? Buffer.alloc(0)]);
    assertEquals(content.toString("hex"), vector.content, where);
    assertEquals(verify(extFields, body, secretKey), true);
    assertEquals(verify({ ...extFields, later: "1" }, body, secretKey), false, "a field added after signing");
  }
});
