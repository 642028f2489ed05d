import type { Dtype } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { numberOf } from '../columns/cells.js';
import { MOST_HASH_BITS, MOST_NGRAMS } from '../columns/checkMapping.js';
import { type DatePart, datePartNames } from '../columns/columnMapping.js';
import type { Task } from '../format.js';
import { checkOnNan, type OnNan } from '../onNan.js';
import type { TableSource } from './tableSource.js';

/** What a column can be read as. */
export const columnKinds = ['number', 'boolean', 'date', 'category', 'hash', 'text'] as const;
/** How the values of a column are read. */
export type ColumnKind = (typeof columnKinds)[number];

/**
 * What stands for missing numbers and truth values. mean: the mean of the column over the training rows. zero: 0. indicator:
 * the mean, and one more feature that is 1 where the value was missing.
 */
export const missingNames = ['mean', 'zero', 'indicator'] as const;
export type MissingName = (typeof missingNames)[number];

/** How a table becomes a data set. Only `out` and `label` are needed. */
export interface TableImportOptions {
  /** The folder to make; `MLML_EXISTS` when it is there. */
  readonly out: string;
  /** Name of the data set. Default: that of the source. */
  readonly name?: string;
  /** The column that is to be predicted; several, all of numbers, for a regression with several outputs. */
  readonly label: string | readonly string[];
  /** Default: regression for numbers, unless they are whole and at most 20 different ones; else classification. */
  readonly task?: Task;
  /** The columns that become features. Default: all but label, id and split column. */
  readonly keep?: readonly string[];
  /** Columns that do not. */
  readonly drop?: readonly string[];
  /** Column that names rows: no feature; predictions carry it through. */
  readonly id?: string;
  /** Default mean. */
  readonly missing?: MissingName;
  /** Words that stand for a missing value, in any letters. Default NA, N/A, NaN, null, none and ?. The empty text always does. */
  readonly missingValues?: readonly string[];
  /** A column of words with more different values than this is hashed. Default 100. */
  readonly categories?: number;
  /** 2^hashBits features for each column that is hashed, or of text. Default 8. */
  readonly hashBits?: number;
  /** Columns read as text: counts of hashed words. */
  readonly text?: readonly string[];
  /** Runs of up to so many words of a text are counted. Default 1. */
  readonly ngrams?: number;
  /** Parts of dates that become features. Default year, month, day, weekday; with hour and minute where a date has a time. */
  readonly dateParts?: readonly DatePart[];
  /** Kinds of columns by name, instead of what their values look like. */
  readonly types?: Readonly<Record<string, ColumnKind>>;
  /** Share of the rows used for training. Default 0.8; all rows when there is a test table or a split column. */
  readonly percentage?: number;
  /** A second table, whose rows are the test rows. */
  readonly test?: TableSource;
  /** A column that holds train or test in each row. */
  readonly splitColumn?: string;
  /** Of the split. Default 0. */
  readonly seed?: number;
  /** Keep only the first n training rows. Default all. */
  readonly n?: number;
  /** Number type to store. Default float32, or float64 where that would round different values of a column together. */
  readonly dtype?: Dtype;
  /**
   * Infinite values. error (default): refused; zero: read as 0; skip: the row is left out. A missing label, too, is refused
   * unless rows are skipped.
   */
  readonly onNan?: OnNan;
  /** Memory for everything that grows with the table's columns and rows. Default 10e6. */
  readonly bufferBytes?: number;
  readonly signal?: AbortSignal;
  /** Is told of what is odd and no error. */
  readonly onWarning?: (message: string) => void;
  /** Told what was decided: the task, kinds of columns that are not plain numbers. */
  readonly onNotice?: (message: string) => void;
}

/** The columns that are to be predicted, in order. */
export function labelsOf({ label }: Pick<TableImportOptions, 'label'>): readonly string[] {
  return typeof label === 'string' ? [label] : label;
}

export const tableDefaults = {
  missing: 'mean',
  categories: 100,
  hashBits: 8,
  ngrams: 1,
  percentage: 0.8,
  seed: 0,
  onNan: 'error',
  bufferBytes: 10e6,
} as const;

/** `TableImportOptions` with the defaults filled in. */
export type TableSettings = TableImportOptions & {
  readonly [Name in keyof typeof tableDefaults]-?: NonNullable<TableImportOptions[Name]>;
};

/** Fills in the defaults and checks what was given; anything out of range is `MLML_USAGE`. */
export function tableSettings(given: TableImportOptions): TableSettings {
  const whole = given.test !== undefined || given.splitColumn !== undefined;
  const settings: TableSettings = {
    ...tableDefaults,
    ...(whole ? { percentage: 1 } : {}),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as TableSettings;
  const { percentage, n, categories, hashBits, ngrams, dateParts, missing, types } = settings;
  const bad = (option: string, value: unknown, wanted: string) => {
    throw new MlmlError('MLML_USAGE', `--${option}=${value}: must be ${wanted}`);
  };
  const whole32 = (value: number, least: number, most: number) =>
    Number.isSafeInteger(value) && value >= least && value <= most;
  checkOnNan(settings.onNan);
  for (const word of settings.missingValues ?? [])
    if (word.trim() === '' || numberOf(word) !== undefined)
      bad(
        'missing-values',
        word,
        'words with commas between them; a number is a number, and the empty text always missing',
      );
  if (n !== undefined && !whole32(n, 1, Number.MAX_SAFE_INTEGER)) bad('n', n, 'a positive whole number');
  if (!(percentage > 0 && percentage <= 1))
    bad('percentage', percentage, 'above 0 and at most 1, such as 0.8');
  if (!whole32(categories, 0, 65536)) bad('categories', categories, 'a whole number from 0 to 65536');
  if (!whole32(hashBits, 1, MOST_HASH_BITS))
    bad('hash-bits', hashBits, `a whole number from 1 to ${MOST_HASH_BITS}`);
  if (!whole32(ngrams, 1, MOST_NGRAMS)) bad('ngrams', ngrams, `a whole number from 1 to ${MOST_NGRAMS}`);
  if (!missingNames.includes(missing)) bad('missing', missing, `one of ${missingNames.join(', ')}`);
  const part = dateParts?.find((name) => !datePartNames.includes(name));
  if (part !== undefined || dateParts?.length === 0)
    bad('date-parts', part ?? '', `some of ${datePartNames.join(', ')}`);
  for (const [column, kind] of Object.entries(types ?? {}))
    if (!columnKinds.includes(kind))
      bad('types', `${column}:${kind}`, `<column>:<kind>, a kind being one of ${columnKinds.join(', ')}`);
  if (given.test !== undefined && given.splitColumn !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `--split-column=${given.splitColumn}: not with --test-file; give one of them`,
    );
  if (whole && given.percentage !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `--percentage=${percentage}: not with ${given.test === undefined ? '--split-column' : '--test-file'}, which says what the test rows are`,
    );
  return settings;
}
