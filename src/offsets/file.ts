/**
 * Offsets in a JSON file of this machine: the store of a broadcasting group, and of a group of one member.
 *
 * The whole file is read at the start and kept as it is on disk; a persist replaces it as a whole. Persists that come
 * while one is being written share the next one. A file that does not check gives way to its backup, with a warning; if
 * neither checks the start fails, because a damaged memory is not the same as none.
 *
 * @module
 */
import { OffsetError, OffsetFetchError } from "../core/errors.ts";
import { type Logger, quietLogger } from "../core/logger.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { DEFAULT_FOLDER, type Disk, noDisk, OffsetDisk, resolveFolder } from "./file_disk.ts";
import { type OffsetFile, readOffsetFile, type StoredOffset, writeOffsetFile } from "./file_format.ts";
import { offsetFileName } from "./names.ts";
import type { OffsetMessageModel, OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";
import { OffsetTable } from "./offset_table.ts";
import { validateOffsetStoreConfig } from "./store_config.ts";

export { OffsetError } from "../core/errors.ts";
export type { Logger } from "../core/logger.ts";
export type { MessageQueue } from "../protocol/message_queue.ts";
export type { OffsetMessageModel, OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";

/** How a file store is made. */
export interface FileOffsetStoreOptions {
  /** The group whose offsets they are. */
  readonly consumerGroup: string;
  /** Default BROADCASTING. In CLUSTERING a file serves only a group of one member: say `singleMember`. */
  readonly messageModel?: OffsetMessageModel | undefined;
  /** That the clustering group has, and will have, this one member only. Default false. */
  readonly singleMember?: boolean | undefined;
  /** Folder of the file; `~` is the user's home, looked up at `start()`. Default `~/.rocketmq/offsets`. */
  readonly path?: string | undefined;
  /** Tells the members of a broadcasting group on one machine apart; the same after a restart. Default "DEFAULT". */
  readonly instanceName?: string | undefined;
  /** Where warnings go; the console by default. */
  readonly logger?: Logger | undefined;
  /**
   * Called when the folder may not be used: offsets are then kept in memory, and each start begins anew. Without it `start()`
   * rejects. A file that is there and damaged is another matter, and always rejects.
   */
  readonly onUnavailable?: ((error: OffsetError) => void) | undefined;
}

/**
 * A store in a JSON file. It does no I/O before `start()`; one store at a time may have the file.
 *
 * @example
 * ```ts
 * import { createFileOffsetStore } from "@contrail/rocketmq/offsets/file";
 *
 * const folder = "/tmp/contrail-offsets";
 * const store = createFileOffsetStore({ consumerGroup: "screens", path: folder });
 * await store.start();
 * const queue = { topic: "prices", brokerName: "broker-a", queueId: 0 };
 * store.updateOffset(queue, 42);
 * await store.persistAll([queue]);
 * await store.stop();
 * ```
 * @throws ConfigError when a file cannot serve the group.
 */
export function createFileOffsetStore(options: FileOffsetStoreOptions): OffsetStore {
  const messageModel = options.messageModel ?? "BROADCASTING";
  validateOffsetStoreConfig({ ...options, messageModel, store: "file" });
  return new FileOffsetStore(options, messageModel);
}

class FileOffsetStore implements OffsetStore {
  readonly messageModel: OffsetMessageModel;
  readonly #group: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #table = new OffsetTable();
  #stored: Map<string, StoredOffset> = new Map();
  /** Keys of `#stored` that no write has carried to the disk yet. */
  readonly #unwritten = new Set<string>();
  readonly #onUnavailable: ((error: OffsetError) => void) | undefined;
  #disk: Disk | undefined;
  /** Whether the file on disk checks, so that it may become the backup. */
  #whole = false;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #persisted = 0;
  #persistFailures = 0;
  #fetched = 0;

  constructor(options: FileOffsetStoreOptions, messageModel: OffsetMessageModel) {
    this.messageModel = messageModel;
    this.#group = options.consumerGroup;
    this.#folder = options.path ?? DEFAULT_FOLDER;
    this.#name = offsetFileName(this.#group, messageModel, options.instanceName ?? "DEFAULT");
    this.#logger = options.logger ?? quietLogger;
    this.#onUnavailable = options.onUnavailable;
  }

  async start(): Promise<void> {
    if (this.#disk) return;
    let path = `${this.#folder}/${this.#name}`;
    try {
      const disk = await this.#openDisk();
      path = disk.path;
      this.#stored = await this.#readEither(disk);
      this.#disk = disk;
    } catch (cause) {
      throw new OffsetFetchError(
        `Cannot read the offsets of group "${this.#group}" from ${path}: ${(cause as Error).message}`,
        { cause, group: this.#group, retriable: false },
      );
    }
  }

  async #openDisk(): Promise<Disk> {
    try {
      const disk = new OffsetDisk(await resolveFolder(this.#folder), this.#name);
      await disk.prepare();
      return disk;
    } catch (cause) {
      if (this.#onUnavailable === undefined) throw cause;
      this.#onUnavailable(
        new OffsetError(
          `Cannot keep the offsets of group "${this.#group}" in ${this.#folder}: ${(cause as Error).message}`,
          { cause, group: this.#group },
        ),
      );
      return noDisk;
    }
  }

  /** The file's offsets, or its backup's; none when there is neither. */
  async #readEither(disk: Disk): Promise<Map<string, StoredOffset>> {
    const text = await disk.read(disk.path);
    let problem = "it is missing";
    if (text !== undefined) {
      try {
        const { offsets } = this.#checked(readOffsetFile(text));
        this.#whole = true;
        return offsets;
      } catch (error) {
        problem = (error as Error).message;
      }
    }
    const backup = await disk.read(disk.backupPath);
    if (backup === undefined && text === undefined) return new Map();
    if (backup === undefined) throw new Error(`${problem}, and there is no backup`);
    let offsets: Map<string, StoredOffset>;
    try {
      offsets = this.#checked(readOffsetFile(backup)).offsets;
    } catch (error) {
      throw new Error(`${problem}, and of its backup ${(error as Error).message}`);
    }
    this.#logger.warn(
      `Offset file ${disk.path} of group "${this.#group}" is not used: ${problem}; its backup is, so messages since the ` +
        "last write but one are delivered again",
    );
    return offsets;
  }

  #checked(file: OffsetFile): OffsetFile {
    if (file.consumerGroup === this.#group && file.messageModel === this.messageModel) return file;
    throw new Error(`it belongs to group "${file.consumerGroup}" (${file.messageModel})`);
  }

  async stop(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#writing.catch(() => {});
    this.#disk = undefined;
  }

  load(queues: readonly MessageQueue[]): Promise<void> {
    if (!this.#disk) return Promise.reject(this.#notStarted());
    for (const queue of queues) this.#fetch(queue);
    return Promise.resolve();
  }

  #notStarted(): OffsetFetchError {
    return new OffsetFetchError(
      `Cannot read the offsets of group "${this.#group}": the store is not started`,
      {
        group: this.#group,
        retriable: false,
      },
    );
  }

  #fetch(queue: MessageQueue): number | undefined {
    this.#fetched++;
    const stored = this.#stored.get(queueKey(queue))?.offset;
    if (stored !== undefined) this.#table.set(queue, stored);
    return stored;
  }

  readOffset(queue: MessageQueue, type: ReadOffsetType): Promise<number | undefined> {
    const known = this.#table.get(queue)?.offset;
    if (type === "READ_FROM_MEMORY" || (type !== "READ_FROM_STORE" && known !== undefined)) {
      return Promise.resolve(known);
    }
    return this.#disk ? Promise.resolve(this.#fetch(queue)) : Promise.reject(this.#notStarted());
  }

  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    this.#table.update(queue, offset, increaseOnly);
  }

  persist(queue: MessageQueue): Promise<void> {
    return this.persistAll([queue]);
  }

  async persistAll(queues: readonly MessageQueue[]): Promise<void> {
    const changed: string[] = [];
    for (const queue of queues) {
      const key = queueKey(queue);
      const offset = this.#table.get(queue)?.offset;
      if (offset === undefined) continue;
      if (this.#stored.get(key)?.offset === offset && !this.#unwritten.has(key)) continue;
      const { topic, brokerName, queueId } = queue;
      this.#stored.set(key, { queue: { topic, brokerName, queueId }, offset });
      changed.push(key);
    }
    if (changed.length === 0) return;
    for (const key of changed) this.#unwritten.add(key);
    try {
      await this.#flush();
      for (const key of changed) this.#unwritten.delete(key);
      this.#persisted += changed.length;
    } catch (cause) {
      for (const key of changed) this.#unwritten.add(key);
      this.#persistFailures += changed.length;
      throw new OffsetError(
        `Cannot store the offsets of ${changed.length} queues of group "${this.#group}": ${
          (cause as Error).message
        }`,
        { cause, group: this.#group },
      );
    }
  }

  /** Resolves when a write that began after this call is on disk; callers that wait for the same one share it. */
  #flush(): Promise<void> {
    this.#next ??= this.#writing.catch(() => {}).then(() => {
      this.#next = undefined;
      return this.#writing = this.#write();
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    if (!this.#disk) throw new Error("the store is not started");
    const { messageModel } = this;
    const text = writeOffsetFile({ consumerGroup: this.#group, messageModel, offsets: this.#stored });
    const keep = this.#whole;
    // Between the two renames there is no file: should the second fail, the next write must not look for one.
    this.#whole = false;
    await this.#disk.write(text, keep);
    this.#whole = true;
  }

  removeOffset(queue: MessageQueue): void {
    this.#table.delete(queue);
  }

  metrics(): OffsetStoreMetrics {
    return {
      queues: this.#table.size,
      persisted: this.#persisted,
      persistFailures: this.#persistFailures,
      fetched: this.#fetched,
      overtaken: 0,
    };
  }
}
