import type { Dtype } from '../../src/arithmetic/dtype.js';
import type { KernelBuild } from '../../src/arithmetic/kernels.js';
import { rowLayout } from '../../src/data/rowLayout.js';
import type { KernelFunction, TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { Random } from '../../src/memory/random.js';
import type { Sample } from './evaluateKernel.js';

/** Every build of the kernels, every number type of tiles. */
export const builds: KernelBuild[] = ['plain', 'simd', 'relaxed'];
export const dtypes: TileDtype[] = ['float16', 'float32', 'float64'];

/** Rows with duplicates, a zero row, near and far points, one huge feature. */
export function sample(dtype: Dtype, d: number, n: number, scaled: 'unit' | 'uneven', seed = 1): Sample {
  const random = Random.of(seed, d, n);
  const byte = dtype === 'uint8' || dtype === 'int8';
  const draw = () => (byte ? random.below(120) : random.uniform());
  const rows = Array.from({ length: n }, () => Array.from({ length: d }, draw));
  rows[1] = [...rows[0]!];
  rows[2] = rows[2]!.map(() => 0);
  rows[3] = rows[0]!.map((x, j) => (j === 0 ? x + (byte ? 1 : 2 ** -8) : x));
  rows[4]![d - 1] = byte ? 127 : 20;
  rows[n - 1] = [...rows[0]!];
  const factor = byte ? 1 / 255 : 1;
  const multiply = new Float64Array(d).map((_, j) =>
    scaled === 'unit' ? factor : factor * (1 + (j % 3) / 2),
  );
  const add = new Float64Array(d).map((_, j) => (scaled === 'unit' ? 0 : (j % 5) / 8));
  return { layout: rowLayout(d, dtype), rows, multiply, add };
}

const scale = (d: number) => Math.sqrt(d) / 2;
/** One of each kernel function that needs no other, for rows of d features. */
export const kernelsOf = (d: number): KernelFunction[] => [
  { kind: 'rbf', lengthscale: scale(d) },
  { kind: 'laplacian', lengthscale: scale(d) },
  { kind: 'laplacian_l1', gamma: 1 / d },
  { kind: 'matern', nu: 0.5, lengthscale: scale(d) },
  { kind: 'matern', nu: 1.5, lengthscale: scale(d) },
  { kind: 'matern', nu: 2.5, lengthscale: scale(d) },
  { kind: 'polynomial', gamma: 1 / d, coef0: 1, degree: 3 },
  { kind: 'polynomial', gamma: 1 / d, coef0: -0.5, degree: 2 },
  { kind: 'linear' },
  { kind: 'cosine' },
  { kind: 'sigmoid', gamma: 1 / d, coef0: -0.3 },
  { kind: 'chi2', gamma: 1 / d },
  { kind: 'arc_cosine', depth: 1 },
  { kind: 'arc_cosine', depth: 3 },
  { kind: 'ntk', depth: 2 },
];
