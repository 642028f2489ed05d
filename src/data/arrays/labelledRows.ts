import { dtypeBytes, readNumber, writeNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { type DatasetDescription, MOST_DENSE_FEATURES } from '../format.js';
import { type RowLayout, rowLayout } from '../rowLayout.js';
import type { ArrayReader, NumericArray } from './numericArray.js';

/** Bytes of rows read at a time; a longer row is read alone. */
const BLOCK_BYTES = 256 * 1024;

/** Features and labels of rows that arrays hold: an array for each, or one of both. */
export class LabelledRows {
  readonly rows: number;
  readonly x: NumericArray;
  /** Absent: the labels are the column `labelColumn` of `x`. */
  readonly y: NumericArray | undefined;
  readonly labelColumn: number;
  /** Features as in the array, then the labels as doubles. */
  readonly layout: RowLayout;
  readonly rowsAtOnce: number;

  /**
   * @param y labels, a vector with as many rows as `x`, or a matrix: several labels in each row
   * @param labelColumn column of `x` otherwise; −1 is the last
   */
  constructor(x: NumericArray, y: NumericArray | undefined, labelColumn = -1) {
    this.rows = x.rows;
    this.x = x;
    const bad = (what: string) => new MlmlError('MLML_BAD_FILE', what);
    if (y === undefined) {
      if (x.shape.length > 2 || x.columns < 2)
        throw new MlmlError(
          'MLML_USAGE',
          `${x.name}: has the shape ${shapeText(x)}; features and a label in each row are needed, or the labels with --labels=<file or name>`,
        );
      if (labelColumn < -x.columns || labelColumn >= x.columns)
        throw new MlmlError(
          'MLML_USAGE',
          `--label-column=${labelColumn}: ${x.name} has columns 0 to ${x.columns - 1} (or −1, the last, to −${x.columns})`,
        );
      this.labelColumn = labelColumn < 0 ? x.columns + labelColumn : labelColumn;
    } else {
      const vector = y.asVector() ?? (y.shape.length === 2 && y.rows === x.rows ? y : undefined);
      if (vector === undefined)
        throw bad(
          `${y.name}: has the shape ${shapeText(y)}; labels are one number for each row of ${x.name}, which has ${x.rows}, or several for each: (${x.rows}, k)`,
        );
      if (vector.rows !== x.rows)
        throw bad(
          `${y.name}: has ${vector.rows} labels, but ${x.name} has ${x.rows} rows; they do not belong together`,
        );
      y = vector;
      this.labelColumn = -1;
    }
    this.y = y;
    this.layout = rowLayout(y === undefined ? x.columns - 1 : x.columns, x.dtype, 'float64', y?.columns);
    if (this.layout.d > MOST_DENSE_FEATURES)
      throw bad(`${x.name}: has ${this.layout.d} features in a row; at most ${MOST_DENSE_FEATURES}`);
    const largest = Math.max(this.layout.rowBytes, x.rowBytes);
    this.rowsAtOnce = Math.min(this.rows, Math.max(1, Math.floor(BLOCK_BYTES / largest)));
  }

  get labelName(): string {
    return this.y?.name ?? `${this.x.name}, column ${this.labelColumn}`;
  }

  /** Height, width and channels where each row is an image: arrays of n x h x w and n x c x h x w. */
  get image(): DatasetDescription['image'] {
    const [, ...sizes] = this.x.shape;
    if (sizes.length === 2) return { height: sizes[0]!, width: sizes[1]!, channels: 1 };
    if (sizes.length !== 3 || (sizes[0] !== 1 && sizes[0] !== 3)) return undefined;
    return { height: sizes[1]!, width: sizes[2]!, channels: sizes[0] };
  }

  /** All labels, those of a row together, in pieces of whole rows; each is overwritten by the next. */
  async *labels(signal?: AbortSignal): AsyncGenerator<Float64Array> {
    const array = this.y ?? this.x;
    const column = this.y === undefined ? this.labelColumn : 0;
    const many = Math.min(this.rows, Math.max(1, Math.floor(BLOCK_BYTES / array.rowBytes)));
    const bytes = new Uint8Array(many * array.rowBytes);
    const view = new DataView(bytes.buffer);
    const own = this.layout.labels;
    const labels = new Float64Array(many * own);
    const at = column * dtypeBytes[array.dtype];
    const reader = array.open();
    try {
      for (let first = 0; first < this.rows; first += many) {
        signal?.throwIfAborted();
        const count = Math.min(many, this.rows - first);
        await reader.readRows(bytes, count);
        for (let i = 0, to = 0; i < count; i++)
          for (let c = 0; c < own; c++, to++)
            labels[to] = readNumber(view, i * array.rowBytes + at + c * dtypeBytes[array.dtype], array.dtype);
        yield labels.subarray(0, count * own);
      }
    } finally {
      await reader.close();
    }
  }

  open(): LabelledReader {
    return new LabelledReader(this);
  }
}

const shapeText = ({ shape }: NumericArray) => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;

/** Reads features and labels side by side. */
export class LabelledReader {
  readonly #rows: LabelledRows;
  readonly #x: ArrayReader;
  readonly #y: ArrayReader | undefined;
  readonly #features: Uint8Array;
  readonly #labels: Uint8Array;

  constructor(rows: LabelledRows) {
    this.#rows = rows;
    this.#x = rows.x.open();
    this.#y = rows.y?.open();
    this.#features = new Uint8Array(rows.rowsAtOnce * rows.x.rowBytes);
    this.#labels = new Uint8Array(rows.rowsAtOnce * (rows.y?.rowBytes ?? 0));
  }

  /** Fills `target` with the next `count` rows, at most `rowsAtOnce`, in the layout of the rows. */
  async read(target: Uint8Array, count: number): Promise<void> {
    const { x, y, labelColumn, layout } = this.#rows;
    await this.#x.readRows(this.#features, count);
    await this.#y?.readRows(this.#labels, count);
    const view = new DataView(target.buffer, target.byteOffset);
    const source = y === undefined ? this.#features : this.#labels;
    const labels = new DataView(source.buffer);
    const step = dtypeBytes[x.dtype];
    const before = labelColumn * step;
    for (let i = 0; i < count; i++) {
      const from = i * x.rowBytes;
      const to = i * layout.rowBytes;
      if (y !== undefined) {
        target.set(this.#features.subarray(from, from + x.rowBytes), to);
        for (let c = 0; c < y.columns; c++) {
          const label = readNumber(labels, i * y.rowBytes + c * dtypeBytes[y.dtype], y.dtype);
          writeNumber(view, to + layout.labelOffset + 8 * c, 'float64', label);
        }
      } else {
        target.set(this.#features.subarray(from, from + before), to);
        target.set(this.#features.subarray(from + before + step, from + x.rowBytes), to + before);
        const label = readNumber(labels, from + before, x.dtype);
        writeNumber(view, to + layout.labelOffset, 'float64', label);
      }
    }
  }

  /** Where feature j of a row stands, or its label (j = d, and above for several). */
  place(row: number, j: number): string {
    const { y, labelColumn, layout } = this.#rows;
    if (j >= layout.d)
      return `${y === undefined ? this.#x.place(row, labelColumn) : this.#y!.place(row, j - layout.d)}, row ${row}`;
    const column = y === undefined && j >= labelColumn ? j + 1 : j;
    return `${this.#x.place(row, column)}, row ${row}`;
  }

  async close(): Promise<void> {
    await this.#x.close();
    await this.#y?.close();
  }
}
