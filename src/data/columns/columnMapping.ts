import type { Labelled } from '../labelNames.js';

/** A value of a source: what CSV, JSON or a database gives. null and undefined are missing, as is the empty text. */
export type Cell = string | number | bigint | boolean | Date | null | undefined;

/** What stands for a missing value: `fill`; with `indicator` a further feature is 1 where it was missing, else 0. */
export interface Missing {
  readonly fill: number;
  /** Of a date: what stands for each of its parts, in place of `fill`. */
  readonly fills?: readonly number[];
  readonly indicator: boolean;
}

/** Parts of a date that can be features, in this order. */
export const datePartNames = [
  'year',
  'month',
  'day',
  'weekday',
  'hour',
  'minute',
  'second',
  'epoch',
] as const;
/** A part of a date that can be a feature. */
export type DatePart = (typeof datePartNames)[number];

/** A number, as it is. One feature. */
export interface NumberColumn {
  readonly column: string;
  readonly kind: 'number';
  readonly missing: Missing;
}

/** true, yes, t, y, on, 1 and their opposites. One feature, 1 or 0. */
export interface BooleanColumn {
  readonly column: string;
  readonly kind: 'boolean';
  readonly missing: Missing;
}

/** A date, or date and time; without a zone it is read as UTC. One feature for each part. */
export interface DateColumn {
  readonly column: string;
  readonly kind: 'date';
  readonly parts: readonly DatePart[];
  readonly missing: Missing;
}

/** One feature for each of `values`, 1 where it is that value. A value that is not among them, or a missing one, is all zeros. */
export interface CategoryColumn {
  readonly column: string;
  readonly kind: 'category';
  readonly values: readonly string[];
}

/**
 * 2^bits features; that of the value's hash is 1. A missing value is all zeros.
 * The hash is MurmurHash3 (x86, 32 bits, seed 0) of the UTF-8 bytes, of which the low bits count.
 */
export interface HashedColumn {
  readonly column: string;
  readonly kind: 'hash';
  readonly bits: number;
}

/**
 * 2^bits features: how often words, and runs of up to `ngrams` words joined by a space, with that hash occur. Words are
 * lower-case runs of letters, marks and digits. Text is not scaled by its length.
 */
export interface TextColumn {
  readonly column: string;
  readonly kind: 'text';
  readonly bits: number;
  readonly ngrams: number;
}

/** A column that makes features. */
export type FeatureColumn =
  | NumberColumn
  | BooleanColumn
  | DateColumn
  | CategoryColumn
  | HashedColumn
  | TextColumn;

/** How the label is read: a number, or one of the classes (whose names are `classNames` of the data set). */
export interface LabelColumn {
  readonly column: string;
  readonly kind: 'number' | 'class';
  /** The columns of the other labels, when there are several, which are all numbers. */
  readonly others?: readonly string[];
}

/** The columns of all labels, in order. */
export function labelColumns({ label }: ColumnMapping): readonly string[] {
  return label.others === undefined ? [label.column] : [label.column, ...label.others];
}

/**
 * How the columns of a source become the features and the label of a row. Made when a table is imported; kept in
 * `dataset.json` and in models, which apply it to new tables. Features stand in the order of `features`.
 */
export interface ColumnMapping {
  readonly features: readonly FeatureColumn[];
  readonly label: LabelColumn;
  /** Column that names rows; carried through by predictions. */
  readonly id?: string;
  /** Words that stand for a missing value, in any column and in any letters; absent: NA, N/A, NaN, null, none and ?. */
  readonly missingValues?: readonly string[];
}

/** What the numbers of a row are, in a data set or model: the names of several labels, the mapping of a table. */
export interface RowMeaning extends Labelled {
  readonly columns?: ColumnMapping;
}

/** The same, as fields to copy; nothing where rows have one label and were no table. */
export function columnsOf({ columns, labelNames }: RowMeaning): RowMeaning {
  return {
    ...(labelNames === undefined ? {} : { labelNames }),
    ...(columns === undefined ? {} : { columns }),
  };
}

/** Features that a column makes. */
export function widthOf(feature: FeatureColumn): number {
  switch (feature.kind) {
    case 'number':
    case 'boolean':
      return feature.missing.indicator ? 2 : 1;
    case 'date':
      return feature.parts.length + (feature.missing.indicator ? 1 : 0);
    case 'category':
      return feature.values.length;
    case 'hash':
    case 'text':
      return 2 ** feature.bits;
  }
}

/** Features of a row. */
export function featureCount({ features }: ColumnMapping): number {
  return features.reduce((sum, feature) => sum + widthOf(feature), 0);
}

/** A name for each feature: `rooms`, `rooms missing`, `time.hour`, `ocean=INLAND`, `words#17`. */
export function featureNames({ features }: ColumnMapping): string[] {
  return features.flatMap(namesOf);
}

function namesOf(feature: FeatureColumn): string[] {
  const { column } = feature;
  const indicator = 'missing' in feature && feature.missing.indicator ? [`${column} missing`] : [];
  switch (feature.kind) {
    case 'number':
    case 'boolean':
      return [column, ...indicator];
    case 'date':
      return [...feature.parts.map((part) => `${column}.${part}`), ...indicator];
    case 'category':
      return feature.values.map((value) => `${column}=${value}`);
    case 'hash':
    case 'text':
      return Array.from({ length: widthOf(feature) }, (_, hash) => `${column}#${hash}`);
  }
}

/** The columns that must be there to make features, in order. */
export function neededColumns({ features }: ColumnMapping): string[] {
  return features.map(({ column }) => column);
}
