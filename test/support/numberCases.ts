// Small data sets with something unusual about their numbers, for tests of all verbs.
import type { Dataset } from '../../src/data/dataset.js';
import type { Storage } from '../../src/storage/storage.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from './tinyDataset.js';

export interface NumberCase {
  readonly name: string;
  /** All training rows are equal: kernels need a --sigma, and their matrix has rank 1. */
  readonly equalRows?: boolean;
  /** Beyond the range of single precision unless features are scaled. */
  readonly needsScaling?: boolean;
  /** Targets beyond the range of single precision. */
  readonly largeTargets?: boolean;
  make(storage: Storage): Promise<Dataset>;
}

const N = 24;
const NT = 6;
const D = 4;

const changed = (rows: TinyRows, change: (row: number[], i: number) => number[]): TinyRows => ({
  labels: rows.labels,
  features: rows.features.map((row, i) => change([...row], i)),
});
const relabelled = (rows: TinyRows, label: (given: number, i: number) => number): TinyRows => ({
  features: rows.features,
  labels: rows.labels.map(label),
});
const times = (factor: number) => (row: number[]) => row.map((x, j) => (j === 1 ? x * factor : x));

/** Classes: both parts changed alike. */
const classes = (
  name: string,
  change: (rows: TinyRows) => TinyRows,
  given: Partial<NumberCase> & { readonly k?: number; readonly n?: number; readonly d?: number } = {},
): NumberCase => {
  const { k = 3, n = N, d = D, ...rest } = given;
  return {
    name,
    ...rest,
    make: (storage) =>
      makeDataset({ k, train: change(clouds(n, d, 3)), test: change(clouds(NT, d, 3, 2)) }, storage),
  };
};
const regression = (
  name: string,
  change: (rows: TinyRows) => TinyRows,
  given: Partial<NumberCase> = {},
): NumberCase => ({
  name,
  ...given,
  make: (storage) =>
    makeDataset(
      { task: 'regression', train: change(linearTargets(N, D)), test: change(linearTargets(NT, D, 2)) },
      storage,
    ),
});
const same = (rows: TinyRows) => rows;

export const numberCases: readonly NumberCase[] = [
  classes('a constant feature', (rows) => changed(rows, (row) => row.map((x, j) => (j === 1 ? 7.1 : x)))),
  classes('all features constant', (rows) => changed(rows, (row) => row.fill(7.1)), { equalRows: true }),
  classes('one class only', (rows) => relabelled(rows, () => 1)),
  classes('labels with gaps', (rows) => relabelled(rows, (label) => [0, 3, 7][label]!), { k: 8 }),
  classes('two classes', (rows) => relabelled(rows, (label) => label % 2), { k: 2 }),
  classes('fewer rows than a batch', same, { n: 5 }),
  classes('one row', same, { n: 1, equalRows: true }),
  classes('one feature', same, { d: 1 }),
  classes('duplicate rows', (rows) => changed(rows, (_, i) => [...rows.features[i % 2]!])),
  classes('huge values', (rows) => changed(rows, times(1e100)), { needsScaling: true }),
  classes('denormal values', (rows) => changed(rows, times(1e-310))),
  {
    name: 'no test rows',
    make: (storage) => makeDataset({ k: 3, train: clouds(N, D, 3) }, storage),
  },
  regression('one target', same),
  regression('targets all equal', (rows) => relabelled(rows, () => 3.5)),
  regression('huge targets', (rows) => relabelled(rows, (target) => target * 1e60), { largeTargets: true }),
];
