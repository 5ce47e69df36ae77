/**
 * What a client tells of its life, and the picture of it that `client.statistics()` gives. Changes of state only.
 */

/** An event of a client; `type` tells which. */
export type ClientEvent =
  /** The route of a topic was found, or differs from before. */
  | { readonly type: "routeChanged"; readonly topic: string }
  /** No name server knows the topic; sent once until it is found. */
  | { readonly type: "topicMissing"; readonly topic: string }
  /** No name server could serve a refresh of the routes; known routes stay in use. */
  | { readonly type: "routeRefreshFailed"; readonly error: Error }
  /** A connection to a broker was made. */
  | { readonly type: "brokerConnected"; readonly brokerName: string; readonly address: string }
  /** A connection to a broker ended; `error` is absent when this side closed it. */
  | {
    readonly type: "brokerDisconnected";
    readonly brokerName: string;
    readonly address: string;
    readonly error?: Error;
  }
  /** A heartbeat failed. Sent for the first of a run of failures at one address. */
  | {
    readonly type: "heartbeatFailed";
    readonly brokerName: string;
    readonly address: string;
    readonly error: Error;
  }
  /** Another name server is asked from now on. */
  | {
    readonly type: "nameServerFailedOver";
    readonly from: string;
    readonly to: string;
    readonly error: Error;
  };

/** Heartbeats to one address of one broker. */
export interface HeartbeatStatistics {
  /** Name of the broker. */
  readonly brokerName: string;
  /** Its id; 0 is the master. */
  readonly brokerId: number;
  /** `host:port`. */
  readonly address: string;
  /** Heartbeats that were tried. */
  readonly sent: number;
  /** Heartbeats that the broker accepted. */
  readonly succeeded: number;
  /** Heartbeats that failed. */
  readonly failed: number;
  /** When one was last accepted, in milliseconds since the epoch. */
  readonly lastSuccessAt: number | undefined;
  /** The broker's version (an MQVersion ordinal), once it has answered. */
  readonly version: number | undefined;
}

/** A picture of a client. */
export interface ClientStatistics {
  /** Its id; empty before it has started. */
  readonly clientId: string;
  /** Name servers, in the order they are tried. */
  readonly nameServers: readonly string[];
  /** How often a name server was asked for a route. */
  readonly routeRefreshes: number;
  /** How often none could serve that. */
  readonly routeRefreshFailures: number;
  /** Topics whose route is known. */
  readonly topics: readonly string[];
  /** Heartbeats by address. */
  readonly heartbeats: readonly HeartbeatStatistics[];
  /** Addresses with an open connection, name servers included. */
  readonly connections: readonly string[];
}
