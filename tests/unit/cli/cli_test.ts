import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createConsumer } from "../../../mod.ts";
import { OutputError } from "../../../src/cli/mod.ts";
import { commands } from "../../../src/cli/run.ts";
import { startCluster, type TestCluster } from "../../../src/testing/mod.ts";
import { cli, type Outcome, type Setting } from "./fake_terminal.ts";

type On = (line: string, setting?: Setting) => Promise<Outcome>;

/** A cluster, and command lines asked of it. Words are split at blanks. */
async function withCluster(test: (on: On, cluster: TestCluster) => Promise<void>): Promise<void> {
  const cluster = await startCluster({ topics: { orders: 2 }, broker: { delayLevelsMs: [20, 20, 20] } });
  const on: On = (line, setting) =>
    cli(line.split(" "), { env: { NAMESRV_ADDR: cluster.namesrvAddr }, ...setting });
  try {
    await test(on, cluster);
  } finally {
    await cluster.stop();
  }
}

/** A group that has handled everything of orders, or given it up. */
async function groupThat(
  cluster: TestCluster,
  answer: () => void,
  until: (handled: number) => boolean,
): Promise<void> {
  const consumer = createConsumer({
    consumerGroup: "billing",
    namesrvAddr: cluster.namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    maxReconsumeTimes: 0,
  });
  const done = Promise.withResolvers<void>();
  let handled = 0;
  consumer.subscribe("orders", "*", () => {
    if (until(++handled)) done.resolve();
    answer();
  });
  await consumer.start();
  await done.promise;
  await consumer.shutdown();
}

Deno.test("produce sends a message a line, and consume shows them without moving anybody", () =>
  withCluster(async (on) => {
    const sent = await on("produce orders --tag paid --key 7 --property region=eu", {
      input: "one\ntwo\n\nthree\n",
    });
    assertEquals([sent.code, sent.notes], [0, "3 messages are stored.\n"]);
    for (let time = 0; time < 2; time++) {
      const read = await on("consume orders --from earliest --until-end --json");
      assertEquals(read.code, 0, read.notes);
      const messages = read.lines.map((line) => JSON.parse(line));
      assertEquals(messages.map(({ body }) => body).sort(), ["one", "three", "two"]);
      assertEquals([messages[0].tag, messages[0].keys, messages[0].properties.region], ["paid", ["7"], "eu"]);
    }
  }));

Deno.test("with --namespace every command means the topics and groups of that tenant", () =>
  withCluster(async (on, cluster) => {
    const inShop = (line: string, setting?: Setting) => on(`${line} --namespace shop`, setting);
    assertEquals((await inShop("topics orders --create --queues 1")).code, 0);
    await on("produce orders --body of-the-neighbour");
    assertEquals((await inShop("produce orders --body a")).code, 0);
    assertEquals((await inShop("consume orders --from earliest --until-end --body")).lines, ["a"]);
    const consumer = createConsumer({
      consumerGroup: "billing",
      namespace: "shop",
      namesrvAddr: cluster.namesrvAddr,
    });
    consumer.subscribe("orders", "*", () => {});
    await consumer.start();
    const { clientId } = consumer.client;
    const { lines } = await inShop("groups billing");
    await consumer.shutdown();
    assertEquals(lines.some((line) => line.includes(clientId)), true, lines.join("\n"));
    assertEquals((await inShop("lag billing --topic orders --max 0")).code, 0);
    assertEquals((await inShop("reset-offset billing orders --to earliest --yes")).code, 0);
    assertEquals(cluster.inspect.progress("shop%billing", "shop%orders").map(({ offset }) => offset), [0]);
    assertEquals((await inShop("lag billing --topic orders --max 0")).code, 3);
    assertStringIncludes((await inShop("dead-letters billing")).notes, "has no dead letters");
  }));

