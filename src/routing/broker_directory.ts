/**
 * Where brokers are: name → id → address, gathered from the routes of all topics.
 *
 * Every route that comes replaces what was known of its brokers; `keepOnly` drops brokers that no route names any more
 * (MQClientInstance.cleanOfflineBroker).
 */
import { MASTER_ID, type TopicRoute } from "./route.ts";

/** One address of one broker. */
export interface BrokerPlace {
  /** Name of the broker, shared by a master and its slaves. */
  readonly brokerName: string;
  /** Its id; 0 is the master. */
  readonly brokerId: number;
  /** `host:port`. */
  readonly address: string;
}

/** Which brokers are known, and where. */
export class BrokerDirectory {
  readonly #brokers = new Map<string, ReadonlyMap<number, string>>();
  readonly #names = new Map<string, string>();

  /** Takes over what `route` says about its brokers. */
  learn(route: TopicRoute): void {
    for (const [brokerName, addresses] of route.brokers) {
      this.#brokers.set(brokerName, addresses);
      for (const address of addresses.values()) this.#names.set(address, brokerName);
    }
  }

  /** Forgets brokers that none of `routes` names, and addresses that they have left. */
  keepOnly(routes: Iterable<TopicRoute>): void {
    const named = new Set<string>();
    for (const route of routes) for (const brokerName of route.brokers.keys()) named.add(brokerName);
    for (const brokerName of [...this.#brokers.keys()]) {
      if (!named.has(brokerName)) this.#brokers.delete(brokerName);
    }
    const places = new Set(this.places().map((place) => place.address));
    for (const address of [...this.#names.keys()]) if (!places.has(address)) this.#names.delete(address);
  }

  /** Names of all brokers, sorted. */
  names(): string[] {
    return [...this.#brokers.keys()].sort();
  }

  /** Every address of every broker. */
  places(): BrokerPlace[] {
    return [...this.#brokers].flatMap(([brokerName, addresses]) =>
      [...addresses].map(([brokerId, address]) => ({ brokerName, brokerId, address }))
    );
  }

  /** Name of the broker at `address`. */
  nameAt(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** Address of the master (MQClientInstance.findBrokerAddressInPublish). */
  master(brokerName: string): string | undefined {
    return this.#brokers.get(brokerName)?.get(MASTER_ID);
  }

  /**
   * Address to read from: the broker with that id; a slave that is gone is replaced by the next id, and unless `only`
   * any broker of the name will do (MQClientInstance.findBrokerAddressInSubscribe).
   */
  reader(brokerName: string, brokerId: number, only: boolean): string | undefined {
    const addresses = this.#brokers.get(brokerName);
    if (!addresses) return undefined;
    const exact = addresses.get(brokerId) ??
      (brokerId !== MASTER_ID ? addresses.get(brokerId + 1) : undefined);
    if (exact !== undefined || only) return exact;
    return addresses.values().next().value;
  }
}
