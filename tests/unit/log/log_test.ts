import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { createConsumer, createProducer, NetworkError } from "../../../mod.ts";
import { createAdminApp } from "../../../src/admin/mod.ts";
import { createLogger, type LoggerOptions } from "../../../src/log/mod.ts";
import { startCluster } from "../../../src/testing/mod.ts";

/** A logger into a folder of its own, and what is in its files. */
async function inFolder(
  options: LoggerOptions & { readonly maxBytes?: number; readonly maxBackupCount?: number },
  body: (
    logger: ReturnType<typeof createLogger>,
    read: (age?: number) => string,
    folder: string,
  ) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const { maxBytes, maxBackupCount, ...rest } = options;
  const path = `${folder}/deep/consumer.log`;
  const logger = createLogger({ ...rest, file: { path, maxBytes, maxBackupCount } });
  try {
    await body(logger, (age) => Deno.readTextFileSync(age ? `${path}.${age}` : path), folder);
  } finally {
    logger.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const documents = (text: string) => text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("lines below the level are dropped, and the level may change at any time", () =>
  inFolder({ level: "WARN", format: "json" }, (logger, read) => {
    for (const level of ["WARN", "DEBUG", "CRITICAL"] as const) {
      logger.levelName = level;
      assertEquals(logger.levelName, level);
      logger.debug("d");
      logger.info("i");
      logger.warn("w");
      logger.error("e");
    }
    assertEquals(documents(read()).map(({ level, message }) => `${level} ${message}`), [
      ...["WARN w", "ERROR e"],
      ...["DEBUG d", "INFO i", "WARN w", "ERROR e"],
    ]);
  }));

Deno.test("JSON is one document a line, with errors and their causes told", () =>
  inFolder({ format: "json" }, (logger, read) => {
    const before = Date.now();
    const cause = new Error("refused");
    logger.error("two\nlines", new NetworkError("Cannot connect", { cause }), {
      bytes: new Uint8Array(5),
      n: 7n,
    });
    logger.info("alone");
    const [first, second] = documents(read());
    assertEquals([first.level, first.message], ["ERROR", "two\nlines"]);
    assert(first.datetime >= before && first.datetime <= Date.now());
    const [error, values] = first.args;
    assertEquals([error.name, error.code, error.message], ["NetworkError", "NETWORK", "Cannot connect"]);
    assertEquals(error.cause.message, "refused");
    assertStringIncludes(error.stack, "log_test.ts");
    assertEquals(values, { bytes: "5 bytes", n: "7" });
    assertEquals(Object.keys(second), ["level", "datetime", "message"]);
  }));

Deno.test("text is for people: time, level, message, and the stack of an error below it", () =>
  inFolder({}, (logger, read) => {
    logger.warn("forged\nline \x1b[2J", { a: 1 }, "text");
    logger.error("It failed", new TypeError("no"));
    const lines = read().split("\n");
    assertMatch(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN  forged\\x0aline \\x1b\[2J {"a":1} "text"$/);
    assertMatch(lines[1]!, /Z ERROR It failed no$/);
    assertEquals(lines[2], "    TypeError: no");
    assertMatch(lines[3]!, /^ {4}at /);
  }));

Deno.test("a file that is full becomes path.1, that one path.2, and the oldest goes", () =>
  inFolder({ format: "json", maxBytes: 200, maxBackupCount: 2 }, (logger, read, folder) => {
    for (let at = 0; at < 20; at++) logger.info(`line ${at}`);
    const told = [read(2), read(1), read()].flatMap((text) => {
      assert(text.length <= 200);
      return documents(text).map(({ message }) => message);
    });
    assertEquals(told, Array.from({ length: told.length }, (_, at) => `line ${20 - told.length + at}`));
    assert(told.length >= 6, told.join());
    assertEquals([...Deno.readDirSync(`${folder}/deep`)].length, 3);
  }));

Deno.test("a line longer than a file may be gets a file of its own", () =>
  inFolder({ format: "json", maxBytes: 100, maxBackupCount: 2 }, (logger, read) => {
    logger.info("short");
    logger.info("x".repeat(500));
    logger.info("short");
    assertEquals([read(2), read(1), read()].map((text) => documents(text).length), [1, 1, 1]);
  }));

Deno.test("a logger goes on at the end of the file that is there", () =>
  inFolder({ format: "json", maxBytes: 150 }, (logger, read, folder) => {
    logger.info("first");
    logger.close();
    logger.info("dropped");
    const next = createLogger({
      format: "json",
      file: { path: `${folder}/deep/consumer.log`, maxBytes: 150 },
    });
    next.info("second");
    next.info("third");
    next.close();
    assertEquals(documents(read(1) + read()).map(({ message }) => message), ["first", "second", "third"]);
  }));

Deno.test("secrets never reach a line, whether they are values, texts or in an error", () =>
  inFolder({ format: "json" }, (logger, read) => {
    const secret = "s3cr3t-value";
    logger.info(`connecting with accessKey=${secret}, secretKey: "${secret}" and more`);
    logger.info("options", {
      credentials: { accessKey: secret, secretKey: secret },
      nested: [{ securityToken: secret, Signature: secret, namesrvAddr: "a:1" }],
      headers: new Map([["authorization", `Bearer ${secret}`]]),
    });
    logger.info(`{"token":"${secret}"} Authorization: Bearer ${secret}`, `signature=${secret}`);
    logger.error("failed", new Error(`refused: password=${secret}`, { cause: { secret_key: secret } }));
    const text = read();
    assert(!text.includes(secret), text);
    assertStringIncludes(text, "a:1");
    assertStringIncludes(text, "and more");
    assertEquals(documents(text).length, 4);
  }));

Deno.test("what refers to itself, or is without end, is cut", () =>
  inFolder({ format: "json" }, (logger, read) => {
    const self: Record<string, unknown> = { name: "self" };
    self.self = self;
    logger.info("x".repeat(10_000), self, Array.from({ length: 1000 }, (_, at) => at));
    const [{ message, args: [cut, list] }] = documents(read());
    assertEquals([message.length, list.length], [4097, 64]);
    assertEquals(cut.self.self.self.self, "…");
  }));

Deno.test("options that cannot be used are told all at once, and so is a file that cannot be opened", async () => {
  const options = {
    level: "LOUD",
    format: "xml",
    file: { path: "", maxBytes: 0 },
  } as unknown as LoggerOptions;
  const error = assertThrows(() => createLogger(options), Error, "4 problem(s)");
  for (const path of ["level", "format", "file.path", "file.maxBytes"]) {
    assertStringIncludes(error.message, `\n  ${path}: `);
  }
  const file = await Deno.makeTempFile();
  assertThrows(() => createLogger({ file: { path: `${file}/below/a.log` } }), Error, "Cannot log to");
  await Deno.remove(file);
});

Deno.test("a consumer's changes of state go through it, one line each, and none for a message", () =>
  inFolder({}, async (logger, read) => {
    const cluster = await startCluster({ topics: { orders: 2 } });
    const consumer = createConsumer({
      consumerGroup: "billing",
      namesrvAddr: cluster.namesrvAddr,
      credentials: { accessKey: "the-access-key", secretKey: "the-secret-key" },
    }, { logger });
    const three = Promise.withResolvers<void>();
    let handled = 0;
    consumer.subscribe("orders", "*", () => {
      if (++handled === 3) three.resolve();
    });
    await consumer.start();
    const producer = createProducer({ producerGroup: "till", client: consumer.client });
    await producer.start();
    for (const body of ["body-1", "body-2", "body-3"]) await producer.send({ topic: "orders", body });
    await three.promise;
    await producer.shutdown();
    await consumer.shutdown();
    await cluster.stop();
    const text = read();
    for (
      const part of [
        'Connected to broker "broker-a"',
        'Consumer "billing" has gained 2 queues: orders@broker-a:0, orders@broker-a:1',
        'Consumer "billing" is running as ',
        'Consumer "billing" has stopped',
        'Producer "till" is running as ',
        'Producer "till" has stopped',
      ]
    ) assertEquals(text.split(part).length, 2, `${part} in\n${text}`);
    assert(!/body-|the-(access|secret)-key/.test(text), text);
  }));

Deno.test("the admin endpoint changes its level", () =>
  inFolder({}, async (logger) => {
    const app = createAdminApp({ consumers: [], log: logger, token: "t".repeat(32) });
    const response = await app.fetch(
      new Request("http://127.0.0.1:8180/log-level", {
        method: "POST",
        headers: { authorization: `Bearer ${"t".repeat(32)}`, "content-type": "application/json" },
        body: JSON.stringify({ level: "ERROR" }),
      }),
    );
    await response.body?.cancel();
    assertEquals([response.ok, logger.levelName], [true, "ERROR"]);
  }));
