/**
 * How the options of a consumer name an allocation strategy: by a bare name, by a name with what it needs, or as an object
 * of one's own.
 */
import * as v from "valibot";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import {
  type AllocateStrategy,
  createAverageStrategy,
  createCircleStrategy,
  createConfigStrategy,
  createConsistentHashStrategy,
  createHashStrategy,
  createMachineRoomNearbyStrategy,
  createMachineRoomStrategy,
  type MachineRoomResolver,
} from "../../rebalance/strategies.ts";

/** The strategies that need nothing but their name. */
export type AllocateStrategyName = "AVG" | "AVG_BY_CIRCLE" | "CONSISTENT_HASH" | "HASH";

/** A strategy by its name, with what it needs. */
export type AllocateStrategyConfig =
  | { readonly name: "AVG" | "AVG_BY_CIRCLE" | "HASH" }
  | {
    readonly name: "CONSISTENT_HASH";
    /** Points of each member on the ring; all members must agree. Default 10. */
    readonly virtualNodes?: number | undefined;
  }
  | {
    readonly name: "MACHINE_ROOM";
    /** The rooms whose brokers, named `room@name`, are consumed from. */
    readonly rooms: readonly string[];
  }
  | {
    readonly name: "MACHINE_ROOM_NEARBY";
    /** Says where brokers and members are. */
    readonly resolver: MachineRoomResolver;
    /** Divides the queues of a room. Default "AVG". */
    readonly inner?: AllocateStrategyOption | undefined;
  }
  | {
    readonly name: "CONFIG";
    /** This member's queues; it is up to the application that members do not overlap. */
    readonly queues: readonly MessageQueue[];
  };

/** What `allocateStrategy` may be. */
export type AllocateStrategyOption = AllocateStrategyName | AllocateStrategyConfig | AllocateStrategy;

const queue = v.object({
  topic: v.pipe(v.string(), v.nonEmpty()),
  brokerName: v.pipe(v.string(), v.nonEmpty()),
  queueId: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

const resolver = v.custom<MachineRoomResolver>(
  (value) => {
    const { brokerRoom, consumerRoom } = (value ?? {}) as Partial<MachineRoomResolver>;
    return typeof brokerRoom === "function" && typeof consumerRoom === "function";
  },
  "Expected an object with brokerRoom() and consumerRoom()",
);

const config = v.lazy(() =>
  v.variant(
    "name",
    [
      v.strictObject({ name: v.picklist(["AVG", "AVG_BY_CIRCLE", "HASH"]) }),
      v.strictObject({
        name: v.literal("CONSISTENT_HASH"),
        virtualNodes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 10),
      }),
      v.strictObject({
        name: v.literal("MACHINE_ROOM"),
        rooms: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1)),
      }),
      v.strictObject({ name: v.literal("MACHINE_ROOM_NEARBY"), resolver, inner: strategyOption }),
      v.strictObject({ name: v.literal("CONFIG"), queues: v.array(queue) }),
    ],
    (issue) => `Expected the name of a strategy, current value is ${issue.received}`,
  )
);

const named = v.pipe(
  v.custom<AllocateStrategyName | AllocateStrategyConfig>(() => true),
  v.transform((value) => typeof value === "string" ? { name: value } : value),
  config,
  v.transform((named): AllocateStrategy => {
    switch (named.name) {
      case "AVG":
        return createAverageStrategy();
      case "AVG_BY_CIRCLE":
        return createCircleStrategy();
      case "HASH":
        return createHashStrategy();
      case "CONSISTENT_HASH":
        return createConsistentHashStrategy(named);
      case "MACHINE_ROOM":
        return createMachineRoomStrategy(named.rooms);
      case "MACHINE_ROOM_NEARBY":
        return createMachineRoomNearbyStrategy(named.inner, named.resolver);
      case "CONFIG":
        return createConfigStrategy(named.queues);
    }
  }),
);

/** The schema of the option; what comes out is the strategy. */
export const strategyOption: v.GenericSchema<AllocateStrategyOption | undefined, AllocateStrategy> = v
  .optional(
    v.lazy((value) => isStrategy(value) ? v.custom<AllocateStrategy>(isStrategy) : named),
    "AVG",
  );

function isStrategy(value: unknown): boolean {
  return typeof (value as AllocateStrategy | null)?.allocate === "function";
}
