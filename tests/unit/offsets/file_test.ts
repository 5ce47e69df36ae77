import { assert, assertEquals, assertRejects } from "@std/assert";
import type { MessageQueue, OffsetStore } from "@contrail/rocketmq";
import { createFileOffsetStore } from "@contrail/rocketmq/offsets/file";
import { OffsetError, OffsetFetchError } from "../../../src/core/errors.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { encodeName, offsetFileName } from "../../../src/offsets/names.ts";

const consumerGroup = "screens";
const queue: MessageQueue = { topic: "prices", brokerName: "broker-a", queueId: 0 };

async function inFolder(
  body: (place: { path: string; file: string; warnings: string[]; open(): OffsetStore }) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
  try {
    await body({
      path,
      file: `${path}/screens@DEFAULT.json`,
      warnings,
      open: () => createFileOffsetStore({ consumerGroup, path, logger }),
    });
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** Stores each offset in turn, by one store. */
async function write(store: OffsetStore, ...offsets: number[]): Promise<void> {
  await store.start();
  for (const offset of offsets) {
    store.updateOffset(queue, offset);
    await store.persist(queue);
  }
  await store.stop();
}

async function read(store: OffsetStore): Promise<number | undefined> {
  await store.start();
  const offset = await store.readOffset(queue, "READ_FROM_STORE");
  await store.stop();
  return offset;
}

Deno.test("an offset file is JSON that a person can read, with a format and a checksum", async () => {
  await inFolder(async ({ file, open }) => {
    await write(open(), 42);
    const text = await Deno.readTextFile(file);
    const { checksum, ...page } = JSON.parse(text);
    assertEquals(page, {
      format: 1,
      consumerGroup,
      messageModel: "BROADCASTING",
      offsets: { prices: { "broker-a": { "0": 42 } } },
    });
    assert(/^crc32:[0-9a-f]{8}$/.test(checksum), checksum);
    assert(text.includes('\n        "0": 42\n'), text);
  });
});

Deno.test("a torn file falls back to the backup with one warning, wherever it was torn", async () => {
  await inFolder(async ({ file, warnings, open }) => {
    await write(open(), 1, 2, 3);
    const whole = await Deno.readTextFile(file);
    const cuts = [0, 1, Math.floor(whole.length / 2), whole.length - 3];
    for (const cut of cuts) {
      await Deno.writeTextFile(file, whole.slice(0, cut));
      warnings.length = 0;
      assertEquals(await read(open()), 2, `cut at ${cut}`);
      assertEquals(warnings.length, 1);
      assert(warnings[0]!.includes(file) && warnings[0]!.includes("backup"), warnings[0]);
    }
    await Deno.writeTextFile(file, whole.replace('"0": 3', '"0": 300'));
    assertEquals(await read(open()), 2);
    assert(warnings.at(-1)!.includes("checksum"), warnings.at(-1));
  });
});

Deno.test("a crash between the two renames leaves the backup, which is used", async () => {
  await inFolder(async ({ file, warnings, open }) => {
    await write(open(), 1, 2);
    await Deno.rename(file, `${file}.bak`);
    assertEquals(await read(open()), 2);
    assert(warnings[0]!.includes("missing"), warnings[0]);
  });
});

Deno.test("a torn file never becomes the backup", async () => {
  await inFolder(async ({ file, open }) => {
    await write(open(), 1, 2);
    await Deno.writeTextFile(file, "{");
    await write(open(), 5);
    assertEquals(JSON.parse(await Deno.readTextFile(`${file}.bak`)).offsets.prices["broker-a"]["0"], 1);
    await write(open(), 6);
    assertEquals(JSON.parse(await Deno.readTextFile(`${file}.bak`)).offsets.prices["broker-a"]["0"], 5);
    assertEquals(await read(open()), 6);
  });
});

Deno.test("a half-written temporary file changes nothing, and the next write replaces it", async () => {
  await inFolder(async ({ file, warnings, open }) => {
    await write(open(), 7);
    await Deno.writeTextFile(`${file}.tmp`, '{ "format": 1, "off');
    assertEquals(await read(open()), 7);
    await write(open(), 8);
    assertEquals(await read(open()), 8);
    assertEquals(warnings, []);
  });
});

Deno.test("if neither the file nor its backup checks, or none is of this format or group, the start fails", async () => {
  await inFolder(async ({ path, file, open }) => {
    await write(open(), 1);
    const whole = await Deno.readTextFile(file);
    for (const text of ["", "null", whole.slice(1), whole.replace('"format": 1', '"format": 2')]) {
      await Deno.writeTextFile(file, text);
      const error = await assertRejects(() => open().start(), OffsetFetchError);
      assert(error.message.includes(file), error.message);
    }
    await Deno.writeTextFile(file, whole);
    await Deno.copyFile(file, `${path}/other@DEFAULT.json`);
    const other = createFileOffsetStore({ consumerGroup: "other", path });
    await assertRejects(() => other.start(), OffsetFetchError, 'it belongs to group "screens"');
  });
});

Deno.test("a store that has not started has no answer, which is not the same as no offset", async () => {
  await inFolder(async ({ open }) => {
    const store = open();
    await assertRejects(() => store.readOffset(queue, "READ_FROM_STORE"), OffsetFetchError, "not started");
    await assertRejects(() => store.load([queue]), OffsetFetchError, "not started");
    assertEquals(await store.readOffset(queue, "READ_FROM_MEMORY"), undefined);
  });
});

Deno.test("a write that fails is an OffsetError, and what it held is written by the next", async () => {
  await inFolder(async ({ path, file, open }) => {
    const store = open();
    await store.start();
    await Deno.mkdir(`${file}.tmp`);
    store.updateOffset(queue, 3);
    const failure = await store.persist(queue).then(() => undefined, (error) => error);
    assertEquals([failure?.code, store.metrics().persistFailures], ["OFFSET", 1]);
    await Deno.remove(`${file}.tmp`);
    await store.persist(queue);
    assertEquals(store.metrics().persisted, 1);
    await store.stop();
    assertEquals(await read(open()), 3);
    assertEquals([...Deno.readDirSync(path)].map(({ name }) => name), ["screens@DEFAULT.json"]);
  });
});

Deno.test("persists that come while one is written share the next one", async () => {
  await inFolder(async ({ file, open }) => {
    const store = open();
    await store.start();
    const persists: Promise<void>[] = [];
    for (let queueId = 0; queueId < 50; queueId++) {
      store.updateOffset({ ...queue, queueId }, queueId);
      persists.push(store.persist({ ...queue, queueId }));
    }
    await Promise.all(persists);
    await store.stop();
    assertEquals(
      Object.keys(JSON.parse(await Deno.readTextFile(file)).offsets.prices["broker-a"]).length,
      50,
    );
    assertEquals([...Deno.readDirSync(file.replace(/\/[^/]*$/, ""))].length, 1);
  });
});

Deno.test("100,000 queues are stored and loaded, a name like __proto__ among them", async () => {
  await inFolder(async ({ open }) => {
    const queues: MessageQueue[] = [{ topic: "__proto__", brokerName: "__proto__", queueId: 1 }];
    for (let at = 1; at < 100_000; at++) {
      queues.push({ topic: `t${at % 500}`, brokerName: `broker-${at % 8}`, queueId: at });
    }
    const store = open();
    await store.start();
    queues.forEach((each, at) => store.updateOffset(each, at));
    await store.persistAll(queues);
    assertEquals(store.metrics().persisted, 100_000);
    await store.stop();
    const next = open();
    await next.start();
    await next.load(queues);
    assertEquals(next.metrics().queues, 100_000);
    for (const at of [0, 1, 77_777, 99_999]) {
      assertEquals(await next.readOffset(queues[at]!, "READ_FROM_MEMORY"), at);
    }
    await next.stop();
  });
});

Deno.test("a file's name is percent-encoded, the same after a restart and never too long", () => {
  assertEquals(encodeName("a.b/c%d|é~"), "a%2Eb%2Fc%25d%7C%C3%A9%7E");
  assertEquals(offsetFileName("%RETRY|g", "CLUSTERING", "ignored"), "%25RETRY%7Cg.json");
  assertEquals(offsetFileName("g", "BROADCASTING", "../x"), "g@%2E%2E%2Fx.json");
  const long = offsetFileName("%".repeat(120), "BROADCASTING", "a");
  assert(long.length < 255 && long !== offsetFileName("%".repeat(120), "BROADCASTING", "b"), long);
});

Deno.test("the default folder is in the user's home and needs no permission before the start", async () => {
  const program = `
    import { createFileOffsetStore } from "./src/offsets/file.ts";
    const store = createFileOffsetStore({ consumerGroup: "screens" });
    console.log("made");
    try { await store.start(); } catch (error) { console.log(error.cause.name, error.cause.message); }`;
  const file = await Deno.makeTempFile({ dir: ".", suffix: ".ts", prefix: "no_permission_" });
  try {
    await Deno.writeTextFile(file, program);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", file],
      env: { NO_COLOR: "1" },
    }).output();
    const [first, second] = new TextDecoder().decode(stdout).split("\n");
    assertEquals(first, "made");
    assert(second!.includes("homedir"), second);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("where the folder may not be used and that is allowed for, offsets are kept in memory and it is told once", async () => {
  await inFolder(async ({ path }) => {
    await Deno.writeTextFile(`${path}/taken`, "");
    const told: string[] = [];
    const options = { consumerGroup, path: `${path}/taken/deep` };
    const store = createFileOffsetStore({
      ...options,
      onUnavailable: ({ code, message }) => told.push(`${code} ${message}`),
    });
    await store.start();
    assertEquals(told.length, 1);
    assert(
      told[0]!.startsWith(`OFFSET Cannot keep the offsets of group "screens" in ${path}/taken/deep: `),
      told[0],
    );
    store.updateOffset(queue, 5);
    await store.persist(queue);
    assertEquals(await store.readOffset(queue, "READ_FROM_STORE"), 5);
    await store.stop();
    const strict = createFileOffsetStore(options);
    await assertRejects(() => strict.start(), OffsetFetchError);
  });
});

Deno.test("a damaged file is no reason to keep offsets in memory: the start fails", async () => {
  await inFolder(async ({ path }) => {
    const store = createFileOffsetStore({
      consumerGroup,
      path,
      onUnavailable: () => assert(false, "it is usable"),
    });
    await Deno.writeTextFile(`${path}/screens@DEFAULT.json`, "{");
    await assertRejects(() => store.start(), OffsetFetchError);
  });
});

Deno.test("of two stores on one file the second to write keeps its hands off, and says how to tell members apart", async () => {
  await inFolder(async ({ path }) => {
    const [first, second] = [1, 2].map(() => createFileOffsetStore({ consumerGroup, path })) as [
      OffsetStore,
      OffsetStore,
    ];
    await first.start();
    await second.start();
    first.updateOffset(queue, 10);
    await first.persist(queue);
    second.updateOffset(queue, 99);
    for (let attempt = 0; attempt < 2; attempt++) {
      await assertRejects(
        () => second.persist(queue),
        OffsetError,
        "members on one machine need each an instanceName",
      );
    }
    first.updateOffset(queue, 11);
    await first.persist(queue);
    await first.stop();
    await second.stop();
    const next = createFileOffsetStore({ consumerGroup, path });
    await next.start();
    assertEquals(await next.readOffset(queue, "READ_FROM_STORE"), 11);
    await next.stop();
  });
});
