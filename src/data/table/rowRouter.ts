import { MOST_CODES } from '../../arithmetic/delimitedValues.js';
import { MlmlError } from '../../errors.js';
import { numberOf, textOf } from '../columns/cells.js';
import type { Cell } from '../columns/columnMapping.js';
import type { RowEncoder } from '../columns/rowEncoder.js';
import type { PartName } from '../format.js';
import type { ChosenColumns } from './chooseColumns.js';
import type { ColumnRoles } from './columnRoles.js';
import { missingLabel } from './profileTable.js';
import { RowDraw, trainingRows } from './splitRows.js';
import { labelsOf, type TableSettings } from './tableImportOptions.js';
import { numbersOf, type TableBatch } from './tableSource.js';

/** Where a row goes. */
export const LEFT_OUT = 0;
export const TRAIN = 1;
export const TEST = 2;

/** Decides for each row of a table, in order, to which part it belongs; every pass over the table decides alike. */
export class RowRouter {
  /** Rows left out because their label is missing or not finite. */
  leftOut = 0;
  readonly #encoder: RowEncoder;
  readonly #settings: TableSettings;
  readonly #roles: ColumnRoles;
  readonly #isRegression: boolean;
  readonly #part: PartName | undefined;
  readonly #draw: RowDraw;
  #trainLeft: number;
  /** Numbers of one of several labels. */
  #numbers = new Float64Array(0);
  /** The classes of codes, as long as batches are the same object. */
  readonly #classes = new Float64Array(MOST_CODES);
  #codes: Int32Array | undefined;
  #batch: TableBatch | undefined;

  /** @param part the part that all rows belong to; without it, they are drawn or a column tells */
  constructor(
    encoder: RowEncoder,
    roles: ColumnRoles,
    { task, strata }: ChosenColumns,
    settings: TableSettings,
    part?: PartName,
  ) {
    this.#encoder = encoder;
    this.#roles = roles;
    this.#settings = settings;
    this.#isRegression = task === 'regression';
    this.#part = part;
    this.#draw = new RowDraw(strata, trainingRows(strata, settings.percentage), settings.seed);
    this.#trainLeft = settings.n ?? Number.POSITIVE_INFINITY;
  }

  /** Labels of a row. */
  get labelCount(): number {
    return this.#roles.labels.length;
  }

  /** Whether a value of the table is missing. */
  isMissing(cell: Cell): boolean {
    return this.#encoder.isMissing(cell);
  }

  /** The next `count` rows, from row `from` of the batch: their labels, [row][label], and TRAIN, TEST or LEFT_OUT for each. */
  route(batch: TableBatch, from: number, count: number, labels: Float64Array, parts: Uint8Array): void {
    const { labels: columns } = this.#roles;
    if (columns.length > 1) return this.#routeSeveral(batch, from, count, labels, parts);
    if (this.#isRegression) numbersOf(batch, columns[0]!, from, count, labels);
    else this.#knownLabels(batch, from, count, labels);
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(labels[i]!)) labels[i] = this.#labelAt(batch, from, i);
      parts[i] = this.#partOf(batch, from + i, labels[i]!);
    }
  }

  /** Of several labels each has to be there. */
  #routeSeveral(
    batch: TableBatch,
    from: number,
    count: number,
    labels: Float64Array,
    parts: Uint8Array,
  ): void {
    const k = this.labelCount;
    if (this.#numbers.length < count) this.#numbers = new Float64Array(count);
    for (const [c, column] of this.#roles.labels.entries()) {
      numbersOf(batch, column, from, count, this.#numbers);
      for (let i = 0; i < count; i++) {
        const number = this.#numbers[i]!;
        labels[i * k + c] = Number.isNaN(number) ? this.#label(batch, from + i, c) : number;
      }
    }
    for (let i = 0; i < count; i++) parts[i] = this.#partOf(batch, from + i, worstOf(labels, i * k, k));
  }

  /** The classes of texts that have a code and were met before; NaN for the others. */
  #knownLabels(batch: TableBatch, from: number, count: number, labels: Float64Array): void {
    if (batch.codesOf === undefined) {
      labels.fill(Number.NaN, 0, count);
      this.#codes = undefined;
      return;
    }
    if (batch !== this.#batch) this.#classes.fill(Number.NaN);
    this.#batch = batch;
    if (this.#codes === undefined || this.#codes.length < count) this.#codes = new Int32Array(count);
    batch.codesOf(this.#roles.labels[0]!, from, count, this.#codes);
    for (let i = 0; i < count; i++)
      labels[i] = this.#codes[i]! < 0 ? Number.NaN : this.#classes[this.#codes[i]!]!;
  }

  #labelAt(batch: TableBatch, from: number, i: number): number {
    const code = this.#isRegression ? -1 : (this.#codes?.[i] ?? -1);
    const known = code < 0 ? Number.NaN : this.#classes[code]!;
    if (!Number.isNaN(known)) return known;
    const label = this.#label(batch, from + i, 0);
    if (code >= 0) this.#classes[code] = label;
    return label;
  }

  /** NaN for a label that is missing, or infinite, where such rows are left out. */
  #label(batch: TableBatch, row: number, c: number): number {
    const cell = batch.cell(row, this.#roles.labels[c]!);
    const name = labelsOf(this.#settings)[c]!;
    const { onNan } = this.#settings;
    if (this.#encoder.isMissing(cell)) {
      if (onNan === 'skip') return Number.NaN;
      throw missingLabel(batch.place(row), name, cell);
    }
    if (onNan === 'skip' && this.#isRegression && Math.abs(numberOf(cell) ?? 0) === Infinity) return Infinity;
    return this.#encoder.label(cell, (column) => `${batch.place(row)}, column ${column}`, name);
  }

  #partOf(batch: TableBatch, row: number, label: number): number {
    if (Number.isNaN(label)) {
      this.leftOut++;
      return LEFT_OUT;
    }
    const part = this.#wanted(batch, row, label);
    if (label === Infinity) {
      this.leftOut++;
      return LEFT_OUT;
    }
    if (part === TEST) return TEST;
    if (this.#trainLeft === 0) return LEFT_OUT;
    this.#trainLeft--;
    return TRAIN;
  }

  #wanted(batch: TableBatch, row: number, label: number): number {
    if (this.#part !== undefined) return this.#part === 'train' ? TRAIN : TEST;
    const { split } = this.#roles;
    if (split === undefined) return this.#draw.next(this.#isRegression ? 0 : label) ? TRAIN : TEST;
    const word = textOf(batch.cell(row, split)).toLowerCase();
    if (word === 'train' || word === 'test') return word === 'train' ? TRAIN : TEST;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${batch.place(row)}, column ${this.#settings.splitColumn}: ${JSON.stringify(word.slice(0, 40))} is neither train nor test`,
    );
  }
}

/** NaN when one of k labels is missing, Infinity when one is infinite, else 0. */
function worstOf(labels: Float64Array, at: number, k: number): number {
  let worst = 0;
  for (let c = at; c < at + k; c++) {
    if (Number.isNaN(labels[c]!)) return Number.NaN;
    if (Math.abs(labels[c]!) === Infinity) worst = Infinity;
  }
  return worst;
}