Deno.test("what consume prints as JSON can be produced again, bytes included", () =>
  withCluster(async (on, cluster) => {
    await cluster.createTopic("copy", { queues: 1 });
    await on("produce orders --json --in-flight 1", {
      input:
        '{"body":"text","tag":"a","keys":["k"],"properties":{"p":"1"}}\n{"bodyBase64":"/wA="}\n{"body":{"id":7}}\n',
    });
    const read = await on("consume orders --from earliest --until-end --json");
    const copied = await on("produce copy --json --in-flight 1", { input: read.lines.join("\n") });
    assertEquals(copied.code, 0, copied.notes);
    const again = await on("consume copy --from earliest --until-end --json");
    const essence = ({ lines }: Outcome) =>
      lines.map((line) => JSON.parse(line)).map(({ body, bodyBase64, tag, keys, properties: { p } }) =>
        JSON.stringify({ body, bodyBase64, tag, keys, p })
      ).sort();
    assertEquals(essence(again), essence(read));
    assertStringIncludes(essence(again).join(), "/wA=");
  }));

Deno.test("consume begins at an offset or a time, filters by tag and text, and stops after so many", () =>
  withCluster(async (on) => {
    const input = '{"body":"first","tag":"a"}\n{"body":"second","tag":"b"}\n{"body":"third","tag":"b"}\n';
    await on("produce orders --json --in-flight 1", { input });
    const bodies = async (line: string) => {
      const { code, lines, notes } = await on(`consume orders --body --until-end ${line}`);
      assertEquals(code, 0, notes);
      return lines.toSorted();
    };
    assertEquals(await bodies("--from earliest --tag b"), ["second", "third"]);
    assertEquals(await bodies("--from 10m --match ir"), ["first", "third"]);
    assertEquals((await bodies("--from earliest --count 2")).length, 2);
    assertEquals(await bodies("--from latest"), []);
    const late = (await bodies("--from offset:1")).length;
    assertEquals(late, 1, "two queues, three messages: one is second in its queue");
    assertEquals(
      (await bodies("--from earliest --queue 0")).length + (await bodies("--from earliest --queue 1")).length,
      3,
    );
  }));

Deno.test("without an end, consume goes on until it is interrupted, and that is no failure", () =>
  withCluster(async (on) => {
    const enough = new AbortController();
    const reading = on("consume orders --from earliest --body", {
      signal: enough.signal,
      onLine: () => enough.abort(),
    });
    await on("produce orders --body came-later");
    assertEquals((await reading).lines, ["came-later"]);
    assertEquals((await reading).code, 0);
  }));

Deno.test("topics lists, shows and makes topics", () =>
  withCluster(async (on) => {
    await on("produce orders --body x");
    assertEquals((await on("topics fresh --create --queues 3")).code, 0);
    const { lines } = await on("topics");
    assert(
      lines.includes("orders") && lines.includes("fresh") &&
        !lines.some((line) => /^RMQ_|_REPLY_TOPIC$/.test(line)),
    );
    assert((await on("topics --all")).lines.some((line) => line.includes("system")));
    const shown = await on("topics fresh --json");
    assertEquals(JSON.parse(shown.lines[0]!).queues.length, 3);
    const orders = await on("topics orders");
    assertMatch(orders.lines[0]!, /^broker +queue +first +next +kept$/);
    assertEquals(orders.lines.at(-1), "consumed by nobody");
    const missing = await on("topics nowhere");
    assertEquals([missing.code, missing.lines], [1, []]);
  }));

