/**
 * The producer as the end of a pipe: a WritableStream that keeps so many sends in flight and no more.
 *
 * `write()` resolves when the next message may come, not when this one is stored; `close()` when all are stored. The first
 * message that cannot be sent errors the stream, so a pipe stops there and its source is cancelled.
 */
import { Gate } from "../core/gate.ts";
import type { Message } from "../message/message.ts";
import type { SendOptions } from "./sender.ts";
import type { SendResult } from "./send_result.ts";

/** How `Producer.writable` sends. */
export interface WritableOptions extends SendOptions {
  /** Most sends under way at once; 16 by default. */
  readonly maxInFlight?: number | undefined;
  /** Hears of each stored message, in the order in which brokers confirm. */
  readonly onSent?: ((result: SendResult, message: Message) => void) | undefined;
}

/** Sends under way at once by default. */
export const DEFAULT_MAX_IN_FLIGHT = 16;

/** A stream whose chunks go to `send`. */
export function messageWriter(
  send: (message: Message, options: SendOptions) => Promise<SendResult>,
  options: WritableOptions,
): WritableStream<Message> {
  const { maxInFlight = DEFAULT_MAX_IN_FLIGHT, onSent, ...sendOptions } = options;
  const gate = new Gate(maxInFlight);
  const aborted = new AbortController();
  const signal = sendOptions.signal === undefined || sendOptions.signal === null
    ? aborted.signal
    : AbortSignal.any([sendOptions.signal, aborted.signal]);
  let failed: { readonly error: unknown } | undefined;
  const sendOne = async (message: Message, controller: WritableStreamDefaultController): Promise<void> => {
    try {
      const result = await send(message, { ...sendOptions, signal });
      onSent?.(result, message);
    } catch (error) {
      failed ??= { error };
      controller.error(failed.error);
    } finally {
      gate.leave();
    }
  };
  return new WritableStream<Message>({
    async write(message, controller) {
      await gate.enter(signal);
      if (failed) throw failed.error;
      void sendOne(message, controller);
    },
    async close() {
      for (let place = 0; place < maxInFlight; place++) await gate.enter(signal);
      if (failed) throw failed.error;
    },
    abort(reason) {
      aborted.abort(reason);
    },
  });
}
