import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { str } from "../../../src/wire/schema.ts";
import { type Client, type Stage, stage } from "./bench_client.ts";

/** A request, and what a real 5.5.0 cluster answered to it; `NOW` stands for the time of sending. */
interface Recorded {
  to: "broker" | "nameServer";
  code: number;
  fields: Record<string, string>;
  body?: string;
  answer: { code: number; remark: string | null; fields: Record<string, string> };
}

const recorded = JSON.parse(
  readFileSync(new URL("../../fixtures/broker_answers.json", import.meta.url), "utf8"),
) as Recorded[];

/** What a request that waits is given to end its patience, in milliseconds. */
const PATIENCE_MS = 400;

/** A text without what depends on the moment and the place: addresses, times, ids. */
function plain(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, "HOST").replace(/\b\d{13}\b/g, "TIME").replace(
    /\b[0-9A-F]{32}\b/g,
    "ID",
  );
}

function comparable(fields: Readonly<Record<string, string>>): Record<string, string> {
  const texts = Object.entries(fields).map(([name, value]) => [name, plain(value)]);
  return Object.fromEntries(texts.sort(([a], [b]) => a! < b! ? -1 : 1));
}

async function ask(scene: Stage, client: Client, { code, fields, body }: Recorded) {
  const now = String(scene.clock.now());
  const header = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value.replaceAll("NOW", now)]),
  );
  const operation = {
    name: `request ${code}`,
    code,
    request: Object.fromEntries(Object.keys(header).map((name) => [name, str])),
    response: {},
    answers: [],
  };
  const answered = client.call(
    operation,
    header,
    body === undefined ? undefined : new TextEncoder().encode(body),
  );
  const waits = fields["pollTime"] === "300" || fields["suspendTimeoutMillis"] === "300";
  if (waits) await scene.clock.advance(PATIENCE_MS);
  return await answered;
}

Deno.test("hundreds of requests, whole and broken, are answered as a real cluster answered them", async () => {
  const scene = await stage({ brokers: 2, broker: { maxPullMessages: 256, maxPullBytes: 1024 * 1024 } });
  const clients = {
    broker: await scene.dial(),
    nameServer: await scene.dial(scene.cluster.namesrvAddr),
  };
  const wrong: string[] = [];
  for (const each of recorded) {
    const { code, remark, fields } = await ask(scene, clients[each.to], each);
    // Of an exception only that there was one can be the same.
    const sameRemark = each.answer.remark === "(an exception)"
      ? (remark ?? "") !== ""
      : plain(remark ?? "") === plain(each.answer.remark ?? "");
    const same = code === each.answer.code && sameRemark &&
      JSON.stringify(comparable(fields)) === JSON.stringify(comparable(each.answer.fields));
    if (!same) wrong.push(`${JSON.stringify(each)} was answered ${JSON.stringify({ code, remark, fields })}`);
  }
  assertEquals(wrong, []);
  assertEquals(recorded.length > 500, true, `${recorded.length} requests`);
  await scene.stop();
});
