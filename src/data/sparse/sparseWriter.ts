import { createHash } from 'node:crypto';
import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import type { Storage } from '../../storage/storage.js';
import { LARGEST_VALUE } from '../checkRows.js';
import type { ChecksummedWriter } from '../checksumFile.js';
import {
  type DatasetDescription,
  MOST_FEATURES,
  type Part,
  type PartName,
  SPARSE_VERSION,
  type SparsePart,
  type Task,
} from '../format.js';
import { StagedFolder } from '../stagedFolder.js';
import { type RecordBatch, RecordView, recordWords, type SparseDtype } from './sparseRecord.js';
import { FEATURE_COLUMNS, SparseStatistics } from './sparseStatistics.js';

/** Bytes of rows collected before they are written. */
const BATCH_BYTES = 256 * 1024;
/** Offsets collected before they are written. */
const OFFSETS_AT_ONCE = 4096;

/** What a sparse data set is, before its rows are written. */
export interface NewSparseDataset {
  readonly name: string;
  readonly task: Task;
  readonly dtype: SparseDtype;
}

/** What is known when all rows have been written. */
export interface SparseEnd {
  /** Number of features; default one more than the largest index. */
  readonly d?: number;
  /** Number of classes; 1 for regression. */
  readonly k: number;
  readonly classNames?: readonly string[];
  readonly source: DatasetDescription['source'];
}

/** One part while it is written: rows go to a batch, their offsets to another. */
class PartWriter {
  readonly nonzeros = { all: 0, longest: 0 };
  rows = 0;
  readonly #files: readonly ChecksummedWriter[];
  readonly #dtype: SparseDtype;
  readonly #hash = createHash('sha256');
  readonly #offsets = new Float64Array(OFFSETS_AT_ONCE);
  #offsetCount = 0;
  #record: RecordView;
  #used = 0;
  #position = 0;

  constructor(rows: ChecksummedWriter, offsets: ChecksummedWriter, dtype: SparseDtype) {
    this.#files = [rows, offsets];
    this.#dtype = dtype;
    this.#record = new RecordView(new Uint8Array(BATCH_BYTES), dtype);
  }

  get bytes(): number {
    return this.#position;
  }

  /** True: call `flush` before the next row. */
  add(label: number, nonzeros: number, indices: Uint32Array, values: Float64Array): boolean {
    const words = recordWords(nonzeros, this.#dtype);
    if (this.#used + words > this.#record.words.length) {
      // Only when a row is longer than the batch, which is empty then.
      this.#record = new RecordView(new Uint8Array(4 * words), this.#dtype);
    }
    this.#used = this.#record.write(this.#used, label, nonzeros, indices, values);
    this.#offsets[this.#offsetCount++] = this.#position;
    this.#position += 4 * words;
    this.rows++;
    this.nonzeros.all += nonzeros;
    if (nonzeros > this.nonzeros.longest) this.nonzeros.longest = nonzeros;
    return this.#isNearlyFull;
  }

  /** Adds rows `from` to `to` of a batch as they are. True: call `flush` before the next. */
  addRows(batch: RecordBatch, from: number, to: number): boolean {
    const { words } = batch.record;
    const first = batch.wordOf(from);
    this.#record.words.set(words.subarray(first, batch.wordOf(to)), this.#used);
    for (let row = from; row < to; row++) {
      const word = batch.wordOf(row);
      this.#offsets[this.#offsetCount++] = this.#position + 4 * (word - first);
      const nonzeros = words[word]!;
      this.nonzeros.all += nonzeros;
      if (nonzeros > this.nonzeros.longest) this.nonzeros.longest = nonzeros;
    }
    this.#used += batch.wordOf(to) - first;
    this.#position += 4 * (batch.wordOf(to) - first);
    this.rows += to - from;
    return this.#isNearlyFull;
  }

  get #isNearlyFull(): boolean {
    return this.#offsetCount === OFFSETS_AT_ONCE || this.#used > this.#record.words.length / 2;
  }

  /** Whether rows `from` to `to` of a batch fit in what is left. */
  fitRows(batch: RecordBatch, from: number, to: number): boolean {
    const words = batch.wordOf(to) - batch.wordOf(from);
    return (
      this.#used + words <= this.#record.words.length && this.#offsetCount + to - from <= OFFSETS_AT_ONCE
    );
  }

  /** Whether a row with so many nonzeros fits in what is left of the batch, or is alone in it. */
  fits(nonzeros: number): boolean {
    return this.#used === 0 || this.#used + recordWords(nonzeros, this.#dtype) <= this.#record.words.length;
  }

