import { dirname, join } from 'node:path';
import { removeLeftovers } from '../storage/leftovers.js';
import { ownedName } from '../storage/ownedFolder.js';
import { sealedText } from '../storage/sealedJson.js';
import type { Storage } from '../storage/storage.js';
import { replaceFile } from '../storage/textFile.js';
import { ChecksummedWriter } from './checksumFile.js';
import { type DatasetDescription, DESCRIPTION_FILE } from './format.js';

/**
 * A data set folder while it is made, beside the place it will have. Nothing appears there before `publish`; `discard` (or a
 * crash) leaves no half-made data set.
 */
export class StagedFolder {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #temporary: string;
  readonly #files: ChecksummedWriter[] = [];

  /** Touches no disk: `open` does. */
  constructor(storage: Storage, folder: string) {
    this.#storage = storage;
    this.#folder = folder;
    this.#temporary = join(dirname(folder), ownedName('import'));
  }

  /** Removes leftovers of dead imports, makes the temporary folder and lets `fill` open files in it; all goes when that fails. */
  async open(fill: () => Promise<void>): Promise<void> {
    await removeLeftovers(this.#storage, dirname(this.#folder));
    try {
      await this.#storage.makeFolder(this.#temporary);
      await fill();
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** A new file, with its checksums beside it. Whoever writes it finishes it; `discard` closes it. */
  async create(name: string): Promise<ChecksummedWriter> {
    const path = join(this.#temporary, name);
    const file = new ChecksummedWriter(
      await this.#storage.create(path),
      await this.#storage.create(`${path}.crc32c`),
    );
    this.#files.push(file);
    return file;
  }

  /** Writes `dataset.json` beside the finished files and gives the folder its name. */
  async publish(description: DatasetDescription): Promise<void> {
    await replaceFile(this.#storage, join(this.#temporary, DESCRIPTION_FILE), sealedText(description));
    await this.#storage.rename(this.#temporary, this.#folder);
    await this.#storage.syncFolder(dirname(this.#folder));
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    for (const file of this.#files) await file.close().catch(() => {});
    // The first failure is the one to tell; a later import removes what a failing disk kept.
    await this.#storage.remove(this.#temporary).catch(() => {});
  }
}
