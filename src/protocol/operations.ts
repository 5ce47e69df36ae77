/**
 * THE table of request codes: every row of `operations/`, gathered.
 *
 * A row says what goes out, what comes back and which response codes are answers. The client's calls, the embedded
 * broker's handlers and the wire log all read it; nothing else in the library knows a request code by number.
 */
import type { Operation } from "../wire/schema.ts";
import * as adminBroker from "./operations/admin_broker.ts";
import * as adminUpkeep from "./operations/admin_upkeep.ts";
import * as adminTopics from "./operations/admin_topics.ts";
import * as membership from "./operations/membership.ts";
import * as nameServer from "./operations/name_server.ts";
import * as pop from "./operations/pop.ts";
import * as pull from "./operations/pull.ts";
import * as send from "./operations/send.ts";

export * from "./operations/admin_broker.ts";
export * from "./operations/admin_topics.ts";
export * from "./operations/admin_upkeep.ts";
export * from "./operations/membership.ts";
export * from "./operations/name_server.ts";
export * from "./operations/pop.ts";
export * from "./operations/pull.ts";
export * from "./operations/send.ts";

/** All rows by the name of their constant, e.g. `pullMessage`. */
export const operations = {
  ...send,
  ...pull,
  ...membership,
  ...pop,
  ...nameServer,
  ...adminTopics,
  ...adminBroker,
  ...adminUpkeep,
} as const;

/** Name of a row, e.g. `pullMessage`. */
export type OperationName = keyof typeof operations;

/** All rows by request code. */
export const operationByCode: ReadonlyMap<number, Operation> = new Map(
  Object.values(operations).map((row): [number, Operation] => [row.code, row]),
);

/** Name of a row by request code. */
export const operationNameByCode: ReadonlyMap<number, OperationName> = new Map(
  Object.entries(operations).map(([name, row]): [number, OperationName] => [row.code, name as OperationName]),
);
