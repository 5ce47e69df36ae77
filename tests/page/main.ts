/**
 * `deno task test:page [folder]`: the admin page in a real Chromium (Debian: `apt install chromium`), driven as a person does.
 *
 * Screenshots for people to look at go to the folder, by default a new one below the system's temporary folder.
 */
import { assert, assertEquals } from "@std/assert";
import { type Consumer, createConsumer, createProducer } from "@contrail/rocketmq";
import { serveAdmin } from "@contrail/rocketmq/admin";
import { startCluster } from "@contrail/rocketmq/testing";
import { openChromium, type Tab } from "./chromium.ts";

const TOKEN = "the-token-of-the-test";
/** Text that would run if anything put it into the document as markup. */
const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

/** As long as names may be, without a place to break them. */
const LONG = "x".repeat(120);

const folder = Deno.args[0] ?? await Deno.makeTempDir({ prefix: "contrail-page-" });
await Deno.mkdir(folder, { recursive: true });
const tab = await openChromium();
if (tab === undefined) {
  console.log("no Chromium on this machine: nothing was tested");
  Deno.exit(3);
}
const cluster = await startCluster({
  brokers: 2,
  topics: { orders: 3, [LONG]: 2 },
  broker: { delayLevelsMs: [50, 50, 50] },
});
const { namesrvAddr } = cluster;
const stuck = { until: new Promise<void>(() => {}) };
const consumer = createConsumer({
  namesrvAddr,
  consumerGroup: "billing",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  brokerSuspendMs: 1_000,
  shutdownTimeoutMs: 100,
});
let handled = 0;
consumer.subscribe("orders", "*", async (message) => {
  handled++;
  if (message.tag === "bad" && message.attempt === 1) await message.deadLetter("bad");
  if (message.tag === "stuck") await stuck.until;
});
const producer = createProducer({ namesrvAddr, producerGroup: "shop" });
await producer.start();
await consumer.start();
/** The consumers that the page shows; some come later. */
const shown: Consumer[] = [consumer];
const admin = await serveAdmin({
  consumers: shown,
  producers: [producer],
  port: 0,
  token: TOKEN,
  stalledAfterMs: 3_000,
});
const pump = setInterval(
  () => void producer.send({ topic: "orders", body: "x", tag: "ok" }).catch(() => {}),
  20,
);

/** Clicks the button with this text. */
async function click(page: Tab, text: string): Promise<void> {
  const button = `[...document.querySelectorAll("button")].find((each) => each.textContent === ${
    JSON.stringify(text)
  })`;
  await page.until(`there is a button "${text}"`, `${button} && !${button}.disabled`);
  await page.evaluate(`${button}.click()`);
}
/** Pictures for people, of a desk and of a phone, in light and dark. */
async function picture(page: Tab, name: string, schemes: readonly ("light" | "dark")[] = ["light", "dark"]) {
  for (const scheme of schemes) {
    for (const [device, width, height] of [["desk", 1280, 900], ["phone", 390, 844]] as const) {
      await page.look(width, height, scheme);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await page.screenshot(`${folder}/${name}-${device}-${scheme}.png`);
    }
  }
}
const says = (text: string): string => `document.body.innerText.includes(${JSON.stringify(text)})`;

async function enter(page: Tab, token: string): Promise<void> {
  await page.evaluate(`document.getElementById("token").value = ${JSON.stringify(token)}`);
  await page.evaluate(`document.querySelector("#door button").focus()`);
  await page.press("Enter");
}

