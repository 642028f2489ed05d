import { MlmlError } from '../errors.js';
import type { ReadableFile, Storage } from '../storage/storage.js';
import type { RowLayout } from './rowLayout.js';

interface OpenShard {
  readonly file: ReadableFile;
  readonly firstRow: number;
  readonly rows: number;
}

/** Rows that can be read by number. */
export interface RowReader {
  readonly layout: RowLayout;
  /** Number of rows. */
  readonly rows: number;
  /** Reads `count` rows from `firstRow` into the start of `target`. */
  readRows(target: Uint8Array, firstRow: number, count: number): Promise<void>;
}

/** The rows of one part of a data set, in stored order, over one or more files. */
export class RowFile implements RowReader {
  readonly layout: RowLayout;
  /** Number of rows. */
  readonly rows: number;
  readonly #shards: readonly OpenShard[];

  private constructor(layout: RowLayout, rows: number, shards: readonly OpenShard[]) {
    this.layout = layout;
    this.rows = rows;
    this.#shards = shards;
  }

  /** Opens the files and checks that each has exactly the bytes its rows need. */
  static async open(
    storage: Storage,
    layout: RowLayout,
    shards: readonly { readonly path: string; readonly rows: number }[],
  ): Promise<RowFile> {
    const open: OpenShard[] = [];
    let firstRow = 0;
    try {
      for (const { path, rows } of shards) {
        const file = await storage.openRead(path);
        open.push({ file, firstRow, rows });
        const wanted = rows * layout.rowBytes;
        if (!Number.isSafeInteger(wanted))
          throw new MlmlError('MLML_BAD_FILE', `${path}: ${rows} rows are too many`);
        if (file.byteLength !== wanted) {
          throw new MlmlError(
            'MLML_BAD_FILE',
            `${path}: has ${file.byteLength} bytes; ${rows} rows of ${layout.d} ${layout.dtype} features and a ` +
              `${layout.labelDtype} label are ${wanted} bytes`,
          );
        }
        firstRow += rows;
      }
    } catch (error) {
      await Promise.all(open.map((shard) => shard.file.close()));
      throw error;
    }
    return new RowFile(layout, firstRow, open);
  }

  /** The same rows, only the first `rows` of them. Shares the open files. */
  first(rows: number): RowFile {
    return new RowFile(this.layout, Math.min(rows, this.rows), this.#shards);
  }

  /** Reads `count` rows from `firstRow` into the start of `target`. */
  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.layout;
    const reads: Promise<void>[] = [];
    for (const shard of this.#shards) {
      const from = Math.max(firstRow, shard.firstRow);
      const to = Math.min(firstRow + count, shard.firstRow + shard.rows);
      if (from >= to) continue;
      const piece = target.subarray((from - firstRow) * rowBytes, (to - firstRow) * rowBytes);
      reads.push(shard.file.readInto(piece, (from - shard.firstRow) * rowBytes));
    }
    await Promise.all(reads);
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.file.close()));
  }
}
