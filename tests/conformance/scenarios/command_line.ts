/**
 * The command line: on a terminal that remembers, and as a script uses it, a process of its own with pipes.
 */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { text as textOf } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { runCli, type Terminal } from "@contrail/rocketmq/cli";
import type { Scenario, Stage } from "../scenario.ts";
import { runtime } from "../stage.ts";

/** What a command line did. */
interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly notes: string;
}

/** How it is run. */
interface Setting {
  readonly input?: string;
  /** Hears each line; what it returns interrupts. */
  readonly until?: (line: string) => boolean;
}

/** Runs words in this process, to their end. */
async function run(t: Stage, words: string, { input = "", until }: Setting = {}): Promise<Outcome> {
  const lines: string[] = [];
  let notes = "";
  const enough = new AbortController();
  const terminal: Terminal = {
    print(line) {
      lines.push(line);
      if (until?.(line)) enough.abort();
    },
    room: () => Promise.resolve(),
    note: (text) => void (notes += text),
    input: (async function* () {
      yield await Promise.resolve(new TextEncoder().encode(input));
    })(),
    inputIsTyped: false,
    isTerminal: false,
    notesAreRead: false,
    columns: 80,
    env: (name) => name === "NAMESRV_ADDR" ? t.namesrvAddr : undefined,
    signal: enough.signal,
  };
  const code = await runCli(words.split(" "), terminal);
  return { code, lines, notes };
}

/** A command line in a process of its own; its standard input stays open. */
interface Running {
  /** Sends it the interruption of Ctrl-C. */
  interrupt(): void;
  /** Gives it input. */
  type(text: string): void;
  /** Reads the first line of its result and goes. */
  firstLine(): Promise<string>;
  /** Reads what it writes first, and stays. */
  firstChunk(): Promise<string>;
  /** Reads the rest of its result, once somebody is here to do so. */
  rest(): Promise<string>;
  /** What is told beside the result, so far. */
  readonly notes: () => string;
  readonly ended: Promise<number | null>;
}

function start(t: Stage, words: string): Running {
  const entry = fileURLToPath(import.meta.resolve("@contrail/rocketmq/cli"));
  const options = runtime === "deno"
    ? ["run", "--quiet", "--no-check", "--no-prompt", "--allow-net", "--allow-env", "--allow-sys"]
    : runtime === "bun"
    ? ["run"]
    : process.execArgv;
  const child = spawn(process.execPath, [...options, entry, ...words.split(" ")], {
    env: { ...process.env, NAMESRV_ADDR: t.namesrvAddr },
    stdio: "pipe",
  });
  t.defer(() => child.kill("SIGKILL"));
  let notes = "";
  child.stderr.on("data", (chunk) => notes += chunk);
  return {
    // not child.kill: in Deno a child that was sent a signal is told as ended by it
    interrupt: () => void process.kill(child.pid!, "SIGINT"),
    type: (text) => void child.stdin.write(text),
    firstChunk: () => new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk)))),
    async firstLine() {
      let seen = "";
      for await (const chunk of child.stdout) {
        seen += chunk;
        if (seen.includes("\n")) break; // which closes it
      }
      return seen.split("\n", 1)[0]!;
    },
    rest: () => textOf(child.stdout),
    notes: () => notes,
    ended: new Promise((resolve) => child.on("exit", resolve)),
  };
}

/** Runs words that have to succeed, and gives the lines as JSON. */
async function documents(t: Stage, words: string): Promise<Record<string, unknown>[]> {
  const { code, lines, notes } = await run(t, `${words} --json`);
  assert.equal(code, 0, `${words}: ${notes}`);
  return lines.map((line) => JSON.parse(line));
}