Deno.test("groups and lag tell who is there and how far they are; --max makes lag a check", () =>
  withCluster(async (on, cluster) => {
    await on("produce orders", { input: "1\n2\n" });
    await groupThat(cluster, () => {}, (handled) => handled === 2);
    await on("produce orders", { input: "3\n4\n5\n" });
    assertEquals((await on("groups")).lines.filter((line) => !line.startsWith("contrail-")), ["billing"]);
    assert((await on("groups --all")).lines.includes("TOOLS_CONSUMER"));
    assertEquals((await on("groups billing")).lines, ["Nobody of group billing is online."]);
    const behind = await on("lag billing --topic orders --json");
    assertEquals(JSON.parse(behind.lines[0]!).totalLag, 3);
    assertEquals((await on("lag billing --topic orders --max 3")).code, 0);
    const above = await on("lag billing --topic orders --max 2");
    assertEquals(above.code, 3);
    assertStringIncludes(above.lines.at(-1)!, "total lag 3");
    assertEquals((await on("lag nobody")).code, 1);
    const enough = new AbortController();
    let drawn = 0;
    const watched = await on("lag billing --watch --every 1", {
      signal: enough.signal,
      onLine: (line) => line.startsWith("total") && ++drawn === 2 && enough.abort(),
    });
    assertEquals([watched.code, drawn], [0, 2]);
  }));

Deno.test("a member that is online is shown with its queues", () =>
  withCluster(async (on, cluster) => {
    const consumer = createConsumer({ consumerGroup: "online", namesrvAddr: cluster.namesrvAddr });
    consumer.subscribe("orders", "paid", () => {});
    await consumer.start();
    const { lines } = await on("groups online");
    assert(lines.includes("subscribes orders paid"), lines.join("\n"));
    assertStringIncludes(lines.at(-1)!, "orders@broker-a:0");
    await consumer.shutdown();
  }));

Deno.test("reset-offset shows before it moves, and moves with --yes", () =>
  withCluster(async (on, cluster) => {
    await on("produce orders", { input: "1\n2\n3\n" });
    await groupThat(cluster, () => {}, (handled) => handled === 3);
    const dry = await on("reset-offset billing orders --to earliest");
    assertStringIncludes(dry.notes, "Nothing is moved yet");
    const lag = async () => JSON.parse((await on("lag billing --topic orders --json")).lines[0]!).totalLag;
    assertEquals(await lag(), 0);
    const moved = await on("reset-offset billing orders --to earliest --yes --json");
    assertEquals(moved.lines.map((line) => JSON.parse(line).offset), [0, 0]);
    assertEquals(await lag(), 3);
    assertEquals((await on("reset-offset billing orders --yes")).code, 2);
    assertEquals((await on("reset-offset billing orders --to offset:3 --yes")).code, 2);
  }));

Deno.test("dead-letters shows what was given up, and sends back one or all of it", () =>
  withCluster(async (on, cluster) => {
    await on("produce orders", { input: "bad-1\nbad-2\n" });
    await groupThat(cluster, () => {
      throw new Error("no");
    }, (handled) => handled === 2);
    const { lines } = await on("dead-letters billing --json");
    const letters = lines.map((line) => JSON.parse(line));
    assertEquals(letters.map(({ body }) => body).sort(), ["bad-1", "bad-2"]);
    const one = await on(`dead-letters billing --send-back ${letters[0].messageId}`);
    assertEquals([one.code, one.lines], [0, ["1 of 2 dead letters are sent back"]]);
    const none = await on("dead-letters billing --send-back ABC");
    assertEquals([none.code, none.lines], [1, ["0 of 2 dead letters are sent back"]]);
    assertEquals((await on("dead-letters billing --send-back all")).lines, [
      "2 of 2 dead letters are sent back",
    ]);
    assertEquals((await on("dead-letters nobody")).notes, "Group nobody has no dead letters.\n");
  }));

Deno.test("broker runs a cluster until it is interrupted", async () => {
  const enough = new AbortController();
  const ready = Promise.withResolvers<string>();
  const running = cli(["broker", "--namesrv-port", "0", "--port", "0", "--topic", "shop:3", "--json"], {
    signal: enough.signal,
    onLine: ready.resolve,
  });
  const { namesrvAddr } = JSON.parse(await ready.promise);
  const shown = await cli(["topics", "shop", "--json", "--namesrv", namesrvAddr]);
  assertEquals(JSON.parse(shown.lines[0]!).queues.length, 3);
  enough.abort();
  assertEquals((await running).code, 0);
});

