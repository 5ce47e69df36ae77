/**
 * The built-in ways to divide queues among the members of a group.
 */
export type { AllocateContext, AllocateStrategy } from "./allocate_strategy.ts";
export { createAverageStrategy } from "./strategies/average.ts";
export { createCircleStrategy } from "./strategies/circle.ts";
export { createConfigStrategy } from "./strategies/config.ts";
export { type ConsistentHashOptions, createConsistentHashStrategy } from "./strategies/consistent_hash.ts";
export { createHashStrategy } from "./strategies/hash.ts";
export { createMachineRoomStrategy } from "./strategies/machine_room.ts";
export {
  createMachineRoomNearbyStrategy,
  type MachineRoomResolver,
} from "./strategies/machine_room_nearby.ts";
