/**
 * A key-value database of Deno KV's shape in memory: versions, atomic checks, and a switch that makes it unreachable.
 */
import type { KvAtomic, KvDatabase, KvKey } from "@contrail/rocketmq/offsets/kv";

/** Every call takes a turn of the event loop, so that callers interleave as they would over a network. */
export class InMemoryKv implements KvDatabase {
  readonly #values = new Map<string, { value: unknown; version: number }>();
  #versions = 0;
  /** Whether every call rejects. */
  failing = false;
  /** Whether the next commit is done but its answer lost. */
  losesAnswer = false;

  async #reach(): Promise<void> {
    await Promise.resolve();
    if (this.failing) throw new Error("the database is not reachable");
  }

  /** The keys that hold something. */
  get keys(): KvKey[] {
    return [...this.#values.keys()].map((key) => JSON.parse(key) as KvKey);
  }

  async get(key: KvKey): Promise<{ value: unknown; versionstamp: string | null }> {
    await this.#reach();
    const entry = this.#values.get(JSON.stringify(key));
    return { value: entry?.value ?? null, versionstamp: entry ? `${entry.version}` : null };
  }

  async set(key: KvKey, value: unknown): Promise<void> {
    await this.#reach();
    this.#values.set(JSON.stringify(key), { value, version: ++this.#versions });
  }

  atomic(): KvAtomic {
    const checks: { key: KvKey; versionstamp: string | null }[] = [];
    const sets: { key: KvKey; value: unknown }[] = [];
    const operation: KvAtomic = {
      check: (check) => (checks.push(check), operation),
      set: (key, value) => (sets.push({ key, value }), operation),
      commit: async () => {
        await this.#reach();
        for (const { key, versionstamp } of checks) {
          const version = this.#values.get(JSON.stringify(key))?.version;
          if ((version === undefined ? null : `${version}`) !== versionstamp) return { ok: false };
        }
        for (const { key, value } of sets) {
          this.#values.set(JSON.stringify(key), { value, version: ++this.#versions });
        }
        if (this.losesAnswer) {
          this.losesAnswer = false;
          throw new Error("the answer was lost");
        }
        return { ok: true, versionstamp: `${this.#versions}` };
      },
    };
    return operation;
  }
}