export const cliMessages: Scenario = {
  name:
    "command line: a topic is made, written from standard input, read from any point and copied, moving no group",
  async run(t) {
    const topic = t.name("cli-messages"), copy = t.name("cli-copy");
    for (const name of [topic, copy]) {
      const made = await run(t, `topics ${name} --create --queues 2`);
      assert.equal(made.code, 0, made.notes);
    }
    await t.eventually("it is listed", async () => {
      const { lines } = await run(t, "topics");
      return lines.includes(topic) && lines.includes(copy) && !lines.some((line) => line.startsWith("%"));
    });
    const sent = await run(
      t,
      `produce ${topic} --tag paid --key 7 --property region=eu`,
      { input: "one\r\ntwo\n\nthrée" },
    );
    assert.deepEqual([sent.code, sent.notes], [0, "3 messages are stored.\n"]);
    await run(t, `produce ${topic} --json`, { input: '{"bodyBase64":"/wA=","tag":"raw"}\n' });
    await indexed(t, topic, 4);

    const read = await documents(t, `consume ${topic} --from earliest --until-end`);
    assert.deepEqual(read.map(({ body }) => body).sort(), ["one", "thrée", "two", undefined]);
    const [one] = read.filter(({ body }) => body === "one");
    assert.deepEqual([one!.tag, one!.keys, (one!.properties as { region?: string }).region], [
      "paid",
      ["7"],
      "eu",
    ]);
    const tagged = await run(t, `consume ${topic} --from 10m --until-end --tag raw --body`);
    assert.deepEqual([tagged.code, tagged.lines.length], [0, 1]);
    const matched = await run(t, `consume ${topic} --from earliest --count 1 --match thr`);
    assert.equal(matched.lines[1], "  thrée");

    const input = read.map((each) => JSON.stringify(each)).join("\n");
    const copied = await run(t, `produce ${copy} --json --in-flight 1`, { input });
    assert.deepEqual([copied.code, copied.notes], [0, "4 messages are stored.\n"]);
    await indexed(t, copy, 4);
    const again = await documents(t, `consume ${copy} --from earliest --until-end`);
    const essence = (all: Record<string, unknown>[]) =>
      all.map(({ body, bodyBase64, tag, keys }) => JSON.stringify({ body, bodyBase64, tag, keys })).sort();
    assert.deepEqual(essence(again), essence(read));

    const [shown] = await documents(t, `topics ${topic}`);
    assert.deepEqual(shown!.groups, []);
  },
};

/** A broker shows where a queue ends as of its index, which comes a moment after the messages are stored. */
async function indexed(t: Stage, topic: string, count: number): Promise<void> {
  await t.eventually(`${count} messages of ${topic} are indexed`, async () => {
    const [shown] = await documents(t, `topics ${topic}`);
    const queues = shown!.queues as { maxOffset: number }[];
    return queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === count;
  });
}

export const cliGroups: Scenario = {
  name: "command line: who is in a group, how far it is, and moving it; lag is a check by its exit code",
  async run(t) {
    const topic = await t.topic("cli-groups", { queues: 2 });
    await t.fill(topic, 6);
    const consumer = t.consumer();
    const group = consumer.consumerGroup;
    const { bodies } = t.collect(consumer);
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all are handled", () => bodies.length === 6);
    const online = await run(t, `groups ${group}`);
    assert.equal(online.code, 0, online.notes);
    assert.ok(online.lines.includes(`subscribes ${topic} *`), online.lines.join("\n"));
    assert.ok(
      online.lines.some((line) => line.includes(consumer.client.clientId) && line.includes(`${topic}@`)),
    );
    await consumer.shutdown();

    assert.ok((await run(t, "groups")).lines.includes(group));
    const lag = async () => (await documents(t, `lag ${group} --topic ${topic}`))[0]!.totalLag;
    assert.equal(await lag(), 0);
    const dry = await run(t, `reset-offset ${group} ${topic} --to earliest`);
    assert.ok(dry.notes.startsWith("Nothing is moved yet"), dry.notes);
    assert.equal(await lag(), 0);
    const moved = await documents(t, `reset-offset ${group} ${topic} --to earliest --yes`);
    assert.deepEqual(moved.map(({ offset }) => offset), [0, 0]);
    assert.equal(await lag(), 6);
    assert.equal((await run(t, `lag ${group} --topic ${topic} --max 6`)).code, 0);
    const above = await run(t, `lag ${group} --topic ${topic} --max 5`);
    assert.equal(above.code, 3);
    assert.ok(above.lines.at(-1)!.startsWith("total lag 6"), above.lines.join("\n"));

    let drawn = 0;
    const watched = await run(t, `lag ${group} --topic ${topic} --watch --every 1`, {
      until: (line) => line.startsWith("total") && ++drawn === 2,
    });
    assert.deepEqual([watched.code, drawn], [0, 2]);
  },
};

