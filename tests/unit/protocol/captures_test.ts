import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import * as bodies from "../../../src/protocol/bodies.ts";
import type { Body } from "../../../src/protocol/bodies.ts";
import { operationByCode } from "../../../src/protocol/operations.ts";
import { type Operation, readFields, writeFields } from "../../../src/wire/schema.ts";
import { assertSameJson } from "./same_json.ts";

interface Frame {
  kind?: "request" | "oneway" | "response";
  code: number;
  name?: string;
  answerTo?: string;
  header?: Record<string, string>;
  bodyLength: number;
  body_text?: string;
}

/** Bodies longer than this are cut off in the captures. */
const LONGEST_BODY = 4096;
/** Ext fields that hooks and brokers add beside any header. */
const ADDED = new Set(["ReqT", "MSG_REGION", "TRACE_ON"]);
const FIXTURES = new URL("../../fixtures/", import.meta.url);

const byName = new Map<string, Operation>([...operationByCode.values()].map((row) => [row.name, row]));

// deno-lint-ignore no-explicit-any
const REQUEST_BODIES: Record<number, Body<any>> = {
  34: bodies.heartbeatData,
  41: bodies.lockBatch,
  42: bodies.lockBatch,
  46: bodies.checkClientConfigBody,
  220: bodies.resetOffset,
  400: bodies.queryAssignmentBody,
  401: bodies.requestModeSetting,
};
// deno-lint-ignore no-explicit-any
const ANSWER_BODIES: Record<number, Body<any>> = {
  21: bodies.topicConfigTable,
  28: bodies.kvTable,
  38: bodies.consumerIdList,
  41: bodies.lockBatchResult,
  105: bodies.topicRouteData,
  106: bodies.clusterInfo,
  201: bodies.subscriptionGroupTable,
  202: bodies.topicStatsTable,
  203: bodies.consumerConnection,
  204: bodies.producerConnection,
  206: bodies.topicList,
  208: bodies.consumeStats,
  221: bodies.consumerStatus,
  222: bodies.resetOffset,
  223: bodies.consumerStatus,
  224: bodies.topicList,
  300: bodies.groupList,
  303: bodies.queueTimeSpans,
  307: bodies.consumerRunningInfo,
  309: bodies.directConsumeResult,
  328: bodies.producerTable,
  343: bodies.topicList,
  345: bodies.groupSubscription,
  351: bodies.topicConfig,
  400: bodies.assignmentResult,
};

/** Frames of all captures that are there, with the row that each belongs to. */
function* frames(): Generator<{ frame: Frame; row: Operation; answer: boolean }> {
  for (const name of readdirSync(FIXTURES).filter((each) => /^capture_.*\.jsonl$/.test(each))) {
    const [, ...lines] = readFileSync(new URL(name, FIXTURES), "utf8").trimEnd().split("\n");
    for (const line of lines) {
      const frame: Frame = JSON.parse(line);
      if (frame.kind === undefined) continue;
      const answer = frame.kind === "response";
      const row = byName.get((answer ? frame.answerTo : frame.name)!);
      assert(row !== undefined, `no row for ${line}`);
      if (!answer || row.answers.includes(frame.code)) yield { frame, row, answer };
    }
  }
}

Deno.test("headers that Java clients and brokers sent are read and written back field by field", () => {
  let checked = 0;
  for (const { frame, row, answer } of frames()) {
    const fields = answer ? row.response : row.request;
    const sent = Object.fromEntries(Object.entries(frame.header ?? {}).filter(([name]) => !ADDED.has(name)));
    const written = writeFields(fields, readFields(fields, frame.header ?? {}, row.name), row.name);
    for (const name of ADDED) delete written[name];
    assertEquals(written, sent, `${row.name} ${frame.kind}`);
    checked++;
  }
  assert(checked > 300);
});

Deno.test("bodies that Java clients and brokers sent are read and written back the same", () => {
  let checked = 0;
  for (const { frame, row, answer } of frames()) {
    if (!frame.body_text || frame.bodyLength > LONGEST_BODY) continue;
    const body = (answer ? ANSWER_BODIES : REQUEST_BODIES)[row.code];
    assert(body !== undefined, `no body for ${row.name} ${frame.kind}`);
    assertSameJson(body.writeText(body.readText(frame.body_text)), frame.body_text, row.name);
    checked++;
  }
  assert(checked > 60);
});
