/**
 * What several routes are given in the same form.
 */
import * as v from "valibot";

/** A name of a topic, a group, a broker or a client; brokers have the last word on its characters. */
export const name: v.GenericSchema<string> = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

/** A path with a group. */
export const groupParams: v.StrictObjectSchema<{ readonly group: typeof name }, undefined> = v.strictObject({
  group: name,
});

/** Where a reset goes: milliseconds since the epoch, an ISO time, or one of two words. */
export const resetTarget: v.GenericSchema<unknown, number | "earliest" | "latest"> = v.union([
  v.picklist(["earliest", "latest"]),
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  v.pipe(v.string(), v.isoTimestamp(), v.transform((text) => Date.parse(text))),
]);
