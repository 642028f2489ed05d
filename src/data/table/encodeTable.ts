import { MlmlError } from '../../errors.js';
import { LARGEST_VALUE } from '../checkRows.js';
import { featureNames, labelColumns, widthOf } from '../columns/columnMapping.js';
import { columnPlaces } from '../columns/columnPlaces.js';
import type { Locate, RowEncoder } from '../columns/rowEncoder.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { OnNan } from '../onNan.js';
import { ColumnWriter } from './columnWriter.js';
import type { TableImportPlan } from './planTableImport.js';
import { LEFT_OUT, type RowRouter, TRAIN } from './rowRouter.js';
import { StagedRows } from './stagedRows.js';
import { numbersOf, type TableBatch, type TableSource } from './tableSource.js';

/** What was done with infinite values. */
export interface Repairs {
  /** Values read as 0. */
  values: number;
  /** Rows left out. */
  rows: number;
  /** Where the first stood. */
  first: string;
}

/** Encodes tables into the rows of a data set, a block of rows at a time, column by column. */
export class TableEncoder {
  readonly repairs: Repairs = { values: 0, rows: 0, first: '' };
  readonly #writer: DatasetWriter;
  readonly #onNan: OnNan;
  readonly #blockRows: number;
  readonly #block: Float64Array;
  readonly #column: Float64Array;
  readonly #labels: Float64Array;
  readonly #parts: Uint8Array;
  readonly #staged: { readonly train: StagedRows; readonly test: StagedRows };
  /** Numbers up to this size can be stored without another look. */
  readonly #largest: number;

  constructor(writer: DatasetWriter, plan: TableImportPlan, onNan: OnNan) {
    const { d, dtype, labels } = writer.layout;
    this.#writer = writer;
    this.#onNan = onNan;
    this.#blockRows = plan.blockRows;
    this.#block = new Float64Array(plan.blockRows * (d + labels));
    this.#column = new Float64Array(plan.blockRows);
    this.#labels = new Float64Array(plan.blockRows * labels);
    this.#parts = new Uint8Array(plan.blockRows);
    this.#staged = {
      train: new StagedRows(writer, 'train', plan.stagedRows),
      test: new StagedRows(writer, 'test', plan.stagedRows),
    };
    // Integers are looked at one by one when they are staged.
    this.#largest = dtype === 'float64' ? LARGEST_VALUE : dtype === 'float16' ? 65519 : 3.4028235e38;
  }

  /** Appends all rows of a table. `encoder` was made for its columns. */
  async encode(
    source: TableSource,
    encoder: RowEncoder,
    router: RowRouter,
    signal?: AbortSignal,
  ): Promise<void> {
    const { features } = encoder.mapping;
    const placeOf = columnPlaces(source.columns);
    const positions = features.map(({ column }) => placeOf(column));
    const columnWriter = new ColumnWriter(encoder, this.#blockRows);
    for await (const batch of source.batches(signal)) {
      for (let from = 0; from < batch.rows; from += this.#blockRows) {
        const count = Math.min(this.#blockRows, batch.rows - from);
        router.route(batch, from, count, this.#labels, this.#parts);
        this.#encodeBlock(batch, from, count, encoder, positions, columnWriter);
        await this.#stage(batch, from, count, encoder);
      }
    }
    await this.#staged.train.flush();
    await this.#staged.test.flush();
  }

  #encodeBlock(
    batch: TableBatch,
    from: number,
    count: number,
    encoder: RowEncoder,
    positions: readonly number[],
    writer: ColumnWriter,
  ): void {
    const block = this.#block;
    const { labels } = this.#writer.layout;
    const stride = encoder.d + labels;
    block.fill(0, 0, count * stride);
    let row = 0;
    const locate: Locate = (column) => `${batch.place(from + row)}, column ${column}`;
    let at = 0;
    for (const [f, feature] of encoder.mapping.features.entries()) {
      const position = positions[f]!;
      if (feature.kind === 'number') {
        numbersOf(batch, position, from, count, this.#column);
        for (let i = 0; i < count; i++) {
          const value = this.#column[i]!;
          if (Math.abs(value) <= this.#largest) {
            block[i * stride + at] = value;
          } else if (this.#parts[i] !== LEFT_OUT) {
            row = i;
            encoder.encodeColumn(f, batch.cell(from + i, position), block, i * stride + at, locate);
            this.#repair(i, i * stride + at, () => locate(feature.column));
          }
        }
      } else writer.write(batch, position, from, count, f, this.#parts, block, at, stride);
      at += widthOf(feature);
    }
    for (let i = 0; i < count; i++)
      for (let c = 0; c < labels; c++) block[i * stride + encoder.d + c] = this.#labels[i * labels + c]!;
  }

  /** A number that is infinite, or too large to be stored. */
  #repair(row: number, at: number, place: () => string): void {
    const value = this.#block[at]!;
    if (Math.abs(value) <= this.#largest) return;
    if (Number.isFinite(value))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${place()}: ${value} does not fit ${this.#writer.layout.dtype}; choose another --dtype`,
      );
    if (this.#onNan === 'error')
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${place()}: ${value} cannot be used; --on-nan=zero reads such values as 0, --on-nan=skip leaves their rows out`,
      );
    if (this.repairs.first === '') this.repairs.first = place();
    this.#block[at] = 0;
    if (this.#onNan === 'zero') this.repairs.values++;
    else {
      this.#parts[row] = LEFT_OUT;
      this.repairs.rows++;
    }
  }

  async #stage(batch: TableBatch, from: number, count: number, encoder: RowEncoder): Promise<void> {
    const stride = encoder.d + this.#writer.layout.labels;
    for (let i = 0; i < count; i++) {
      const part = this.#parts[i]!;
      if (part === LEFT_OUT) continue;
      const staged = part === TRAIN ? this.#staged.train : this.#staged.test;
      const misfit = staged.add(this.#block, i * stride);
      if (misfit >= 0) {
        const { d, dtype, labelDtype } = this.#writer.layout;
        const { mapping } = encoder;
        const name = (misfit < d ? featureNames(mapping)[misfit] : labelColumns(mapping)[misfit - d])!;
        const value = this.#block[i * stride + misfit]!;
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${batch.place(from + i)}, ${name}: ${value} does not fit ${misfit >= d ? labelDtype : dtype}; choose another --dtype`,
        );
      }
      if (staged.isFull) await staged.flush();
    }
  }
}
