/**
 * The one thing that the remote store needs of a client: a call to a broker by its name.
 */
import type { CallOptions, Reply } from "../remoting/channel.ts";
import type { Fields, Of, Operation } from "../wire/schema.ts";

/** Calls a broker by its name. A RocketMQClient is one. */
export interface BrokerCaller {
  /**
   * What it was made with: names lie in its namespace, whether or not they say so.
   *
   * @internal
   */
  readonly options?: { readonly namespace?: string | undefined };
  /**
   * Sends `header` (and a body) to broker `brokerName` and resolves with its answer.
   *
   * @internal
   */
  call<Q extends Fields, R extends Fields>(
    brokerName: string,
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: CallOptions & { readonly brokerId?: number },
  ): Promise<Reply<R>>;
}
