/**
 * What all forms of a send share: the fields of their headers, and the ones that every answer carries.
 */
import type { sendMessage } from "../../protocol/operations.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";

/** What the headers of both forms of a send have in common. */
export type SendHeader = Omit<Of<typeof sendMessage.request>, "bname">;

/** The fields that every answer to a send carries. */
export function sendFields(broker: Broker): Record<string, string> {
  return { MSG_REGION: broker.options.regionId, TRACE_ON: "true" };
}
