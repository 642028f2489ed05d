import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { ByteSource } from '../arrays/byteSource.js';
import { Spool } from '../arrays/spool.js';
import { type ImageFolder, isImageName } from './imageFolders.js';

/** Offset of a name (two numbers of 32 bits), its bytes, number of its folder. */
const RECORD_BYTES = 16;

/** All images of some folders, numbered, whose names lie in scratch files: only those of one folder are in memory at a time. */
export class ImageList {
  /** Images in each folder. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Files that are no images, by their names. */
  readonly others: number;
  readonly #folders: readonly ImageFolder[];
  readonly #names: ByteSource;
  readonly #records: ByteSource;
  readonly #record = new Uint8Array(RECORD_BYTES);

  private constructor(
    folders: readonly ImageFolder[],
    counts: readonly number[],
    others: number,
    names: ByteSource,
    records: ByteSource,
  ) {
    this.#folders = folders;
    this.counts = counts;
    this.count = counts.reduce((sum, count) => sum + count, 0);
    this.others = others;
    this.#names = names;
    this.#records = records;
  }

  static async make(
    storage: Storage,
    scratch: Scratch,
    folders: readonly ImageFolder[],
    signal?: AbortSignal,
  ): Promise<ImageList> {
    const names = new Spool(await scratch.create('names', {}));
    const records = new Spool(await scratch.create('records', {}));
    const record = new Uint8Array(RECORD_BYTES);
    const view = new DataView(record.buffer);
    const counts: number[] = [];
    let others = 0;
    for (const [number, { folder }] of folders.entries()) {
      signal?.throwIfAborted();
      const all = await storage.list(folder);
      const images = all.filter(isImageName);
      others += all.filter((name) => !isImageName(name) && !name.startsWith('.')).length;
      counts.push(images.length);
      for (const name of images) {
        const bytes = new TextEncoder().encode(name);
        view.setUint32(0, names.byteLength % 2 ** 32, true);
        view.setUint32(4, Math.floor(names.byteLength / 2 ** 32), true);
        view.setUint32(8, bytes.length, true);
        view.setUint32(12, number, true);
        await names.append(bytes);
        await records.append(record);
      }
    }
    const about = { name: 'names of images', unit: '', origin: 0 };
    return new ImageList(folders, counts, others, await names.finish(about), await records.finish(about));
  }

  /** Path and folder of an image. */
  async get(number: number): Promise<{ readonly path: string; readonly folder: number }> {
    await this.#records.readInto!(this.#record, number * RECORD_BYTES);
    const view = new DataView(this.#record.buffer);
    const name = new Uint8Array(view.getUint32(8, true));
    await this.#names.readInto!(name, view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32);
    const folder = view.getUint32(12, true);
    const inside = this.#folders[folder]?.folder;
    if (inside === undefined) throw new MlmlError('MLML_INTERNAL', `image ${number}: no folder ${folder}`);
    return { path: join(inside, new TextDecoder().decode(name)), folder };
  }
}