  async flush(): Promise<void> {
    const rows = this.#record.bytes.subarray(0, 4 * this.#used);
    this.#hash.update(rows);
    await this.#files[0]!.append(rows);
    await this.#files[1]!.append(this.#encodedOffsets());
    this.#used = 0;
    this.#offsetCount = 0;
  }

  #encodedOffsets(): Uint8Array {
    const bytes = new Uint8Array(8 * this.#offsetCount);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.#offsetCount; i++) {
      const offset = this.#offsets[i]!;
      // A BigInt for each would be garbage.
      view.setUint32(8 * i, offset >>> 0, true);
      view.setUint32(8 * i + 4, Math.floor(offset / 2 ** 32), true);
    }
    return bytes;
  }

  /** Writes what is left and the end of the last row; returns the hash of all rows. */
  async finish(): Promise<Buffer> {
    await this.flush();
    this.#offsets[this.#offsetCount++] = this.#position;
    await this.flush();
    for (const file of this.#files) await file.finish();
    return this.#hash.digest();
  }
}

/**
 * Writes a data set folder of sparse rows, streaming: rows are appended, statistics and checksums are kept on the way; how many
 * features there are may turn out at the end. Nothing appears under the final name before `finish`; `discard` (or a crash)
 * leaves no half-made data set.
 */
export class SparseWriter {
  readonly #staged: StagedFolder;
  readonly #given: NewSparseDataset;
  readonly #statistics = new SparseStatistics();
  readonly #parts = new Map<PartName, PartWriter>();
  readonly #classCounts: number[] = [];
  #features = 0;
  #largestLabel = -1;

  private constructor(storage: Storage, folder: string, given: NewSparseDataset) {
    this.#staged = new StagedFolder(storage, folder);
    this.#given = given;
  }

