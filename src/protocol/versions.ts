/**
 * Version numbers and language codes: who is talking, as integers.
 *
 * WIRE §1.3, §1.4. A version is an ordinal of Java's MQVersion enum; behaviour is gated on a few of them.
 */

/** Ordinals of MQVersion that matter to behaviour. */
export const MQVersion = {
  V3_0_7_SNAPSHOT: 28,
  V3_4_9: 121,
  V4_0_0: 213,
  V4_1_0_SNAPSHOT: 232,
  V4_2_0: 253,
  V4_9_2: 397,
  V4_9_3: 399,
  V4_9_4: 401,
  V4_9_7: 407,
  V5_0_0: 413,
  V5_1_0: 433,
  V5_1_4: 441,
  V5_2_0: 453,
  V5_3_0: 473,
  V5_3_1: 475,
  V5_3_2: 477,
  V5_3_3: 479,
  V5_4_0: 493,
  V5_5_0: 513,
  HIGHER_VERSION: 612,
} as const;

/** The version that this client says it is. */
export const CLIENT_VERSION: number = MQVersion.V5_5_0;

/** Name of a version ordinal; past the known ones `HIGHER_VERSION`, between them the number itself. */
export function versionName(version: number): string {
  if (version >= MQVersion.HIGHER_VERSION) return "HIGHER_VERSION";
  return VERSION_NAMES.get(version) ?? String(version);
}

const VERSION_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(MQVersion).map(([name, ordinal]): [number, string] => [ordinal, name]),
);
