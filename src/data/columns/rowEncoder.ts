import { MlmlError } from '../../errors.js';
import {
  areDatesAmong,
  booleanOf,
  classNameOf,
  isMissing,
  type MissingWords,
  missingWords,
  numberOf,
  textOf,
  timeOf,
  wordsOf,
  writeDateParts,
} from './cells.js';
import {
  type Cell,
  type ColumnMapping,
  type DateColumn,
  type FeatureColumn,
  featureCount,
  type Missing,
  widthOf,
} from './columnMapping.js';
import { columnPlaces } from './columnPlaces.js';
import { murmurHash3 } from './murmurHash3.js';
import { columnOption } from './optionText.js';

/** Where a value stands, for messages: `housing.csv: line 7, column total_rooms`. */
export type Locate = (column: string) => string;

const utf8 = new TextEncoder();
const hashOf = (text: string, bits: number) => murmurHash3(utf8.encode(text)) & (2 ** bits - 1);

/** Makes the features and labels of rows from the values of their columns. The plain way; readers of bytes have faster ones. */
export class RowEncoder {
  readonly mapping: ColumnMapping;
  /** Features of a row. */
  readonly d: number;
  /** Whether a value that is a time is there; else it may be a word for a missing one. */
  readonly timesAreValues: boolean;
  readonly #missing: MissingWords;
  readonly #features: readonly { readonly feature: FeatureColumn; readonly position: number }[];
  readonly #classes: ReadonlyMap<string, number>;
  readonly #values = new Map<FeatureColumn, ReadonlyMap<string, number>>();

  /** `columns`: the names of the columns of the source, in the order of the cells of a row. */
  constructor(mapping: ColumnMapping, columns: readonly string[], classNames: readonly string[]) {
    this.mapping = mapping;
    this.d = featureCount(mapping);
    const placeOf = columnPlaces(columns);
    this.#missing = missingWords(mapping);
    this.timesAreValues = !areDatesAmong(this.#missing);
    this.#features = mapping.features.map((feature) => {
      const position = placeOf(feature.column);
      if (position < 0) throw missingColumn(feature.column, columns);
      if (feature.kind === 'category')
        this.#values.set(feature, new Map(feature.values.map((value, i) => [value, i])));
      return { feature, position };
    });
    this.#classes = new Map(classNames.map((name, c) => [name, c]));
  }

  /** Writes the `d` features of a row; every one is set. A value that is not what its column holds is `MLML_BAD_DATA`. */
  encode(cells: readonly Cell[], target: Float64Array | Float32Array, locate: Locate): void {
    target.fill(0, 0, this.d);
    let at = 0;
    for (const { feature, position } of this.#features) {
      this.#encodeCell(feature, cells[position], target, at, locate);
      at += widthOf(feature);
    }
  }

  /** Writes the features that the column `feature` (its number in the mapping) makes at `target[at …)`, all zeros before. */
  encodeColumn(feature: number, cell: Cell, target: Float64Array, at: number, locate: Locate): void {
    this.#encodeCell(this.mapping.features[feature]!, cell, target, at, locate);
  }

  /** Whether a value of the table is missing. */
  isMissing(cell: Cell): boolean {
    return isMissing(cell, this.#missing);
  }

  /** Writes the parts of a time (milliseconds since 1970, UTC) that a column of dates makes, at `target[at …)`. */
  encodeTime({ parts }: DateColumn, time: number, target: Float64Array, at: number): void {
    writeDateParts(time, parts, target, at);
  }

  /** The label of a row: a number, or the number of its class. `column`: where it stands, when it is not the first of several. */
  label(cell: Cell, locate: Locate, column = this.mapping.label.column): number {
    const { label } = this.mapping;
    if (this.isMissing(cell)) throw badCell(locate(column), `the label ${missingText(cell)}`);
    if (label.kind === 'number') {
      const number = exactNumberOf(cell, column, locate);
      if (number === undefined || !Number.isFinite(number))
        throw badCell(locate(column), `the label is ${quoted(cell)}, not a finite number`);
      return number;
    }
    const known = this.#classes.get(textOf(cell)) ?? this.#classes.get(classNameOf(cell));
    if (known === undefined)
      throw badCell(
        locate(column),
        `the label is ${quoted(cell)}, none of the classes ${[...this.#classes.keys()].slice(0, 20).join(', ')}`,
      );
    return known;
  }

  #encodeCell(
    feature: FeatureColumn,
    cell: Cell,
    target: Float64Array | Float32Array,
    at: number,
    locate: Locate,
  ): void {
    const missing = this.isMissing(cell);
    switch (feature.kind) {
      case 'number':
      case 'boolean': {
        if (missing) return fillMissing(feature.missing, target, at, 1);
        const value =
          feature.kind === 'number' ? exactNumberOf(cell, feature.column, locate) : booleanOf(cell);
        if (value === undefined) throw wrongKind(feature, cell, locate);
        target[at] = value;
        return;
      }
      case 'date': {
        if (missing) return fillMissing(feature.missing, target, at, feature.parts.length);
        const time = timeOf(cell);
        if (time === undefined) throw wrongKind(feature, cell, locate);
        writeDateParts(time, feature.parts, target, at);
        return;
      }
      case 'category': {
        const value = missing ? undefined : this.#values.get(feature)!.get(textOf(cell));
        if (value !== undefined) target[at + value] = 1;
        return;
      }
      case 'hash':
        if (!missing) target[at + hashOf(textOf(cell), feature.bits)] = 1;
        return;
      case 'text': {
        if (missing) return;
        const words = wordsOf(textOf(cell));
        for (let first = 0; first < words.length; first++)
          for (let count = 1; count <= feature.ngrams && first + count <= words.length; count++)
            target[at + hashOf(words.slice(first, first + count).join(' '), feature.bits)]! += 1;
      }
    }
  }
}

