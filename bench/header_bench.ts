/**
 * What a header costs, in both serialisations.
 *
 *     deno bench -A --no-check bench/header_bench.ts
 */
import type { Command } from "../src/wire/command.ts";
import { decodeHeader, encodeHeader, type SerializeType } from "../src/wire/header.ts";

const request: Command = {
  code: 11,
  language: "JAVA",
  version: 513,
  opaque: 77,
  flag: 0,
  extFields: {
    consumerGroup: "billing",
    topic: "orders",
    queueId: "3",
    queueOffset: "123456",
    maxMsgNums: "32",
    sysFlag: "3",
    commitOffset: "123400",
    suspendTimeoutMillis: "15000",
    subscription: "paid",
    subVersion: "1700000000000",
    expressionType: "TAG",
    maxMsgBytes: "262144",
    bname: "broker-a",
  },
};

for (const [type, byte] of [["JSON", 0], ["ROCKETMQ", 1]] as const satisfies [SerializeType, number][]) {
  const bytes = encodeHeader(request, type);
  Deno.bench(`decode a pull request, ${type}`, { group: "decode" }, () => {
    decodeHeader(bytes, byte);
  });
  Deno.bench(`encode a pull request, ${type}`, { group: "encode" }, () => {
    encodeHeader(request, type);
  });
}

const loose = new TextEncoder().encode(
  "{'code':'11','flag':0,'opaque':77,'extFields':{'queueId':3,'topic':'orders'},}",
);
Deno.bench("decode a header that is no strict JSON", () => {
  decodeHeader(loose, 0);
});
