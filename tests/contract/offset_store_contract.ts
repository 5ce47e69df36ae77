/**
 * What every offset store must do, as named cases without a test runner's API or a runtime's.
 *
 * A case gets a place that offsets are kept in, and opens as many stores on it as it needs: one after the other they are
 * a consumer and its restart, side by side they are two members of a group. A case says what it needs of the place.
 */
import { strict as assert } from "node:assert";
import type { MessageQueue, OffsetStore } from "@contrail/rocketmq";

/** Where the stores of one case keep their offsets; empty at the beginning. */
export interface OffsetPlace {
  /** A new store on this place, not started. */
  open(): OffsetStore;
  /** Queues that offsets can be kept of: the place of a remote store knows no others. */
  queue(queueId: number, brokerName?: "broker-a" | "broker-b"): MessageQueue;
  /** Makes the place unreachable until it is called again with false. */
  fail(failing: boolean): void;
}

/** A requirement, and the program that shows it. */
export interface OffsetStoreCase {
  /** Reads as a requirement. */
  readonly name: string;
  /** "shared": several stores at once, with compare-and-set. "fails": a place that can be made unreachable. */
  readonly needs?: "shared" | "fails";
  /** Throws when the requirement does not hold. */
  run(place: OffsetPlace): Promise<void>;
}

async function started(place: OffsetPlace): Promise<OffsetStore> {
  const store = place.open();
  await store.start();
  return store;
}

/** What a store that starts now finds of queue 0. */
async function stored(place: OffsetPlace): Promise<number | undefined> {
  const store = await started(place);
  const offset = await store.readOffset(place.queue(0), "READ_FROM_STORE");
  await store.stop();
  return offset;
}

/** A case that begins with one started store, which is stopped at its end. */
function withStore(body: (store: OffsetStore, place: OffsetPlace) => Promise<void>): OffsetStoreCase["run"] {
  return async (place) => {
    const store = await started(place);
    await body(store, place);
    await store.stop();
  };
}

