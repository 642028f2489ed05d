import { importDataset } from '../../src/data/import/importDataset.js';
import type { ImportOptions } from '../../src/data/import/importOptions.js';
import type { PlainRows } from './fuzz/originalReaders.js';
import { filesIn, madeDataset } from './madeDataset.js';

/** Files by their names in the folder /in. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Rows of a part: features, then the label. */
const joinedRows = ({ features, labels }: PlainRows) => features.map((row, i) => [...row, labels[i]!]);

/** Imports one of the files; its rows, the description of the data set, and what was told. */
export async function imported(files: Files, source: string, options: Partial<ImportOptions> = {}) {
  const notices: string[] = [];
  const warnings: string[] = [];
  const { description, train, test } = await madeDataset(
    (storage, out) =>
      importDataset(storage, `/in/${source}`, {
        out,
        onNotice: (message) => notices.push(message),
        onWarning: (message) => warnings.push(message),
        ...options,
      }),
    filesIn('/in', files),
  );
  return { description, notices, warnings, train: joinedRows(train), test: joinedRows(test) };
}

/** Rows and features of the arrays most tests import. */
export const N = 60;
export const D = 3;
const feature = (row: number, j: number) => row + j / 4;
/** Features [N][D]; labels 7 and -2; both in rows of D + 1; and the rows as they should be stored, labels being classes. */
export const X = Array.from({ length: N * D }, (_, i) => feature(Math.floor(i / D), i % D));
export const y: number[] = Array.from({ length: N }, (_, row) => (row % 3 === 0 ? 7 : -2));
export const joined = Array.from({ length: N }, (_, row) => [
  ...X.slice(row * D, row * D + D),
  y[row]!,
]).flat();
/** All rows are for training, in order. */
export const whole = { percentage: 1 } as const;
export const wanted = Array.from({ length: N }, (_, row) => [
  ...X.slice(row * D, row * D + D),
  row % 3 === 0 ? 1 : 0,
]);
