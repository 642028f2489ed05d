import { basename, join } from 'node:path';
import { MlmlError } from '../errors.js';
import { removeLeftovers } from './leftovers.js';
import { handOn, ownedName } from './ownedFolder.js';
import type { CreateOptions, Storage, WritableFile } from './storage.js';

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}

/** Removes what dead runs left in `folder` and checks that so many bytes are free there (`MLML_DISK_FULL`). */
export async function requireScratch(storage: Storage, folder: string, neededBytes: number): Promise<void> {
  await removeLeftovers(storage, folder);
  const free = await storage.freeBytes(folder);
  if (free >= neededBytes) return;
  throw new MlmlError(
    'MLML_DISK_FULL',
    `${folder}: needs ${megabytes(neededBytes)} of scratch space, ${megabytes(free)} are free; ` +
      'free some space or give another folder with --scratch',
  );
}

/** A folder for files that live as long as one job. */
export class Scratch {
  readonly path: string;
  readonly #storage: Storage;
  readonly #files: WritableFile[] = [];

  private constructor(storage: Storage, path: string) {
    this.#storage = storage;
    this.path = path;
  }

  /**
   * Removes what dead runs left in `folder`, checks that `neededBytes` are free (`MLML_DISK_FULL`), and makes
   * a new folder in it.
   */
  static async open(storage: Storage, folder: string, neededBytes: number): Promise<Scratch> {
    await requireScratch(storage, folder, neededBytes);
    const scratch = new Scratch(storage, join(folder, ownedName('scratch')));
    await storage.makeFolder(scratch.path);
    return scratch;
  }

  /** Takes over the folder that a dead process left at `path` in `folder`. */
  static async adopt(storage: Storage, folder: string, path: string): Promise<Scratch> {
    const scratch = new Scratch(storage, join(folder, ownedName('scratch')));
    await storage.rename(path, scratch.path);
    return scratch;
  }

  /** A file that is there already. */
  async open(name: string, options: { readonly direct?: boolean }): Promise<WritableFile> {
    const file = await this.#storage.openWrite(join(this.path, name), options);
    this.#files.push(file);
    return file;
  }

  /** A new file in the folder; `close` closes it. */
  async create(name: string, options: CreateOptions): Promise<WritableFile> {
    const file = await this.#storage.create(join(this.path, name), options);
    this.#files.push(file);
    return file;
  }

  /** Closes the files and removes the folder, unless it is kept for the job that goes on. Requests in flight must have ended. */
  async close(keep = false): Promise<void> {
    const files = this.#files.splice(0);
    await Promise.all(files.map((file) => file.close().catch(() => {})));
    if (keep) handOn(basename(this.path));
    else await this.#storage.remove(this.path);
  }
}
