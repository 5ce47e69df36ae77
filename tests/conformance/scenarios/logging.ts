/**
 * What a consumer says about itself, in files that rotate.
 */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createLogger } from "@contrail/rocketmq/log";
import type { Scenario } from "../scenario.ts";

export const stateChangesAreLogged: Scenario = {
  name: "changes of state are logged as JSON lines in files that rotate, and no message and no secret is",
  async run(t) {
    const topic = await t.topic("logged", { queues: 4 });
    const path = `${t.temporaryFolder()}/deep/consumer.log`;
    const logger = createLogger({ format: "json", file: { path, maxBytes: 1_000, maxBackupCount: 20 } });
    t.defer(() => logger.close());
    const consumer = t.consumer({
      credentials: { accessKey: "the-access-key", secretKey: "the-secret-key" },
    }, { logger });
    const { bodies } = t.collect(consumer);
    consumer.subscribe(topic);
    await consumer.start();
    const sent = await t.fill(topic, 100, { prefix: "the-body-" });
    await t.eventually("all are handled", () => bodies.length === sent.length);
    logger.error(
      "The program says",
      { secretKey: "the-secret-key" },
      new TypeError("accessKey=the-access-key"),
    );
    logger.levelName = "CRITICAL";
    await consumer.shutdown();

    const files: string[] = [];
    for (let age = 0; age <= 20; age++) {
      try {
        files.unshift(readFileSync(age === 0 ? path : `${path}.${age}`, "utf8"));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "ENOENT");
      }
    }
    const text = files.join("");
    assert.ok(files.length > 1, text);
    assert.ok(!/the-(body|access|secret)-/.test(text), text);
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    const messages = lines.map(({ message }) => message as string);
    const group = consumer.consumerGroup;
    for (const part of ["Connected to broker", `"${group}" has gained `, `"${group}" is running as `]) {
      assert.ok(messages.some((message) => message.includes(part)), `${part} in\n${text}`);
    }
    const [said] = lines.filter(({ level }) => level === "ERROR");
    assert.deepEqual([said.args[0], said.args[1].name], [{ secretKey: "***" }, "TypeError"]);
    assert.ok(!messages.some((message) => message.includes("has stopped")), "the level was changed before");
    assert.ok(lines.length < 40, `100 messages are no reason for ${lines.length} lines`);
  },
};
