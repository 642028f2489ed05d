import { MlmlError } from '../errors.js';
import type { ReadableFile, Storage } from '../storage/storage.js';
import { ChosenRows } from './chosenRows.js';
import type { PartName } from './format.js';
import { labelText, type RowLayout } from './rowLayout.js';
import type { RowSample } from './rowSample.js';

interface OpenShard {
  readonly file: ReadableFile;
  readonly firstRow: number;
  readonly rows: number;
  /** Rows of the file before the first of these. */
  readonly skipped: number;
}

/** Some rows of another file. */
interface Chosen {
  readonly reader: ChosenRows;
  readonly numberOf: (position: number) => number;
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
  /** The part of its data set it is, for messages. */
  readonly part: PartName | undefined;
  readonly #shards: readonly OpenShard[];
  /** Changes rows that have been read. */
  readonly #mend: ((bytes: Uint8Array, rows: number) => void) | undefined;
  /** Where its rows are some of those of another file. */
  readonly #chosen: Chosen | undefined;

  private constructor(
    layout: RowLayout,
    rows: number,
    part: PartName | undefined,
    shards: readonly OpenShard[],
    mend?: (bytes: Uint8Array, rows: number) => void,
    chosen?: Chosen,
  ) {
    this.layout = layout;
    this.rows = rows;
    this.part = part;
    this.#shards = shards;
    this.#mend = mend;
    this.#chosen = chosen;
  }

  /** Path of its first file, for messages. */
  get path(): string {
    return this.#shards[0]?.file.path ?? '';
  }

  /** Bytes of a row. */
  get rowBytes(): number {
    return this.layout.rowBytes;
  }

  /** Opens the files and checks that each has exactly the bytes its rows need. */
  static async open(
    storage: Storage,
    layout: RowLayout,
    shards: readonly { readonly path: string; readonly rows: number }[],
    part?: PartName,
  ): Promise<RowFile> {
    const open: OpenShard[] = [];
    let firstRow = 0;
    try {
      for (const { path, rows } of shards) {
        const file = await storage.openRead(path);
        open.push({ file, firstRow, rows, skipped: 0 });
        const wanted = rows * layout.rowBytes;
        if (!Number.isSafeInteger(wanted))
          throw new MlmlError('MLML_BAD_FILE', `${path}: ${rows} rows are too many`);
        if (file.byteLength !== wanted) {
          throw new MlmlError(
            'MLML_BAD_FILE',
            `${path}: has ${file.byteLength} bytes; ${rows} rows of ${layout.d} ${layout.dtype} features and ` +
              `${labelText(layout)} are ${wanted} bytes`,
          );
        }
        firstRow += rows;
      }
    } catch (error) {
      await Promise.all(open.map((shard) => shard.file.close()));
      throw error;
    }
    return new RowFile(layout, firstRow, part, open);
  }

  /** So many rows that begin at the start of an open file. */
  static of(layout: RowLayout, file: ReadableFile, rows: number, part?: PartName): RowFile {
    return new RowFile(layout, rows, part, [{ file, firstRow: 0, rows, skipped: 0 }]);
  }

  /** The same rows, only the first `rows` of them. Shares the open files. */
  first(rows: number): RowFile {
    const count = Math.min(rows, this.rows);
    return new RowFile(this.layout, count, this.part, this.#shards, this.#mend, this.#chosen);
  }

  /** A sample of these rows, in their order. Shares the open files. */
  sampled(sample: RowSample): RowFile {
    const numberOf = (position: number) => sample.rowAt(position);
    const chosen = { reader: new ChosenRows(this, numberOf), numberOf };
    return new RowFile(this.layout, sample.size, this.part, this.#shards, undefined, chosen);
  }

  /** Number of a row in the part it is stored in. */
  storedRow(row: number): number {
    return this.#chosen?.numberOf(row) ?? row;
  }

  /** The same rows without some of them, given by their numbers in rising order. Shares the open files. */
  without(numbers: readonly number[]): RowFile {
    const pieces: OpenShard[] = [];
    let next = 0;
    let firstRow = 0;
    for (const shard of this.#shards) {
      const end = shard.firstRow + shard.rows;
      for (let from = shard.firstRow; from < end; ) {
        while (next < numbers.length && numbers[next]! < from) next++;
        const to = Math.min(end, numbers[next] ?? end);
        const skipped = shard.skipped + from - shard.firstRow;
        if (to > from) pieces.push({ file: shard.file, firstRow, rows: to - from, skipped });
        firstRow += to - from;
        from = to + 1;
      }
    }
    return new RowFile(this.layout, firstRow, this.part, pieces, this.#mend);
  }

  /** The same rows, changed by `mend` each time they have been read. Shares the open files. */
  mended(mend: (bytes: Uint8Array, rows: number) => void): RowFile {
    return new RowFile(this.layout, this.rows, this.part, this.#shards, mend);
  }

  /** Reads `count` rows from `firstRow` into the start of `target`. */
  async readRows(target: Uint8Array, firstRow: number, count: number): Promise<void> {
    if (this.#chosen !== undefined) return await this.#chosen.reader.readRows(target, firstRow, count);
    const { rowBytes } = this.layout;
    const reads: Promise<void>[] = [];
    for (let i = this.#shardOf(firstRow); i < this.#shards.length; i++) {
      const shard = this.#shards[i]!;
      if (shard.firstRow >= firstRow + count) break;
      const from = Math.max(firstRow, shard.firstRow);
      const to = Math.min(firstRow + count, shard.firstRow + shard.rows);
      if (from >= to) continue;
      const piece = target.subarray((from - firstRow) * rowBytes, (to - firstRow) * rowBytes);
      reads.push(shard.file.readInto(piece, (shard.skipped + from - shard.firstRow) * rowBytes));
    }
    await Promise.all(reads);
    this.#mend?.(target, count);
  }

  /** The last shard that begins at or before a row. */
  #shardOf(row: number): number {
    let low = 0;
    let high = this.#shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#shards[middle]!.firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The same before it returns: for rows that the page cache holds or has read ahead. */
  readRowsNow(target: Uint8Array, firstRow: number, count: number): void {
    if (this.#chosen !== undefined) {
      this.#chosen.reader.readRowsNow(target, firstRow, count);
      return;
    }
    const { rowBytes } = this.layout;
    for (let i = this.#shardOf(firstRow); i < this.#shards.length; i++) {
      const shard = this.#shards[i]!;
      if (shard.firstRow >= firstRow + count) break;
      const from = Math.max(firstRow, shard.firstRow);
      const to = Math.min(firstRow + count, shard.firstRow + shard.rows);
      if (from >= to) continue;
      const position = (shard.skipped + from - shard.firstRow) * rowBytes;
      shard.file.readNow(target, (from - firstRow) * rowBytes, (to - from) * rowBytes, position);
    }
    this.#mend?.(target, count);
  }

  /** Closes the files, also for others that share them. */
  async close(): Promise<void> {
    const files = new Set(this.#shards.map((shard) => shard.file));
    await Promise.all([...files].map((file) => file.close()));
  }
}