  /** `MLML_EXISTS` when the folder is there already. Leftovers of dead imports beside it are removed. */
  static async create(storage: Storage, folder: string, given: NewSparseDataset): Promise<SparseWriter> {
    await requireNew(storage, folder);
    const writer = new SparseWriter(storage, folder, given);
    await writer.#staged.open(async () => {
      for (const part of ['train', 'test'] as const) {
        const rows = await writer.#staged.create(`${part}.rows`);
        const offsets = await writer.#staged.create(`${part}.offsets`);
        writer.#parts.set(part, new PartWriter(rows, offsets, given.dtype));
      }
    });
    return writer;
  }

  /**
   * Appends a row: its label and its first `nonzeros` indices (rising) and values (not 0, and such as fit the number type).
   * Undefined, or a promise to wait for before the next.
   *
   * @throws MlmlError `MLML_BAD_DATA` for what cannot be trained on
   */
  append(
    part: PartName,
    label: number,
    nonzeros: number,
    indices: Uint32Array,
    values: Float64Array,
  ): Promise<void> | undefined {
    const writer = this.#parts.get(part)!;
    if (!writer.fits(nonzeros)) {
      return writer.flush().then(() => this.append(part, label, nonzeros, indices, values));
    }
    this.#check(part, label, nonzeros, indices, values);
    return writer.add(label, nonzeros, indices, values) ? writer.flush() : undefined;
  }

  /**
   * Appends rows `from` to `to` (at most 4096) of a batch of records of this number type, at most 256 kB: indices rise and are below
   * `MOST_FEATURES`, values are not 0 and below `LARGEST_VALUE`. Undefined, or a promise to wait for before the next.
   */
  appendRows(part: PartName, batch: RecordBatch, from: number, to: number): Promise<void> | undefined {
    const writer = this.#parts.get(part)!;
    if (!writer.fitRows(batch, from, to))
      return writer.flush().then(() => this.appendRows(part, batch, from, to));
    const { record } = batch;
    let features = 0;
    for (let row = from; row < to; row++) {
      const word = batch.wordOf(row);
      const nonzeros = record.nonzeros(word);
      if (nonzeros > 0) features = Math.max(features, record.index(word, nonzeros - 1) + 1);
      this.#checkLabel(part, writer.rows + row - from, record.label(word));
    }
    this.#features = Math.max(this.#features, features);
    if (part === 'train') {
      if (features > this.#statistics.d) this.#statistics.grow(features);
      this.#statistics.addRows(batch, from, to);
    }
    return writer.addRows(batch, from, to) ? writer.flush() : undefined;
  }

  /** Checks the label of a row and counts its class. */
  #checkLabel(part: PartName, row: number, label: number): void {
    const { task } = this.#given;
    const right =
      task === 'classification'
        ? Number.isInteger(label) && label >= 0 && label < MOST_FEATURES
        : Math.abs(label) <= LARGEST_VALUE;
    if (!right)
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${part} row ${row}: label ${label} is not ${task === 'classification' ? 'a class number' : 'a usable target'}`,
      );
    if (task !== 'classification') return;
    this.#largestLabel = Math.max(this.#largestLabel, label);
    if (part !== 'train') return;
    while (this.#classCounts.length <= label) this.#classCounts.push(0);
    this.#classCounts[label]!++;
  }

  #check(part: PartName, label: number, nonzeros: number, indices: Uint32Array, values: Float64Array): void {
    const fault = (message: string) =>
      new MlmlError('MLML_BAD_DATA', `${part} row ${this.#parts.get(part)!.rows}: ${message}`);
    const training = part === 'train';
    const statistics = this.#statistics;
    const last = nonzeros === 0 ? -1 : indices[nonzeros - 1]!;
    if (last >= MOST_FEATURES) throw fault(`feature ${last}: there can be ${MOST_FEATURES} features at most`);
    this.#features = Math.max(this.#features, last + 1);
    if (training && last >= statistics.d) statistics.grow(last + 1);
    let squares = 0;
    let before = -1;
    for (let i = 0; i < nonzeros; i++) {
      const [index, value] = [indices[i]!, values[i]!];
      if (index <= before) throw fault(`feature ${index} follows feature ${before}; they must rise`);
      if (!(Math.abs(value) <= LARGEST_VALUE))
        throw fault(`feature ${index}: ${value} is not a finite number below ${LARGEST_VALUE}`);
      before = index;
      squares += value * value;
      if (training) statistics.add(index, value);
    }
    if (training) statistics.addRow(squares);
    this.#checkLabel(part, this.#parts.get(part)!.rows, label);
  }

  /** Syncs everything, writes `dataset.json`, and gives the folder its name. */
  async finish(end: SparseEnd): Promise<DatasetDescription> {
    const { name, task, dtype } = this.#given;
    const { k, classNames = [], source } = end;
    const [train, test] = [this.#parts.get('train')!, this.#parts.get('test')!];
    if (train.rows === 0) throw new MlmlError('MLML_BAD_DATA', `${name}: there is no training row`);
    const d = Math.max(end.d ?? this.#features, 1);
    if (d < this.#features)
      throw new MlmlError('MLML_BAD_DATA', `${name}: feature ${this.#features - 1} is beyond d=${d}`);
    if (task === 'classification' && (k < 2 || this.#largestLabel >= k))
      throw new MlmlError('MLML_BAD_DATA', `${name}: label ${this.#largestLabel} is no class of ${k}`);
    const hashes = [await train.finish(), await test.finish()];
    const shape = [task, d, k, dtype, 'sparse', { train: train.rows, test: test.rows }];
    const hash = createHash('sha256');
    for (const each of hashes) hash.update(each);
    const fingerprint = hash.update(JSON.stringify(shape)).digest('hex').slice(0, 32);
    await this.#writeFeatures(d);
    const part = (name: PartName): Part => {
      const { rows } = this.#parts.get(name)!;
      return { n: rows, shards: [{ file: `${name}.rows`, rows, checksums: `${name}.rows.crc32c` }] };
    };
    const sizes = ({ bytes, nonzeros }: PartWriter): SparsePart => {
      return { bytes, nonzeros: nonzeros.all, longestRow: nonzeros.longest };
    };
    const counts = Array.from(
      { length: task === 'classification' ? k : 0 },
      (_, c) => this.#classCounts[c] ?? 0,
    );
    const description: DatasetDescription = {
      format: 'mlml-dataset',
      version: SPARSE_VERSION,
      name,
      task,
      d,
      k,
      dtype,
      labelDtype: 'float64',
      parts: { train: part('train'), test: part('test') },
      statistics: { mean: [], variance: [], min: [], max: [], maxRowNorm: this.#statistics.maxRowNorm },
      sparse: { features: 'features.bin', train: sizes(train), test: sizes(test) },
      classCounts: counts,
      classNames,
      source,
      fingerprint,
    };
    await this.#staged.publish(description);
    return description;
  }

  async #writeFeatures(d: number): Promise<void> {
    const figures = this.#statistics.finish(d);
    const file = await this.#staged.create('features.bin');
    for (const name of FEATURE_COLUMNS) {
      const { buffer, byteOffset, byteLength } = figures[name];
      await file.append(new Uint8Array(buffer, byteOffset, byteLength));
    }
    await file.finish();
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    await this.#staged.discard();
  }
}
