import { MlmlError } from '../../errors.js';
import { featureNames, labelColumns, widthOf } from '../columns/columnMapping.js';
import { columnPlaces } from '../columns/columnPlaces.js';
import type { Locate, RowEncoder } from '../columns/rowEncoder.js';
import { convertRow } from '../convert.js';
import { RowFile } from '../rowFile.js';
import type { RowLayout } from '../rowLayout.js';
import { numbersOf, type TableBatch } from './tableSource.js';

/** Bytes that so many rows take here. */
export function featureRowBytes({ d, dtype, labelDtype, labels, rowBytes }: RowLayout, rows: number): number {
  const doubles = 8 * (d + labels) * rows;
  const direct = dtype === 'float64' && labelDtype === 'float64';
  return doubles + 8 * rows + (direct ? 0 : rowBytes * rows);
}

/**
 * Rows of a table as rows of features in memory, for models that are already trained: values must be finite, missing ones become what
 * the mapping says. Labels are 0 unless the columns they are in are given.
 */
export class FeatureRows {
  readonly layout: RowLayout;
  readonly capacity: number;
  readonly #encoder: RowEncoder;
  readonly #positions: readonly number[];
  readonly #labels: readonly number[];
  readonly #block: Float64Array;
  readonly #column: Float64Array;
  /** The rows in their layout; the block itself where that is all doubles. */
  readonly #bytes: Uint8Array;
  #rows = 0;

  /** `columns`: names of the columns of the table. `labels`: the numbers of those with the labels. */
  constructor(
    encoder: RowEncoder,
    columns: readonly string[],
    layout: RowLayout,
    capacity: number,
    labels: readonly number[] = [],
  ) {
    this.layout = layout;
    this.capacity = capacity;
    this.#encoder = encoder;
    const placeOf = columnPlaces(columns);
    this.#positions = encoder.mapping.features.map(({ column }) => placeOf(column));
    this.#labels = labels;
    this.#block = new Float64Array(capacity * (layout.d + layout.labels));
    this.#column = new Float64Array(capacity);
    const direct = layout.dtype === 'float64' && layout.labelDtype === 'float64';
    this.#bytes = direct ? new Uint8Array(this.#block.buffer) : new Uint8Array(capacity * layout.rowBytes);
  }

  get rows(): number {
    return this.#rows;
  }

  clear(): void {
    this.#rows = 0;
  }

  /** Appends rows `from` to `from + count` of a batch; there must be room. A value that cannot be used is `MLML_BAD_DATA`. */
  add(batch: TableBatch, from: number, count: number): void {
    const { d } = this.layout;
    const stride = d + this.layout.labels;
    const block = this.#block.subarray(this.#rows * stride, (this.#rows + count) * stride);
    block.fill(0);
    let row = 0;
    const locate: Locate = (column) => `${batch.place(from + row)}, column ${column}`;
    let at = 0;
    for (const [f, feature] of this.#encoder.mapping.features.entries()) {
      const position = this.#positions[f]!;
      const width = widthOf(feature);
      const numeric = feature.kind === 'number';
      if (numeric) numbersOf(batch, position, from, count, this.#column);
      for (row = 0; row < count; row++) {
        const start = row * stride + at;
        const number = numeric ? this.#column[row]! : Number.NaN;
        if (number - number === 0) {
          block[start] = number;
          continue;
        }
        this.#encoder.encodeColumn(f, batch.cell(from + row, position), block, start, locate);
        if (!Number.isFinite(block[start])) throw unusable(block[start]!, locate(feature.column));
      }
      at += width;
    }
    const names = labelColumns(this.#encoder.mapping);
    for (const [c, label] of this.#labels.entries())
      for (row = 0; row < count; row++)
        block[row * stride + d + c] = this.#encoder.label(batch.cell(from + row, label), locate, names[c]);
    this.#convert(batch, from, count);
    this.#rows += count;
  }

  /** Turns doubles into numbers of the layout. */
  #convert(batch: TableBatch, from: number, count: number): void {
    const { d, dtype, labelDtype, labels, rowBytes } = this.layout;
    if (this.#bytes.buffer === this.#block.buffer) return;
    const source = new DataView(this.#block.buffer);
    const target = new DataView(this.#bytes.buffer);
    for (let row = 0; row < count; row++) {
      const first = (this.#rows + row) * (d + labels);
      const misfit = convertRow(source, 8 * first, target, (this.#rows + row) * rowBytes, this.layout);
      if (misfit < 0) continue;
      const { mapping } = this.#encoder;
      const [name, type] =
        misfit < d ? [featureNames(mapping)[misfit], dtype] : [labelColumns(mapping)[misfit - d], labelDtype];
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${batch.place(from + row)}, ${name}: ${this.#block[first + misfit]} is no ${type}, as which the model has its training rows`,
      );
    }
  }

  /** The rows that are there now, until the next change. */
  file(): RowFile {
    const bytes = this.#bytes;
    const readNow = (target: Uint8Array, offset: number, length: number, position: number) =>
      target.set(bytes.subarray(position, position + length), offset);
    const file = {
      path: 'rows of a table',
      byteLength: bytes.length,
      readNow,
      readInto: async (target: Uint8Array, position: number) => readNow(target, 0, target.length, position),
      close: async () => {},
    };
    return RowFile.of(this.layout, file, this.#rows);
  }
}

function unusable(value: number, place: string): MlmlError {
  const what = Number.isNaN(value)
    ? 'the value is missing, and nothing says what stands for it'
    : `${value} is not a finite number`;
  return new MlmlError('MLML_BAD_DATA', `${place}: ${what}`);
}
