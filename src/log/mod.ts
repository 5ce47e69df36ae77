/**
 * A logger for consumers and producers, on @std/log: levels that may change at any time, lines for people or for programs, on
 * the console or in files that rotate.
 *
 * ```ts
 * import { createConsumer } from "@contrail/rocketmq";
 * import { createLogger } from "@contrail/rocketmq/log";
 *
 * const logger = createLogger({ level: "INFO", format: "json" });
 * const consumer = createConsumer({ consumerGroup: "billing", namesrvAddr: "127.0.0.1:9876" }, { logger });
 * ```
 *
 * What the library says are changes of state: connections, queues gained and lost, failures that begin. It says the same line at
 * most once a minute, whatever logger it is given, and never a credential, a body or a line for a message. This
 * logger takes secrets out of what a program says, too. A logger of @std/log, LogTape or `console` can be given just as well.
 *
 * The console needs no permission in Deno; a file needs `--allow-read` and `--allow-write` for its folder.
 *
 * @module
 */
export {
  createLogger,
  type LeveledLogger,
  type LogFile,
  type LoggerOptions,
  type LogLevel,
} from "./create_logger.ts";
export type { Logger } from "../core/logger.ts";