/** Integers of databases that a double cannot hold are mostly names: rounding them would make several one. */
function exactNumberOf(cell: Cell, column: string, locate: Locate): number | undefined {
  const number = numberOf(cell);
  if (typeof cell === 'bigint' && !Number.isSafeInteger(number))
    throw badCell(
      locate(column),
      `${cell} is beyond 2^53 and would be rounded; ${columnOption('drop', column)} leaves the column out, ${columnOption('types', column, ':hash')} takes it for a name`,
    );
  return number;
}

function fillMissing(
  { fill, fills, indicator }: Missing,
  target: Float64Array | Float32Array,
  at: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[at + i] = fills?.[i] ?? fill;
  if (indicator) target[at + count] = 1;
}

const expected: Record<'number' | 'boolean' | 'date', string> = {
  number: 'a number',
  boolean: 'true or false',
  date: 'a date such as 2026-01-31 or 2026-01-31T12:00:00Z',
};

function wrongKind(
  { column, kind }: FeatureColumn & { readonly kind: 'number' | 'boolean' | 'date' },
  cell: Cell,
  locate: Locate,
): MlmlError {
  return badCell(locate(column), `${quoted(cell)} is not ${expected[kind]}`);
}

/** That a value is missing, and by what word. */
export function missingText(cell: Cell): string {
  return typeof cell === 'string' && cell.trim() !== ''
    ? `is ${quoted(cell)}, which counts as missing (--missing-values= takes such words for values)`
    : 'is missing';
}

/** At most 40 letters of a value, for messages. */
function quoted(cell: Cell): string {
  const text = textOf(cell);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function badCell(place: string, what: string): MlmlError {
  return new MlmlError('MLML_BAD_DATA', `${place}: ${what}`);
}

function missingColumn(column: string, columns: readonly string[]): MlmlError {
  const some = columns.slice(0, 20).join(', ');
  return new MlmlError(
    'MLML_BAD_DATA',
    `there is no column ${JSON.stringify(column)}; the columns are ${some}${columns.length > 20 ? ', …' : ''}`,
  );
}