const kept: OffsetStoreCase[] = [
  {
    name: "a queue without an offset has none, which is not an error",
    run: withStore(async (store, place) => {
      for (const type of ["READ_FROM_STORE", "READ_FROM_MEMORY", "MEMORY_FIRST_THEN_STORE"] as const) {
        assert.equal(await store.readOffset(place.queue(0), type), undefined, type);
      }
    }),
  },
  {
    name: "an update is in memory at once and in the store after a persist",
    async run(place) {
      const store = await started(place);
      store.updateOffset(place.queue(0), 7);
      assert.equal(await store.readOffset(place.queue(0), "READ_FROM_MEMORY"), 7);
      assert.equal(await store.readOffset(place.queue(0), "MEMORY_FIRST_THEN_STORE"), 7);
      const other = await started(place);
      assert.equal(await other.readOffset(place.queue(0), "READ_FROM_STORE"), undefined);
      await other.stop();
      await store.persist(place.queue(0));
      await store.stop();
      const next = await started(place);
      assert.equal(await next.readOffset(place.queue(0), "READ_FROM_MEMORY"), undefined);
      assert.equal(await next.readOffset(place.queue(0), "MEMORY_FIRST_THEN_STORE"), 7);
      assert.equal(await next.readOffset(place.queue(0), "READ_FROM_MEMORY"), 7);
      await next.stop();
    },
  },
  {
    name: "an offset goes forward by itself, and back only when it is told to",
    run: withStore(async (store, place) => {
      const queue = place.queue(0);
      store.updateOffset(queue, 10);
      store.updateOffset(queue, 4);
      assert.equal(await store.readOffset(queue, "READ_FROM_MEMORY"), 10);
      store.updateOffset(queue, 4, false);
      assert.equal(await store.readOffset(queue, "READ_FROM_MEMORY"), 4);
      await store.persist(queue);
      await store.stop();
      const next = await started(place);
      assert.equal(await next.readOffset(queue, "READ_FROM_STORE"), 4);
      next.updateOffset(queue, 2, false);
      await next.persist(queue);
      await next.stop();
      assert.equal(await stored(place), 2);
    }),
  },
  {
    name: "offset 0 is an offset",
    run: withStore(async (store, place) => {
      store.updateOffset(place.queue(0), 0);
      await store.persist(place.queue(0));
      assert.equal(await stored(place), 0);
    }),
  },
  {
    name: "persistAll stores the queues that it is given and no others",
    async run(place) {
      const store = await started(place);
      const queues = [place.queue(0), place.queue(1), place.queue(0, "broker-b"), place.queue(2)];
      queues.forEach((queue, at) => store.updateOffset(queue, 100 + at));
      await store.persistAll(queues.slice(0, 3));
      await store.stop();
      const next = await started(place);
      const read = await Promise.all(queues.map((queue) => next.readOffset(queue, "READ_FROM_STORE")));
      assert.deepEqual(read, [100, 101, 102, undefined]);
      await next.stop();
    },
  },
  {
    name: "a removed offset is forgotten in memory and stays in the store",
    run: withStore(async (store, place) => {
      const queue = place.queue(0);
      store.updateOffset(queue, 9);
      await store.persist(queue);
      store.updateOffset(queue, 12);
      store.removeOffset(queue);
      assert.equal(await store.readOffset(queue, "READ_FROM_MEMORY"), undefined);
      await store.persist(queue);
      assert.equal(await store.readOffset(queue, "READ_FROM_STORE"), 9);
    }),
  },
  {
    name: "an unknown queue is persisted and removed without a complaint",
    run: withStore(async (store, place) => {
      await store.persist(place.queue(0));
      await store.persistAll([place.queue(0), place.queue(1)]);
      await store.persistAll([]);
      store.removeOffset(place.queue(0));
      assert.equal(store.metrics().persisted, 0);
    }),
  },
  {
    name: "what is no offset is refused and changes nothing",
    run: withStore(async (store, place) => {
      const queue = place.queue(0);
      store.updateOffset(queue, 5);
      for (const offset of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
        assert.throws(() => store.updateOffset(queue, offset, false), { code: "OFFSET" }, `${offset}`);
      }
      assert.equal(await store.readOffset(queue, "READ_FROM_MEMORY"), 5);
    }),
  },
  {
    name: "the largest offset that there can be comes back as it is",
    run: withStore(async (store, place) => {
      store.updateOffset(place.queue(0), Number.MAX_SAFE_INTEGER);
      await store.persist(place.queue(0));
      assert.equal(await stored(place), Number.MAX_SAFE_INTEGER);
    }),
  },
  {
    name: "what is persisted already is not persisted again, and the metrics tell what was done",
    run: withStore(async (store, place) => {
      const queues = [place.queue(0), place.queue(1)];
      await store.load(queues);
      for (const queue of queues) store.updateOffset(queue, 3);
      await store.persistAll(queues);
      await store.persistAll(queues);
      await store.persist(queues[0]!);
      store.updateOffset(queues[0]!, 4);
      await store.persistAll(queues);
      const { queues: held, persisted, persistFailures, overtaken } = store.metrics();
      assert.deepEqual({ held, persisted, persistFailures, overtaken }, {
        held: 2,
        persisted: 3,
        persistFailures: 0,
        overtaken: 0,
      });
      await store.readOffset(queues[0]!, "READ_FROM_STORE");
      assert.ok(store.metrics().fetched > 0);
    }),
  },
  {
    name: "persists that overlap all end with the newest offset stored",
    run: withStore(async (store, place) => {
      const queue = place.queue(0);
      const persists: Promise<void>[] = [];
      for (let offset = 1; offset <= 20; offset++) {
        store.updateOffset(queue, offset);
        persists.push(store.persist(queue));
      }
      await Promise.all(persists);
      await store.persist(queue);
      assert.equal(await stored(place), 20);
    }),
  },
];

const failing: OffsetStoreCase[] = [
  {
    name: "an offset that cannot be read is an OffsetFetchError, never none",
    needs: "fails",
    run: withStore(async (store, place) => {
      store.updateOffset(place.queue(1), 8);
      place.fail(true);
      await assert.rejects(store.readOffset(place.queue(0), "READ_FROM_STORE"), { code: "OFFSET_FETCH" });
      assert.equal(await store.readOffset(place.queue(1), "MEMORY_FIRST_THEN_STORE"), 8);
      place.fail(false);
      assert.equal(await store.readOffset(place.queue(0), "READ_FROM_STORE"), undefined);
    }),
  },
  {
    name:
      "an offset that cannot be stored is an OffsetError, stays in memory and is stored by the next persist",
    needs: "fails",
    run: withStore(async (store, place) => {
      const queues = [place.queue(0), place.queue(1)];
      for (const queue of queues) store.updateOffset(queue, 6);
      place.fail(true);
      await assert.rejects(store.persist(queues[0]!), { code: "OFFSET" });
      await assert.rejects(store.persistAll(queues), { code: "OFFSET" });
      assert.equal(store.metrics().persistFailures, 3);
      assert.equal(store.metrics().persisted, 0);
      assert.equal(await store.readOffset(queues[0]!, "READ_FROM_MEMORY"), 6);
      place.fail(false);
      await store.persistAll(queues);
      assert.equal(store.metrics().persisted, 2);
    }),
  },
];