/** Input that never comes. */
async function* nothing(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
  yield new Uint8Array();
}

Deno.test("produce that waits for input ends when it is interrupted, and that is not the end it was asked for", () =>
  withCluster(async (on) => {
    const enough = new AbortController();
    const waiting = on("produce orders", {
      input: nothing(),
      signal: enough.signal,
      onReading: () => enough.abort(),
    });
    const { code, notes } = await waiting;
    assertEquals([code, notes], [130, "0 messages are stored.\n"]);
  }));

Deno.test("a result that nobody reads any more is the end, one that cannot be written is a failure", () =>
  withCluster(async (on) => {
    await on("produce orders", { input: "1\n2\n3\n" });
    for (const [code, exit] of [["EPIPE", 0], ["ENOSPC", 1]] as const) {
      const broken = new AbortController();
      const { code: given, notes } = await on("consume orders --from earliest --json", {
        signal: broken.signal,
        onLine: () => broken.abort(new OutputError(Object.assign(new Error("no more"), { code }))),
      });
      assertEquals(given, exit, notes);
      assertEquals(notes.includes("Cannot write the result: no more"), exit === 1, notes);
    }
  }));

Deno.test("lag --watch goes on when the cluster cannot be asked for a while", () =>
  withCluster(async (on, cluster) => {
    await on("produce orders", { input: "1\n" });
    await groupThat(cluster, () => {}, (handled) => handled === 1);
    const enough = new AbortController();
    let drawn = 0;
    let stopped: Promise<void> | undefined, restarted: Promise<void> | undefined;
    const watching = on("lag billing --watch --every 1", {
      signal: enough.signal,
      onLine(line) {
        if (!line.startsWith("total")) return;
        drawn++;
        if (restarted) enough.abort();
        else stopped ??= cluster.stopBroker("broker-a");
      },
      onNote: () => void (restarted ??= stopped!.then(() => cluster.startBroker("broker-a"))),
    });
    assertEquals((await watching).code, 0);
    assert(drawn >= 2);
  }));

Deno.test("the help teaches: every command has words, an example and the flags it takes", async () => {
  const overview = await cli(["--help"]);
  assertEquals(overview.code, 0);
  for (const command of commands) {
    assert(overview.lines.join("\n").includes(command.summary), command.name);
    const { code, lines } = await cli([command.name, "--help"]);
    assertEquals(code, 0);
    const help = lines.join("\n");
    for (const flag of command.flags) assertStringIncludes(help, `--${flag.name}`);
    assert(command.examples.length > 0 && command.about.length > 100, command.name);
    for (const [line] of command.examples) assertStringIncludes(help, line);
  }
});

Deno.test("who asks wrongly is told what was not understood and where to read on", async () => {
  for (
    const [line, said] of [
      ["fly", "there is no such command"],
      ["topics --fly", "there is no such flag"],
      ["consume", 'the words are to be "<topic>"'],
      ["consume orders --from", "its value is missing"],
      ["consume orders --from someday", "a point is earliest"],
      ["consume orders --count x", "not a whole number from 1"],
      ["consume orders --until-end=yes", "takes no value"],
      ["consume orders --from 5", "a point is earliest"],
      ["reset-offset g t --yes --to 2", "a point is earliest"],
      ["lag a --max 1 --max 2", "it is given twice"],
      ["lag a --max -1", "not a whole number from 0"],
      ["lag a --topic --watch", "its value is missing"],
      ["lag a --every 3", "says nothing without --watch"],
      ["lag a --watch --every 100000", "from 1 to 86400"],
      ["lag -x a", "there is no such flag"],
      ["dead-letters a --limit 0", "not a whole number from 1"],
      ["topics --create", "its name is missing"],
      ["topics a --queues 8", "says nothing without --create"],
      ["broker --port 70000", "from 0 to 65535"],
      ["broker --topic a:0", "1 to 1024"],
      ["help fly", "there is no such command"],
      ["--json topics", "the command goes first"],
      ["topics --namesrv nowhere", "is not host:port"],
    ] as const
  ) {
    // nobody answers there: exit code 2 shows that nobody was asked
    const { code, notes } = await cli(line.split(" "), { env: { NAMESRV_ADDR: "127.0.0.1:1" } });
    assertEquals(code, 2, line);
    assertStringIncludes(notes, said);
    assertStringIncludes(notes, "--help");
  }
  assertEquals((await cli([])).code, 2);
  const half = await cli(["topics"], { env: { ROCKETMQ_ACCESS_KEY: "who" } });
  assertEquals(half.code, 2);
  assertStringIncludes(half.notes, "belong together");
});