export const cliDeadLetters: Scenario = {
  name: "command line: what a group has given up is shown, and goes back to it",
  async run(t) {
    const topic = await t.topic("cli-dead", { queues: 1 });
    await t.fill(topic, 2);
    const consumer = t.consumer();
    const group = consumer.consumerGroup;
    let givesUp = true;
    const handled: string[] = [];
    consumer.subscribe(topic, "*", async (message) => {
      if (givesUp) await message.deadLetter("no");
      else handled.push(message.text());
    });
    await consumer.start();
    await t.deadLetters(group, 2);
    givesUp = false;
    const letters = await documents(t, `dead-letters ${group}`);
    assert.deepEqual(letters.map(({ body }) => body).sort(), ["0", "1"]);
    const sentBack = await run(t, `dead-letters ${group} --send-back ${letters[0]!.messageId}`);
    assert.deepEqual([sentBack.code, sentBack.lines], [0, ["1 of 2 dead letters are sent back"]]);
    await t.eventually("it is delivered once more", () => handled.length > 0, 40_000);
    assert.deepEqual(handled, [letters[0]!.body]);
    const none = await run(t, `dead-letters ${group} --send-back ABC`);
    assert.equal(none.code, 1);
    assert.match(none.notes, /^Cannot send back ABC/);
  },
};

export const cliPipes: Scenario = {
  name: "command line: a slow or lost reader, an interruption and a wrong word end as a script expects",
  async run(t) {
    const topic = await t.topic("cli-pipes", { queues: 4 });
    const sent = await t.fill(topic, 500, { prefix: "x".repeat(1_000) });
    await indexed(t, topic, sent.length);
    const slow = start(t, `consume ${topic} --from earliest --until-end --body`);
    const head = start(t, `consume ${topic} --from earliest`);
    const typing = start(t, `produce ${topic} --tag typed`);
    const reading = start(t, `consume ${topic} --from earliest --tag typed --body`);

    assert.match(await head.firstLine(), /^\d{4}-/);
    assert.equal(await head.ended, 0, "whoever reads has gone");
    assert.equal(head.notes(), "");

    const whole = (await slow.rest()).trimEnd().split("\n");
    assert.deepEqual(whole.toSorted(), sent.toSorted(), "what waits in a pipe at the end is not lost");
    assert.equal(await slow.ended, 0);

    typing.type("first\n");
    assert.equal(await reading.firstChunk(), "first\n");
    for (const each of [reading, typing]) each.interrupt();
    assert.equal(await reading.ended, 0, "reading has no other end");
    assert.equal(await typing.ended, 130);
    assert.equal(typing.notes(), "1 message is stored.\n");

    for (
      const [words, exit, said] of [
        ["--help", 0, ""],
        ["fly", 2, "there is no such command"],
        [`consume ${topic} --from someday`, 2, "a point is earliest"],
        [`consume ${t.name("nowhere")}`, 1, "no name server knows such a topic"],
        ["topics --namesrv 127.0.0.1:1", 1, "--namesrv or NAMESRV_ADDR"],
      ] as const
    ) {
      const ended = await run(t, words);
      assert.equal(ended.code, exit, `${words}: ${ended.notes}`);
      assert.ok(ended.notes.includes(said), ended.notes);
      assert.ok(!ended.notes.includes("    at "), ended.notes);
    }
  },
};

export const cliBroker: Scenario = {
  name: "command line: a broker for development serves whoever comes, until it is interrupted",
  only: "embedded",
  why: "it brings its own cluster",
  async run(t) {
    const broker = start(t, "broker --namesrv-port 0 --port 0 --topic shop:3 --json");
    const { namesrvAddr } = JSON.parse(await broker.firstLine()) as { namesrvAddr: string };
    const [shop] = await documents(t, `topics shop --namesrv ${namesrvAddr}`);
    assert.equal((shop!.queues as unknown[]).length, 3);
    broker.interrupt();
    assert.equal(await broker.ended, 0);
  },
};
