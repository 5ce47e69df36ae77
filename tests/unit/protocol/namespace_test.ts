import { assertEquals } from "@std/assert";
import {
  addressOfEndpoint,
  instanceIdOf,
  isInstanceEndpoint,
  isSystemResource,
  namespaceOf,
  withoutAnyNamespace,
  withoutNamespace,
  withoutRetryAndDlq,
  wrapNamespace,
  wrapNamespaceAndRetry,
} from "../../../src/protocol/namespace.ts";
import { vectors } from "../vectors.ts";

const file = vectors("namespace.json");

const { cases } = file;

Deno.test("names are wrapped and unwrapped as NamespaceUtil does", () => {
  for (const vector of cases) {
    if (!("resource" in vector)) continue;
    // A name is always a text here; Java answers for null as for the empty text, or with null.
    const resource: string = vector.resource ?? "";
    const where = JSON.stringify(vector);
    assertEquals(wrapNamespace(vector.namespace, resource), vector.wrap ?? "", where);
    assertEquals(withoutAnyNamespace(resource), vector.without ?? "", where);
    assertEquals(withoutNamespace(vector.namespace, resource), vector.withoutNs ?? "", where);
    assertEquals(isSystemResource(resource), vector.isSystem, where);
    assertEquals(wrapNamespaceAndRetry(vector.namespace, resource), vector.wrapRetry ?? undefined, where);
    assertEquals(namespaceOf(resource), vector.getNamespace, where);
    assertEquals(withoutRetryAndDlq(resource), vector.withRetryStripped, where);
  }
});

Deno.test("endpoints are taken apart as NameServerAddressUtils does", () => {
  for (const vector of cases) {
    if (!("endpoint" in vector)) continue;
    assertEquals(isInstanceEndpoint(vector.endpoint), vector.isInstanceEndpoint, vector.endpoint);
    assertEquals(addressOfEndpoint(vector.endpoint), vector.address, vector.endpoint);
    const expected = typeof vector.instanceId === "string" ? vector.instanceId : undefined;
    assertEquals(instanceIdOf(vector.endpoint), expected, vector.endpoint);
  }
});
