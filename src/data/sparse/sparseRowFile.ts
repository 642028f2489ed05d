import { MlmlError } from '../../errors.js';
import type { ReadableFile, Storage } from '../../storage/storage.js';
import type { PartName, SparsePart } from '../format.js';
import type { SparseDtype } from './sparseRecord.js';

/** How sparse rows lie in a file. */
export interface SparseLayout {
  readonly d: number;
  readonly dtype: SparseDtype;
}

/** Of a file of rows, the file that tells where each begins. */
export function offsetsPath(rows: string): string {
  return rows.replace(/\.rows$/, '.offsets');
}

/** The sparse rows of one part of a data set, in stored order. */
export class SparseRowFile {
  readonly layout: SparseLayout;
  /** Number of rows. */
  readonly rows: number;
  readonly sizes: SparsePart;
  readonly part: PartName;
  readonly #file: ReadableFile;
  readonly #offsets: ReadableFile;
  readonly #offset = new Uint8Array(8);

  private constructor(
    layout: SparseLayout,
    rows: number,
    sizes: SparsePart,
    part: PartName,
    file: ReadableFile,
    offsets: ReadableFile,
  ) {
    this.layout = layout;
    this.rows = rows;
    this.sizes = sizes;
    this.part = part;
    this.#file = file;
    this.#offsets = offsets;
  }

  /** Opens `<part>.rows` and `<part>.offsets` and checks their sizes. */
  static async open(
    storage: Storage,
    layout: SparseLayout,
    path: string,
    rows: number,
    sizes: SparsePart,
    part: PartName,
  ): Promise<SparseRowFile> {
    const file = await storage.openRead(path);
    try {
      if (file.byteLength !== sizes.bytes)
        throw new MlmlError(
          'MLML_BAD_FILE',
          `${path}: has ${file.byteLength} bytes; its ${rows} rows are ${sizes.bytes} bytes`,
        );
      const offsets = await storage.openRead(offsetsPath(path));
      if (offsets.byteLength !== 8 * (rows + 1)) {
        await offsets.close();
        throw new MlmlError(
          'MLML_BAD_FILE',
          `${offsets.path}: has ${offsets.byteLength} bytes; the offsets of ${rows} rows are ${8 * (rows + 1)} bytes`,
        );
      }
      return new SparseRowFile(layout, rows, sizes, part, file, offsets);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes of a row, on average. */
  get rowBytes(): number {
    return this.rows === 0 ? 0 : this.sizes.bytes / this.rows;
  }

  /** Path of its records. */
  get path(): string {
    return this.#file.path;
  }

  /** Where a row begins in the file; of `rows`, its end. A read of 8 bytes. */
  async offsetOf(row: number): Promise<number> {
    if (row === 0) return 0;
    const offset = new Float64Array(1);
    await this.readOffsets(offset, row, 1);
    return offset[0]!;
  }

  /** The same before it returns; see `ReadableFile.readNow`. */
  offsetNow(row: number): number {
    if (row === 0) return 0;
    this.#offsets.readNow(this.#offset, 0, 8, 8 * row);
    return this.#checkedOffset(row, Number(new DataView(this.#offset.buffer).getBigUint64(0, true)));
  }

  /** Where `count` rows from `firstRow` on begin, the end counted as a row, into the start of `target`. */
  async readOffsets(target: Float64Array, firstRow: number, count: number): Promise<void> {
    const view = new DataView(target.buffer, target.byteOffset, 8 * count);
    await this.#offsets.readInto(new Uint8Array(view.buffer, view.byteOffset, 8 * count), 8 * firstRow);
    for (let i = 0; i < count; i++)
      target[i] = this.#checkedOffset(firstRow + i, Number(view.getBigUint64(8 * i, true)));
  }

  #checkedOffset(row: number, offset: number): number {
    if (offset <= this.sizes.bytes && offset % 4 === 0) return offset;
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${this.#offsets.path}: byte ${8 * row}: row ${row} cannot begin at byte ${offset} of ${this.sizes.bytes}; import the data set anew`,
    );
  }

  /** Fills `target` from a byte of the row file. */
  readInto(target: Uint8Array, position: number): Promise<void> {
    return this.#file.readInto(target, position);
  }

  /** The same before it returns. */
  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    this.#file.readNow(target, offset, length, position);
  }

  /** What `walkSparse` found wrong with the row that begins at a byte of the file. */
  fault(row: number, position: number, fault: number): MlmlError {
    const what =
      fault === 1
        ? `has more nonzeros than there are features (${this.layout.d})`
        : fault === 2
          ? `has a feature that is not below ${this.layout.d}`
          : fault === 3
            ? 'has features that do not rise'
            : 'is cut short, or is not where it should be';
    return new MlmlError(
      'MLML_BAD_FILE',
      `${this.path}: byte ${position}: ${this.part} row ${row} ${what}; the file is damaged: import the data set anew`,
    );
  }

  /** Closes the files. */
  async close(): Promise<void> {
    await this.#file.close();
    await this.#offsets.close();
  }
}