Deno.test("help is had by every way that people ask for it", async () => {
  for (
    const line of ["--help", "-h", "help", "help --json", "lag --help", "lag -h", "help lag", "--help lag"]
  ) {
    const { code, lines, notes } = await cli(line.split(" "));
    assertEquals([code, notes], [0, ""], line);
    assertStringIncludes(lines.join("\n"), line.includes("lag") ? "contrail lag:" : "commands");
  }
});

Deno.test("a line that is no message is named, and none is sent of it", () =>
  withCluster(async (on) => {
    for (
      const [input, said] of [
        ['{"body":1,"properties":{"n":{}}}', "a property is no text"],
        ['{"bodyBase64":"?"}', "is not base64"],
        ["[]", 'it has no "body"'],
      ] as const
    ) {
      const outcome = await on("produce orders --json", { input });
      assertEquals(outcome.code, 2, input);
      assertStringIncludes(outcome.notes, said);
    }
  }));

Deno.test("a body alone is raw for programs and harmless on a terminal, and JSON is harmless everywhere", () =>
  withCluster(async (on) => {
    await on("produce orders", { input: "\x9b2J\x1b[2J\n" });
    const line = "consume orders --from earliest --until-end";
    assertEquals((await on(`${line} --body`)).lines, ["\x9b2J\x1b[2J"]);
    assertEquals((await on(`${line} --body`, { isTerminal: true })).lines, ["\\x9b2J\\x1b[2J"]);
    const [json] = (await on(`${line} --json`)).lines;
    assert(!/[\x00-\x1f\x7f-\x9f]/.test(json!), json);
    assertEquals(JSON.parse(json!).body, "\x9b2J\x1b[2J");
  }));

Deno.test("a cluster that does not answer is told with where it was looked for, and exit code 1", async () => {
  const { code, notes, lines } = await cli(["topics", "--namesrv", "127.0.0.1:1"]);
  assertEquals([code, lines], [1, []]);
  assertMatch(notes, /^Cannot [^\n]+127\.0\.0\.1:1[^\n]+\nWhich name servers [^\n]+ --namesrv [^\n]+\n$/);
});

Deno.test("colours are for terminals, and not with NO_COLOR; what others wrote cannot move the cursor", () =>
  withCluster(async (on, cluster) => {
    await on("produce orders", { input: "\x1b[2Jboo\n" });
    const env = { NAMESRV_ADDR: cluster.namesrvAddr };
    const line = "consume orders --from earliest --until-end";
    assertStringIncludes((await on(line, { isTerminal: true })).lines[0]!, "\x1b[");
    for (const setting of [{ isTerminal: false }, { isTerminal: true, env: { ...env, NO_COLOR: "1" } }]) {
      const { lines } = await on(line, setting);
      assert(!lines.join("").includes("\x1b"), JSON.stringify(setting));
      assertEquals(lines[1], "  \\x1b[2Jboo");
    }
  }));
