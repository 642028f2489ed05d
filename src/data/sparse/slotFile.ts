import type { ReadableFile } from '../../storage/storage.js';
import type { Dataset } from '../dataset.js';
import type { DatasetDescription } from '../format.js';
import { RowFile } from '../rowFile.js';
import type { RowLayout } from '../rowLayout.js';
import type { SparseDataset } from './sparseDataset.js';
import { HEADER_WORDS, LABEL_OFFSET, recordWords, type SparseDtype } from './sparseRecord.js';
import type { SparseRowFile } from './sparseRowFile.js';

/** Figures of features that are read at once: 512 kB. */
const FIGURES_AT_ONCE = 1 << 16;

/**
 * How sparse rows lie in slots of one size: a record (see sparseRecord.ts) of at most `longest` nonzeros, then zeros. Rows of a file
 * are spread into slots as they are read, so that any of them is found by its number.
 */
export function slotLayout(d: number, dtype: SparseDtype, longest: number): RowLayout {
  const rowBytes = 4 * recordWords(longest, dtype);
  return { d, dtype, labelDtype: 'float64', labels: 1, rowBytes, labelOffset: LABEL_OFFSET, longest };
}

/** Nonzeros that a slot of the rows of a data set has room for. */
export function longestRow({ train, test }: NonNullable<DatasetDescription['sparse']>): number {
  return Math.max(1, train.longestRow, test.longestRow);
}

/** A file of sparse rows as if they lay in slots. Whole slots are read. */
class SlotFile implements ReadableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: SparseRowFile;
  readonly #layout: RowLayout;

  constructor(file: SparseRowFile, layout: RowLayout) {
    this.path = file.path;
    this.byteLength = file.rows * layout.rowBytes;
    this.#file = file;
    this.#layout = layout;
  }

  async readInto(target: Uint8Array, position: number): Promise<void> {
    const first = position / this.#layout.rowBytes;
    const start = await this.#file.offsetOf(first);
    const end = await this.#file.offsetOf(first + target.length / this.#layout.rowBytes);
    await this.#file.readInto(target.subarray(this.#tail(target.length, first, start, end)), start);
    this.#spread(target, first, start, end - start);
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    const first = position / this.#layout.rowBytes;
    const start = this.#file.offsetNow(first);
    const end = this.#file.offsetNow(first + length / this.#layout.rowBytes);
    const tail = this.#tail(length, first, start, end);
    this.#file.readNow(target, offset + tail, end - start, start);
    this.#spread(target.subarray(offset, offset + length), first, start, end - start);
  }

  /** Where in `length` bytes of slots the records are read to: their end. */
  #tail(length: number, first: number, start: number, end: number): number {
    if (end < start || end - start > length) throw this.#file.fault(first, start, 0);
    return length - (end - start);
  }

  /**
   * Moves the records at the end of `target` into their slots, from the first on: those not moved yet take no more than their slots, so none
   * is overwritten. Each is held to what it may be.
   */
  #spread(target: Uint8Array, first: number, start: number, length: number): void {
    const { rowBytes, d, dtype, longest = 0 } = this.#layout;
    const words = new Uint32Array(target.buffer, target.byteOffset, target.length >>> 2);
    const count = target.length / rowBytes;
    let from = target.length - length;
    for (let i = 0; i < count; i++) {
      const nonzeros = from + 4 * HEADER_WORDS <= target.length ? words[from >>> 2]! : longest + 1;
      const end = nonzeros > longest ? Infinity : from + 4 * recordWords(nonzeros, dtype as SparseDtype);
      if (end > target.length || (i === count - 1 && end !== target.length))
        throw this.#file.fault(first + i, start + from - (target.length - length), 0);
      let before = -1;
      for (let word = (from >>> 2) + HEADER_WORDS, t = 0; t < nonzeros; t++) {
        const index = words[word + t]!;
        if (index >= d || index <= before)
          throw this.#file.fault(first + i, start + from - (target.length - length), index >= d ? 2 : 3);
        before = index;
      }
      const slot = i * rowBytes;
      target.copyWithin(slot, from, end);
      target.fill(0, slot + end - from, slot + rowBytes);
      from = end;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The rows of a file of sparse rows, in slots of `longest` nonzeros, at least as many as its longest row has. */
export function slotRows(file: SparseRowFile, longest: number): RowFile {
  const layout = slotLayout(file.layout.d, file.layout.dtype, longest);
  return RowFile.of(layout, new SlotFile(file, layout), file.rows, file.part);
}

/** Rows of any data set that are found by their number: dense ones as they are, sparse ones in slots, without figures of their features. */
export async function rowsByNumber(dataset: Dataset | SparseDataset): Promise<Dataset> {
  return 'layout' in dataset ? dataset : slotsOf(dataset);
}

function slotsOf(dataset: SparseDataset): Dataset {
  const { description, path, train, test } = dataset;
  const longest = longestRow(description.sparse!);
  return {
    description,
    path,
    layout: slotLayout(description.d, train.layout.dtype, longest),
    train: slotRows(train, longest),
    test: slotRows(test, longest),
    close: () => dataset.close(),
  };
}

/**
 * The same with the least of all features in place of the figures of each: what a job needs that leaves features as they are, at no
 * memory that grows with them.
 */
export async function openUnscaledSlots(dataset: SparseDataset): Promise<Dataset> {
  const { d } = dataset.description;
  const numbers = new Float64Array(Math.min(d, FIGURES_AT_ONCE));
  let smallestFeature = Number.POSITIVE_INFINITY;
  for (let first = 0; first < d; first += numbers.length) {
    await dataset.readFeatures('min', numbers, first);
    const count = Math.min(numbers.length, d - first);
    for (let j = 0; j < count; j++) smallestFeature = Math.min(smallestFeature, numbers[j]!);
  }
  return { ...slotsOf(dataset), smallestFeature };
}

/**
 * A data set of sparse rows as one whose rows lie in slots, as long as its longest row, for what goes by the number of a row. Reads the
 * figures of its features. Closing it closes the data set.
 */
export async function openSlots(dataset: SparseDataset): Promise<Dataset> {
  const figure = async (name: 'mean' | 'variance' | 'min' | 'max') => {
    const numbers = new Float64Array(dataset.description.d);
    await dataset.readFeatures(name, numbers);
    return numbers;
  };
  return {
    ...slotsOf(dataset),
    features: {
      mean: await figure('mean'),
      variance: await figure('variance'),
      min: await figure('min'),
      max: await figure('max'),
    },
  };
}
