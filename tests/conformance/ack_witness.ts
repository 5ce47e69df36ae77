/**
 * Sees at a proxy which acks of popped messages the broker has answered. Knows the requests by their letters on the wire, so
 * that it need not believe the library.
 */
import { Buffer } from "node:buffer";
import { RequestCode } from "./bare_request.ts";
import type { PassingReply, TamperingProxy } from "./tampering_proxy.ts";

/** The queues and offsets of one topic whose ack was answered with success. */
export class AckWitness {
  /** `<queue id> <offset>`. */
  readonly answered: Set<string> = new Set();
  readonly #topic: string;

  /** Watches what passes `proxy` about `topic`. */
  constructor(proxy: TamperingProxy, topic: string) {
    this.#topic = topic;
    proxy.tamper = (reply) => this.#see(reply);
  }

  #see({ requestCode, requestFields, requestBody, header }: PassingReply): void {
    if (header.code !== 0) return;
    if (requestCode === RequestCode.ACK_MESSAGE && requestFields["topic"] === this.#topic) {
      this.answered.add(`${requestFields["queueId"]} ${requestFields["offset"]}`);
    }
    if (requestCode !== RequestCode.BATCH_ACK_MESSAGE) return;
    for (const { t, r, so, q, b } of JSON.parse(requestBody.toString()).acks) {
      // of those that were delivered before, the queue is another topic's
      if (t !== this.#topic || r !== "0") continue;
      Buffer.from(b, "base64").forEach((byte, at) => {
        for (let bit = 0; bit < 8; bit++) {
          if (byte & (1 << bit)) this.answered.add(`${q} ${Number(so) + at * 8 + bit}`);
        }
      });
    }
  }
}
