/**
 * Who takes part in a client: consumers and producers, each under the name of its group. A group of one kind appears
 * once, because brokers know the members of a group by client id and could not tell two apart.
 */
import { ConfigError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { ConsumerData } from "../protocol/bodies.ts";
import type { InboundRequest, OutboundReply } from "../remoting/call.ts";

/** What answers a broker's request. */
export type MemberReply = OutboundReply | undefined | Promise<OutboundReply | undefined>;

/** A consumer as its client sees it. */
export interface ConsumerMember {
  /** Tells it from a producer. */
  readonly kind: "consumer";
  /** Name of its group. */
  readonly group: string;
  /** What heartbeats say about it, as of now. */
  heartbeat(): ConsumerData;
  /** Topics whose routes it needs kept fresh. */
  topics(): Iterable<string>;
  /** The members of its group changed. */
  onMembersChanged(): void;
  /** The route of one of its topics was found or changed. */
  onRouteChanged(topic: string): void;
  /** A connection to a broker was made, and the broker has had a heartbeat over it. */
  onBrokerConnected?(brokerName: string): void;
  /** Answers a broker's request about its group: codes 220, 221, 307, 309. */
  onRequest?(request: InboundRequest): MemberReply;
}

/** A producer as its client sees it. */
export interface ProducerMember {
  /** Tells it from a consumer. */
  readonly kind: "producer";
  /** Name of its group. */
  readonly group: string;
  /** Topics whose routes it needs kept fresh. */
  topics(): Iterable<string>;
  /** Answers a broker's request: codes 39 (of its group) and 326 (of any). `undefined` when it is not for this one. */
  onRequest?(request: InboundRequest): MemberReply;
}

/** A consumer or producer. */
export type Member = ConsumerMember | ProducerMember;

/** Runs what a member has to say or to do; its throw is logged and is not the client's problem. */
export function guarded<T>(member: Member, logger: Logger, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    logger.error(`The ${member.kind} of group "${member.group}" failed when its client called it`, error);
    return undefined;
  }
}

/** The members of one client. */
export class Members {
  readonly #byKey = new Map<string, Member>();

  /** Enters a member. @throws ConfigError when its group is here already. */
  join(member: Member): void {
    const key = keyOf(member);
    if (this.#byKey.has(key)) {
      throw new ConfigError(
        `Cannot join ${member.kind} group "${member.group}": this client has a ${member.kind} of that group already`,
        { group: member.group },
      );
    }
    this.#byKey.set(key, member);
  }

  /** Removes a member; says whether it was here. */
  leave(member: Member): boolean {
    return this.#byKey.get(keyOf(member)) === member && this.#byKey.delete(keyOf(member));
  }

  /** All members. */
  all(): Member[] {
    return [...this.#byKey.values()];
  }

  /** The consumers. */
  consumers(): ConsumerMember[] {
    return this.all().filter((member) => member.kind === "consumer");
  }

  /** The producers. */
  producers(): ProducerMember[] {
    return this.all().filter((member) => member.kind === "producer");
  }

  /** The consumer of `group`. */
  consumer(group: string): ConsumerMember | undefined {
    const member = this.#byKey.get(`consumer ${group}`);
    return member?.kind === "consumer" ? member : undefined;
  }

  /** The producer of `group`. */
  producer(group: string): ProducerMember | undefined {
    const member = this.#byKey.get(`producer ${group}`);
    return member?.kind === "producer" ? member : undefined;
  }
}

function keyOf(member: Member): string {
  return `${member.kind} ${member.group}`;
}
