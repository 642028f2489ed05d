import { createHash } from 'node:crypto';
import type { PartName, Task } from './format.js';
import type { RowLayout } from './rowLayout.js';

/** Hashes the rows of both parts, which may arrive in any interleaving, into the data set's fingerprint. */
export class Fingerprint {
  readonly #hashes = { train: createHash('sha256'), test: createHash('sha256') };
  readonly #rows = { train: 0, test: 0 };

  /** Adds `rows` encoded rows to the end of a part. */
  add(part: PartName, bytes: Uint8Array, rows: number): void {
    this.#hashes[part].update(bytes);
    this.#rows[part] += rows;
  }

  /** 32 hexadecimal digits that depend on every row, their order, and how they are to be read. */
  digest(task: Task, k: number, layout: RowLayout): string {
    const shape = [task, layout.d, k, layout.dtype, layout.labelDtype, this.#rows];
    return createHash('sha256')
      .update(this.#hashes.train.digest())
      .update(this.#hashes.test.digest())
      .update(JSON.stringify(shape))
      .digest('hex')
      .slice(0, 32);
  }
}
