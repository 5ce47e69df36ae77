/**
 * An offset file on disk, with the one backup beside it. node:fs is loaded at the first use.
 *
 *   write: the text into `….tmp`, fsync; the file becomes `….bak`; `….tmp` becomes the file; fsync of the folder.
 * At every instant the file or its backup is whole: whoever pulls the plug takes at most the last write away.
 */

/** Where offset files lie unless a folder is named. */
export const DEFAULT_FOLDER = "~/.rocketmq/offsets";

/** `folder` with `~` replaced by the user's home; in Deno that asks for `--allow-sys=homedir`. */
export async function resolveFolder(folder: string): Promise<string> {
  if (folder !== "~" && !folder.startsWith("~/")) return folder;
  const { homedir } = await import("node:os");
  return homedir() + folder.slice(1);
}

/** One file and its backup. */
export class OffsetDisk {
  readonly #folder: string;
  readonly #path: string;

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

  /** The text at `path`; `undefined` when there is no such file. */
  async read(path: string): Promise<string | undefined> {
    const { readFile } = await import("node:fs/promises");
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Replaces the file by `text`; with `keep` the one that was there becomes the backup. */
  async write(text: string, keep: boolean): Promise<void> {
    const { mkdir, open, rename } = await import("node:fs/promises");
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
    await this.#syncFolder();
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