const steps: Record<string, (page: Tab) => Promise<void>> = {
  "without the token it shows nothing and says why": async (page) => {
    await page.send("Page.navigate", { url: `${admin.url}/` });
    await page.until("it asks for the token", says("the token is needed"));
    await picture(page, "locked", ["light"]);
  },
  "a wrong token is refused": async (page) => {
    await enter(page, "wrong");
    await page.until("it is refused", says("wrong token: refused"));
    assertEquals(await page.evaluate(`document.querySelectorAll("article").length`), 0);
  },
  "with the token, entered by keyboard, the state appears and follows what happens": async (page) => {
    await enter(page, TOKEN);
    await page.until("the consumer appears", says("1 consumer, live"));
    const acked =
      `Number([...document.querySelectorAll(".figures p")].find((each) => each.innerText.includes("acked")).firstChild.textContent.replaceAll(",", ""))`;
    const before = await page.evaluate<number>(acked);
    await page.until("the count goes on", `${acked} > ${before} + 20`);
    await page.until("the assignments are there", says("broker-b:0,1,2"));
  },
  "the buttons pause and resume, after a question": async (page) => {
    await click(page, "Pause");
    await page.until("it asks", `document.getElementById("ask").open`);
    await picture(page, "question", ["dark"]);
    await click(page, "Cancel");
    assertEquals(consumer.statistics().queues.some((queue) => queue.paused), false);
    await click(page, "Pause");
    await click(page, "Do it");
    await page.until("it says so", `${says("Pause billing: done")} && ${says("paused")}`);
    assert(consumer.statistics().queues.every((queue) => queue.paused));
    await click(page, "Resume");
    await click(page, "Do it");
    await page.until("it goes on", says("Resume billing: done"));
    assertEquals(consumer.statistics().queues.some((queue) => queue.paused), false);
  },
  "an offset is reset from the page": async (page) => {
    await consumer.commit();
    const before = handled;
    await click(page, "Reset offset…");
    await page.evaluate(`document.querySelector("#ask select").value = "orders"`);
    await picture(page, "reset", ["light"]);
    await click(page, "Do it");
    await page.until("it says so", says("Reset the offset of billing: done"));
    const end = Date.now() + 20_000;
    while (handled < before * 2 - 10 && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert(
      handled >= before * 2 - 10,
      `${before} messages were handled before, ${handled} with those that came again`,
    );
  },
  "a dead letter is shown as text, whatever is in it, and sent back": async (page) => {
    await producer.send({ topic: "orders", body: MARKUP, tag: "bad", keys: MARKUP });
    while (consumer.statistics().deadLettered < 1) await new Promise((resolve) => setTimeout(resolve, 20));
    await click(page, "Show");
    await page.until("it is shown", says(MARKUP));
    assertEquals(await page.evaluate(`[window.hacked === undefined, document.images.length]`), [true, 0]);
    await click(page, "Send back");
    await click(page, "Do it");
    await page.until("it says so", `document.getElementById("status").textContent.endsWith(": done")`);
  },
  "a queue that stalls is red": async (page) => {
    clearInterval(pump);
    for (let at = 0; at < 40; at++) await producer.send({ topic: "orders", body: "stuck", tag: "stuck" });
    await page.until("it is marked", `document.querySelector("tr.stalled")`);
    const colour = await page.evaluate<string>(
      `getComputedStyle(document.querySelector("tr.stalled td")).color`,
    );
    const [red = 0, green = 0, blue = 0] = colour.match(/\d+/g)!.map(Number);
    assert(red > green * 1.3 && red > blue * 1.3, colour);
  },
  "it is usable by keyboard, and fits a phone": async (page) => {
    await page.look(390, 844, "light");
    await page.evaluate(`document.activeElement.blur()`);
    const met = new Set<string>();
    for (let at = 0; at < 14; at++) {
      await page.press("Tab");
      met.add(await page.evaluate<string>(`document.activeElement.textContent || document.activeElement.id`));
    }
    for (const text of ["Pause", "Resume", "Drain…", "token"]) assert(met.has(text), [...met].join());
    await fits(page, 390);
    await picture(page, "state");
  },
  "names as long as they may be fit a phone and a desk": async (page) => {
    const long = createConsumer({ namesrvAddr, consumerGroup: LONG, shutdownTimeoutMs: 100 });
    long.subscribe(LONG, "*", () => {});
    await long.start();
    shown.push(long);
    await page.until("its assignments are there", says(`${LONG} broker-b:0,1`));
    for (const width of [390, 1280]) {
      await page.look(width, 844, "light");
      await fits(page, width);
    }
    await picture(page, "long", ["light"]);
    shown.pop();
    await long.shutdown();
  },
  "whatever a broker calls a group, a topic or a client is shown as text": async (page) => {
    shown.push(hostileConsumer());
    await page.until("its queue is shown", `document.querySelectorAll("article").length === 2`);
    await page.until("its event is shown", `document.getElementById("events").innerText.includes("<img")`);
    await page.until("its members cannot be had", says("Cannot"));
    assertEquals(await page.evaluate(`[window.hacked === undefined, document.images.length]`), [true, 0]);
    shown.pop();
    await page.until("it is gone", `document.querySelectorAll("article").length === 1`);
  },
  "a process without consumers says so": async (page) => {
    shown.length = 0;
    await page.until("it is told", says("This process has no consumer."));
    await picture(page, "empty", ["dark"]);
  },
};

async function fits(page: Tab, width: number): Promise<void> {
  const needed = await page.evaluate<number>(`document.documentElement.scrollWidth`);
  assert(needed <= width, `it scrolls sideways: ${needed} in ${width}`);
}

/** What a consumer would tell of a broker that allows any character in names. */
function hostileConsumer(): Consumer {
  const figures = consumer.statistics();
  const queue = { topic: MARKUP, brokerName: MARKUP, queueId: 0 };
  return {
    consumerGroup: MARKUP,
    phase: "running",
    client: consumer.client,
    statistics: () => ({
      ...figures,
      queues: figures.queues.slice(0, 1).map((each) => ({ ...each, queue })),
    }),
    subscriptions: () => [],
    configuration: () => ({ note: MARKUP }),
    assignment: () => [queue],
    async *events() {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield { type: "untaken", topic: MARKUP } as const;
      }
    },
  } as unknown as Consumer;
}

let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step(tab);
    console.log(`ok    ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}\n${error instanceof Error ? error.stack : error}`);
  }
}
// the browser itself logs each refusal: of a token, of a name, of a consumer that is just gone
const complaints = tab.complaints.filter((text) => !/status of 40[014] /.test(text));
if (complaints.length > 0) console.log(`FAIL  the page complains: ${complaints.join("\n")}`);
await tab.close();
await admin.close();
await consumer.shutdown();
await producer.shutdown();
await cluster.stop();
const total = Object.keys(steps).length + 1;
failed += complaints.length > 0 ? 1 : 0;
console.log(`screenshots are in ${folder}\n${total - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