/** Two members; the first owned the queue up to 100 and has more settled than it has stored. */
async function handedOver(place: OffsetPlace): Promise<{ former: OffsetStore; owner: OffsetStore }> {
  const former = await started(place);
  await former.readOffset(place.queue(0), "READ_FROM_STORE");
  former.updateOffset(place.queue(0), 100, false);
  await former.persist(place.queue(0));
  const owner = await started(place);
  assert.equal(await owner.readOffset(place.queue(0), "READ_FROM_STORE"), 100);
  return { former, owner };
}

const shared: OffsetStoreCase[] = [
  {
    name: "a late persist of a former owner does not take the offset back",
    needs: "shared",
    async run(place) {
      const { former, owner } = await handedOver(place);
      former.updateOffset(place.queue(0), 130);
      owner.updateOffset(place.queue(0), 200);
      await owner.persist(place.queue(0));
      await former.persist(place.queue(0));
      assert.equal(await stored(place), 200);
      assert.equal(former.metrics().overtaken, 1);
      await former.persist(place.queue(0));
      assert.equal(former.metrics().overtaken, 1);
      owner.updateOffset(place.queue(0), 210);
      await owner.persist(place.queue(0));
      assert.equal(await stored(place), 210);
    },
  },
  {
    name: "a late persist of a former owner that is further on does not stop the new one",
    needs: "shared",
    async run(place) {
      const { former, owner } = await handedOver(place);
      owner.updateOffset(place.queue(0), 110);
      await owner.persist(place.queue(0));
      former.updateOffset(place.queue(0), 130);
      await former.persist(place.queue(0));
      assert.equal(await stored(place), 130);
      owner.updateOffset(place.queue(0), 120);
      await owner.persist(place.queue(0));
      assert.equal(await stored(place), 130);
      owner.updateOffset(place.queue(0), 140);
      await owner.persist(place.queue(0));
      assert.equal(await stored(place), 140);
    },
  },
  {
    name: "an owner may set the offset back, and a former owner does not undo it",
    needs: "shared",
    async run(place) {
      const { former, owner } = await handedOver(place);
      owner.updateOffset(place.queue(0), 50, false);
      await owner.persist(place.queue(0));
      assert.equal(await stored(place), 50);
      former.updateOffset(place.queue(0), 130);
      await assert.rejects(former.persist(place.queue(0)), { code: "OFFSET", retriable: false });
      assert.equal(await stored(place), 50);
      owner.updateOffset(place.queue(0), 60);
      await owner.persist(place.queue(0));
      assert.equal(await stored(place), 60);
      assert.equal(await former.readOffset(place.queue(0), "READ_FROM_STORE"), 60);
      former.updateOffset(place.queue(0), 70);
      await former.persist(place.queue(0));
      assert.equal(await stored(place), 70);
    },
  },
  {
    name: "a former owner cannot set back what another member has stored since",
    needs: "shared",
    async run(place) {
      const { former, owner } = await handedOver(place);
      owner.updateOffset(place.queue(0), 200);
      await owner.persist(place.queue(0));
      former.updateOffset(place.queue(0), 10, false);
      await assert.rejects(former.persist(place.queue(0)), { code: "OFFSET", retriable: false });
      await assert.rejects(former.persist(place.queue(0)), { code: "OFFSET", retriable: false });
      assert.equal(await stored(place), 200);
      assert.equal(former.metrics().persistFailures, 2);
    },
  },
  {
    name: "of members that persist at once the one that is furthest on wins",
    needs: "shared",
    async run(place) {
      const members = await Promise.all(Array.from({ length: 5 }, () => started(place)));
      await Promise.all(members.map((member) => member.readOffset(place.queue(0), "READ_FROM_STORE")));
      await Promise.all(members.map((member, at) => {
        member.updateOffset(place.queue(0), 10 + at, false);
        return member.persist(place.queue(0));
      }));
      assert.equal(await stored(place), 14);
      for (const member of members) await member.stop();
    },
  },
];

/** The cases. */
export const offsetStoreCases: readonly OffsetStoreCase[] = [...kept, ...failing, ...shared];
