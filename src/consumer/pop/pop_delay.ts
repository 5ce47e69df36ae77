/**
 * How long a popped message rests after a failure that asked for no delay: longer with every delivery.
 */

/** In seconds, by the number of deliveries before (Java: DefaultMQPushConsumerImpl.popDelayLevel). */
const REST_SECONDS: readonly number[] = [
  10,
  30,
  60,
  120,
  180,
  240,
  300,
  360,
  420,
  480,
  540,
  600,
  1_200,
  1_800,
  3_600,
  7_200,
];

/** The rest in milliseconds of a message that was delivered `timesBefore` times before the failure; the last for all beyond. */
export function popRestMs(timesBefore: number): number {
  return REST_SECONDS[Math.min(timesBefore, REST_SECONDS.length - 1)]! * 1_000;
}
