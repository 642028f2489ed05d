import { type Dtype, dtypeBytes, readNumber, writeNumber } from '../../src/arithmetic/dtype.js';
import { type Cell, type ColumnMapping, neededColumns } from '../../src/data/columns/columnMapping.js';
import { RowEncoder } from '../../src/data/columns/rowEncoder.js';
import { rowLayout } from '../../src/data/rowLayout.js';
import type { KernelFunction } from '../../src/kernel/functions/kernelFunction.js';
import type { KernelModel } from '../../src/kernel/kernelModel.js';
import type { Random } from '../../src/memory/random.js';
import type { Model } from '../../src/model/saveModel.js';
import type { LinearModel, ScoreMeaning } from '../../src/ssgd/linearModel.js';
import type { ScoreCalibration } from '../../src/ssgd/scoreCalibration.js';
import type { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { referenceKernel } from './referenceKernel.js';

type Meaning = Pick<ScoreMeaning, 'task' | 'loss' | 'k'> & {
  readonly classNames?: readonly string[];
  readonly columns?: ColumnMapping;
};

const numbers = (count: number, make: () => number) => Float64Array.from({ length: count }, make);

/** A linear model with random weights and scaling. */
export function randomLinear(random: Random, d: number, meaning: Meaning): LinearModel {
  const normal = () => random.normal();
  return {
    classNames: [],
    fingerprint: 'made in a test',
    ...meaning,
    d,
    scaling: {
      name: 'standard',
      multiply: numbers(d, () => Math.exp(normal())),
      add: numbers(d, normal),
    },
    weights: numbers(meaning.k * d, normal),
    intercept: numbers(meaning.k, normal),
  };
}

/** Rows of numbers that a dtype holds exactly. */
export function randomRows(random: Random, n: number, d: number, dtype: Dtype): number[][] {
  const view = new DataView(new ArrayBuffer(8));
  const value = () => {
    if (dtype === 'uint8') return random.below(256);
    if (dtype === 'int8') return random.below(256) - 128;
    if (dtype === 'int16') return random.below(65536) - 32768;
    writeNumber(view, 0, dtype, random.normal());
    return readNumber(view, 0, dtype);
  };
  return Array.from({ length: n }, () => Array.from({ length: d }, value));
}

/** A kernel model of random rows with labels between them, which lie in the storage, and the rows. */
export async function randomKernel(
  random: Random,
  storage: MemoryStorage,
  kernel: KernelFunction,
  n: number,
  d: number,
  meaning: Omit<Meaning, 'loss'>,
  dtype: Dtype = 'float32',
): Promise<{ model: KernelModel; rows: number[][] }> {
  const layout = rowLayout(d, dtype);
  const rows = randomRows(random, n, d, dtype);
  const bytes = new Uint8Array(n * layout.rowBytes);
  const view = new DataView(bytes.buffer);
  for (const [i, row] of rows.entries())
    for (const [j, x] of [...row, 1].entries())
      writeNumber(view, i * layout.rowBytes + j * dtypeBytes[dtype], dtype, x);
  const path = '/rows.bin';
  const file = await storage.create(path);
  await file.write(bytes, 0);
  await file.close();
  const wide = { uint8: 1 / 128, int8: 1 / 64, int16: 1 / 16384 }[dtype as string] ?? 1;
  const multiply = numbers(d, () => wide * Math.exp(0.3 * random.normal()));
  const add = numbers(d, () => 0.5 * random.normal());
  const scaled = rows.map((row) => row.map((x, j) => x * multiply[j]! + add[j]!));
  const mean = numbers(d, () => 0).map((_, j) => scaled.reduce((sum, row) => sum + row[j]! / n, 0));
  const model: KernelModel = {
    classNames: [],
    fingerprint: 'made in a test',
    ...meaning,
    loss: 'ridge',
    kernel,
    d,
    n,
    regularization: 1,
    scaling: 'standard',
    geometry: {
      layout,
      multiply,
      add,
      mean,
      maxNorm: Math.max(...scaled.map((row) => Math.hypot(...row))),
      maxCentredNorm: Math.max(...scaled.map((row) => Math.hypot(...row.map((x, j) => x - mean[j]!)))),
    },
    coefficients: numbers(n * meaning.k, () => random.normal()),
    rows: { kind: 'file', path },
  };
  return { model, rows };
}

/** Scores of rows of features, in doubles, straight from the definitions: rows × k. */
export function referenceScores(
  model: Model,
  rows: readonly (readonly number[])[],
  training: readonly (readonly number[])[] = [],
): number[] {
  const { k } = model;
  const classes = Array.from({ length: k }, (_, c) => c);
  const { multiply, add } = 'coefficients' in model ? model.geometry : model.scaling;
  const scale = (row: readonly number[]) => row.map((x, j) => x * multiply[j]! + add[j]!);
  return rows.flatMap((row) => {
    const x = scale(row);
    if ('coefficients' in model) {
      const chi2 = (y: number[]) => y.map((value) => Math.max(0, value));
      const clipped = JSON.stringify(model.kernel).includes('chi2') ? chi2 : (y: number[]) => y;
      const values = training.map((y) => referenceKernel(model.kernel, clipped(x), clipped(scale(y))));
      return classes.map((c) =>
        values.reduce((sum, value, i) => sum + value * model.coefficients[i * k + c]!, 0),
      );
    }
    return classes.map((c) =>
      x.reduce((sum, value, j) => sum + value * model.weights[c * model.d + j]!, model.intercept[c]!),
    );
  });
}

/** A mapping with every kind of column, some names odd. */
export const everyColumn: ColumnMapping = {
  features: [
    { column: 'rooms', kind: 'number', missing: { fill: 3.5, indicator: true } },
    { column: 'age "in years", é', kind: 'number', missing: { fill: 0, indicator: false } },
    { column: 'new', kind: 'boolean', missing: { fill: 0.25, indicator: true } },
    {
      column: 'sold',
      kind: 'date',
      parts: ['year', 'month', 'day', 'weekday', 'hour', 'minute', 'second', 'epoch'],
      missing: { fill: -1, fills: [2000, 6, 15.5, 3, 12, 30, 29.5, 1e9], indicator: true },
    },
    { column: 'ocean', kind: 'category', values: ['INLAND', 'NEAR BAY', '<1H OCEAN', '', 'NA', 'ü 漢'] },
    { column: 'label', kind: 'category', values: ['a', 'b'] },
    { column: 'street', kind: 'hash', bits: 4 },
  ],
  label: { column: 'price', kind: 'number' },
};

/** … and the one that ONNX does not have. */
export const columnsWithWords: ColumnMapping = {
  ...everyColumn,
  features: [...everyColumn.features, { column: 'notes', kind: 'text', bits: 5, ngrams: 2 }],
};

/** Cells of a row for these mappings, some missing, by the names of their columns. */
export function randomCells(random: Random, mapping: ColumnMapping): Record<string, Cell> {
  const missing = () => random.below(4) === 0;
  const pick = <T>(list: readonly T[]) => list[random.below(list.length)]!;
  return Object.fromEntries(
    mapping.features.map((feature) => {
      const value = (): Cell => {
        if (missing()) return null;
        switch (feature.kind) {
          case 'number':
            return random.normal();
          case 'boolean':
            return random.below(2) === 1;
          case 'date':
            return new Date(Math.floor((random.below(2 ** 31) / 2 ** 31 - 0.3) * 7e12));
          case 'category':
            return pick([...feature.values, 'unknown']);
          case 'hash':
            return pick(['Main Street', '漢字', 'x']);
          case 'text':
            return pick(['two rooms, two baths', 'Über Café', '', 'a b a b']);
        }
      };
      return [feature.column, value()];
    }),
  );
}

/** The features of rows of cells. */
export function encoded(mapping: ColumnMapping, rows: readonly Record<string, Cell>[]): number[][] {
  const columns = neededColumns(mapping);
  const encoder = new RowEncoder(mapping, columns, []);
  return rows.map((row) => {
    const target = new Float64Array(encoder.d);
    const cells = columns.map((column) => row[column]);
    encoder.encode(cells, target, (column) => column);
    return [...target];
  });
}

const leaves: readonly KernelFunction[] = [
  { kind: 'rbf', lengthscale: 1.5 },
  { kind: 'laplacian', lengthscale: 2 },
  { kind: 'laplacian_l1', gamma: 0.3 },
  { kind: 'matern', nu: 0.5, lengthscale: 1.5 },
  { kind: 'matern', nu: 1.5, lengthscale: 1.5 },
  { kind: 'matern', nu: 2.5, lengthscale: 1.5 },
  { kind: 'polynomial', gamma: 0.2, coef0: -0.5, degree: 3 },
  { kind: 'polynomial', gamma: 1, coef0: 0, degree: 1 },
  { kind: 'linear' },
  { kind: 'cosine' },
  { kind: 'sigmoid', gamma: 0.2, coef0: 0.1 },
  { kind: 'chi2', gamma: 0.4 },
  { kind: 'arc_cosine', depth: 1 },
  { kind: 'arc_cosine', depth: 3 },
  { kind: 'ntk', depth: 2 },
];
const combined: KernelFunction = {
  kind: 'sum',
  terms: [
    { kind: 'scale', factor: 0.5, of: leaves[0]! },
    { kind: 'product', factors: [leaves[1]!, { kind: 'linear' }, { kind: 'laplacian_l1', gamma: 0.1 }] },
    { kind: 'cosine' },
  ],
};

/** Every kernel function that has a name, and a sum and product of some. */
export const everyKernel: readonly KernelFunction[] = [...leaves, combined];

/** Calibrations of models with k columns of scores. */
export function everyCalibration(k: number): ScoreCalibration[] {
  const columns = Array.from({ length: k > 2 ? k : 1 }, (_, c) => c);
  const from = { rows: 9, fingerprint: '' };
  return [
    {
      ...from,
      method: 'sigmoid',
      curves: columns.map((c) => ({ slope: -0.5 - c, intercept: 0.3 * c - 0.2 })),
    },
    {
      ...from,
      method: 'isotonic',
      curves: columns.map((c) =>
        c === 1
          ? { scores: [0.5], probabilities: [0.25] }
          : { scores: [-3, -0.5, c, c + 2.5], probabilities: [0, 0.1, 0.6, 0.95] },
      ),
    },
  ];
}
