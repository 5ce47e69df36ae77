/**
 * An offset file on disk, with the one backup beside it. node:fs is loaded at the first use.
 *
 *   write: the text into `….tmp`, fsync; the file becomes `….bak`; `….tmp` becomes the file; fsync of the folder.
 * At every instant the file or its backup is whole: whoever pulls the plug takes at most the last write away. A file that is
 * not the one that was left is another store's, and stays: of two members by one name one keeps its offsets.
 */

/** Where offset files lie unless a folder is named. */
export const DEFAULT_FOLDER = "~/.rocketmq/offsets";

/** `folder` with `~` replaced by the user's home; in Deno that asks for `--allow-sys=homedir`. */
export async function resolveFolder(folder: string): Promise<string> {
  if (folder !== "~" && !folder.startsWith("~/")) return folder;
  const { homedir } = await import("node:os");
  const home = homedir();
  if (home === "") throw new Error("no home folder is known");
  return home + folder.slice(1);
}

/** Where a store keeps its text. */
export interface Disk {
  /** Where the file lies. */
  readonly path: string;
  /** Where its backup lies. */
  readonly backupPath: string;
  /** The text at `path`; `undefined` when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Replaces the file by `text`; with `keep` the one that was there becomes the backup. */
  write(text: string, keep: boolean): Promise<void>;
}

/** In the place of a disk that may not be used: keeps nothing. */
export const noDisk: Disk = {
  path: "memory",
  backupPath: "memory",
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
};

/** One file and its backup. */
export class OffsetDisk implements Disk {
  readonly #folder: string;
  readonly #path: string;
  /** The file as this store has read or left it; `undefined` when there was none. */
  #left: string | undefined;

  /** The file `name` in `folder`. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
  }

  /** Where the file lies. */
  get path(): string {
    return this.#path;
  }

  /** Where its backup lies. */
  get backupPath(): string {
    return `${this.#path}.bak`;
  }

  /** Makes the folder if need be, and rejects when no file may be written in it. */
  async prepare(): Promise<void> {
    const { access, constants, mkdir } = await import("node:fs/promises");
    await mkdir(this.#folder, { recursive: true });
    await access(this.#folder, constants.R_OK | constants.W_OK);
  }

  /** See Disk. */
  async read(path: string): Promise<string | undefined> {
    const { readFile } = await import("node:fs/promises");
    if (path === this.#path) this.#left = await this.#mark();
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** See Disk. */
  async write(text: string, keep: boolean): Promise<void> {
    const { mkdir, open, rename } = await import("node:fs/promises");
    const mark = await this.#mark();
    if (mark !== undefined && mark !== this.#left) {
      throw new Error(`another store writes ${this.#path}: members on one machine need each an instanceName`);
    }
    await mkdir(this.#folder, { recursive: true });
    const temporary = `${this.#path}.tmp`;
    const file = await open(temporary, "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (keep) await rename(this.#path, this.backupPath);
    await rename(temporary, this.#path);
    this.#left = await this.#mark();
    await this.#syncFolder();
  }

  /** What tells the file from one that another has put in its place. */
  async #mark(): Promise<string | undefined> {
    const { stat } = await import("node:fs/promises");
    const found = await stat(this.#path).catch(() => undefined);
    return found && `${found.ino}:${found.mtimeMs}:${found.size}`;
  }

  /** Makes the renames durable, where a folder can be synced (not on Windows). */
  async #syncFolder(): Promise<void> {
    const { open } = await import("node:fs/promises");
    const folder = await open(this.#folder, "r").catch(() => undefined);
    try {
      await folder?.sync().catch(() => {});
    } finally {
      await folder?.close();
    }
  }
}
