/**
 * The built-in ways to divide queues among the members of a group.
 */
export type { AllocateContext, AllocateStrategy } from "./allocate_strategy.ts";
export { averageStrategy } from "./strategies/average.ts";
export { circleStrategy } from "./strategies/circle.ts";
export { configStrategy } from "./strategies/config.ts";
export { type ConsistentHashOptions, consistentHashStrategy } from "./strategies/consistent_hash.ts";
export { hashStrategy } from "./strategies/hash.ts";
export { machineRoomStrategy } from "./strategies/machine_room.ts";
export { machineRoomNearbyStrategy, type MachineRoomResolver } from "./strategies/machine_room_nearby.ts";
