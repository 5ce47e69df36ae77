/**
 * How a call through a client is made, and which of the brokers of a name gets it.
 */
import type { CallOptions } from "../remoting/call.ts";

/** How one call is made; the client's `requestTimeoutMs` where it does not say. */
export type ClientCallOptions = Omit<CallOptions, "timeoutMs"> & { readonly timeoutMs?: number | undefined };

/** Which broker of a name is meant. */
export interface BrokerChoice {
  /**
   * Its id. Without one the master is meant, and nobody else will do. With one, a slave that is gone is replaced by the
   * next id, and then, unless `only`, by any broker of the name.
   */
  readonly brokerId?: number | undefined;
  /** Whether no other broker will do; false by default. */
  readonly only?: boolean | undefined;
}
