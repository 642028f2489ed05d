import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluateKernel, geometryOf, type Sample, scaledRows } from '../../../test/support/evaluateKernel.js';
import { referenceKernel } from '../../../test/support/referenceKernel.js';
import { builds, dtypes, kernelsOf, sample } from '../../../test/support/sampleRows.js';
import { halfToNumber, numberToHalf } from '../../arithmetic/dtype.js';
import { type KernelBuild, loadKernels } from '../../arithmetic/kernels.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { OneThread } from '../../threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../threads/threads.js';
import { kernelTasks } from '../tasks/tasks.js';
import { customKernel } from './customKernel.js';
import { planEvaluation } from './evaluationPlan.js';
import { EVALUATION_REGION, evaluatorRegions } from './evaluator.js';
import type { KernelFunction, TileDtype } from './kernelFunction.js';
import { kernelName } from './kernelName.js';

/**
 * Errors let pass, relative to the larger of 1 and the largest entry: what `planEvaluation` lets float32 rows do, and
 * half a unit in the last place of the tile.
 */
const tolerance = { float16: 2 ** -11 + 2 ** -13, float32: 2 ** -18, float64: 1e-12 } as const;

/** Compares a block with the reference; nothing outside it may have been written. */
function check(
  kernel: KernelFunction,
  rows: Sample,
  dtype: TileDtype,
  build: KernelBuild,
  split: number,
): void {
  const name = `${kernelName(kernel)} of ${rows.layout.d} ${rows.layout.dtype}, ${dtype} ${build}`;
  const vectors = scaledRows(rows);
  const { entries, diagonal, margin } = evaluateKernel(kernel, rows, dtype, build, split);
  const wanted = vectors.slice(0, split).map((x) => vectors.map((y) => referenceKernel(kernel, x, y)));
  const size = Math.max(1, ...wanted.flat().map(Math.abs));
  for (let i = 0; i < split; i++) {
    for (let j = 0; j < vectors.length; j++) {
      const error = Math.abs(entries[i]![j]! - wanted[i]![j]!) / size;
      assert.ok(error <= tolerance[dtype], `${name}: (${i}, ${j}) ${entries[i]![j]} is not ${wanted[i]![j]}`);
    }
    assert.equal(diagonal[i], entries[i]![i], `${name}: diagonal ${i}`);
  }
  assert.ok(margin.every(Number.isNaN), `${name}: wrote outside the block`);
  const transposed = evaluateKernel(kernel, rows, dtype, build, split, true).entries;
  const turned = entries[0]!.map((_, j) => entries.map((row) => row[j]));
  assert.deepEqual(transposed, turned, `${name}: is not symmetric`);
}

describe('every kernel equals its formula and is symmetric to the bit', () => {
  for (const build of builds) {
    for (const dtype of dtypes) {
      test(`${build}, ${dtype}`, () => {
        const cases = [
          sample('uint8', 33, 41, 'unit'),
          sample('uint8', 20, 19, 'uneven'),
          sample('float32', 37, 23, 'unit'),
        ];
        for (const rows of cases)
          for (const kernel of kernelsOf(rows.layout.d)) check(kernel, rows, dtype, build, 18);
      });
    }
  }
});

describe('odd sizes and number types of rows', () => {
  for (const build of builds) {
    test(build, () => {
      const some = (d: number) =>
        kernelsOf(d).filter(({ kind }) => ['rbf', 'polynomial', 'laplacian_l1'].includes(kind));
      for (const dtype of ['int8', 'int16', 'float16', 'float32', 'float64'] as const) {
        for (const d of [1, 3, 16]) {
          for (const kernel of some(d)) check(kernel, sample(dtype, d, 6, 'unit'), 'float32', build, 5);
        }
      }
      for (const n of [5, 16, 17, 35]) {
        for (const kernel of some(7))
          check(kernel, sample('uint8', 7, n, 'unit'), 'float16', build, Math.min(n, 33));
      }
    });
  }

  test('more columns than a plane has, and features in several chunks', () => {
    for (const build of ['simd', 'relaxed'] as const) {
      for (const dtype of ['float32', 'float64'] as const) {
        check({ kind: 'rbf', lengthscale: 1 }, sample('float32', 3, 530, 'unit'), dtype, build, 40);
        check({ kind: 'rbf', lengthscale: 20 }, sample('uint8', 2600, 18, 'uneven'), dtype, build, 17);
        check(
          { kind: 'polynomial', gamma: 1 / 2100, coef0: 0, degree: 5 },
          sample('float64', 2100, 18, 'uneven'),
          dtype,
          build,
          17,
        );
      }
    }
  });
});

test('random sums, products and multiples of kernels', () => {
  const random = Random.of(7);
  const tree = (depth: number): KernelFunction => {
    const leaves = kernelsOf(9);
    const kind = depth === 0 ? 3 : random.below(4);
    const parts = () => Array.from({ length: 2 + random.below(2) }, () => tree(depth - 1));
    if (kind === 0) return { kind: 'sum', terms: parts() };
    if (kind === 1) return { kind: 'product', factors: parts() };
    if (kind === 2) return { kind: 'scale', factor: 0.25 + random.uniform(), of: tree(depth - 1) };
    return leaves[random.below(leaves.length)]!;
  };
  for (let round = 0; round < 60; round++) {
    const rows = sample(round % 2 === 0 ? 'uint8' : 'float32', 9, 20, 'unit', round);
    const [dtype, build] = [round % 3 === 0 ? 'float64' : 'float32', builds[round % builds.length]!] as const;
    check(tree(3), rows, dtype, build, 17);
  }
});

test('scales far from 1 give no NaN and lose nothing', () => {
  const tiny = sample('float64', 6, 20, 'unit');
  const shrunk: Sample = { ...tiny, multiply: tiny.multiply.map((x) => x * 1e-30) };
  for (const build of builds) {
    check({ kind: 'rbf', lengthscale: 1e-30 }, shrunk, 'float32', build, 18);
    check({ kind: 'cosine' }, shrunk, 'float32', build, 18);
    for (const rows of [tiny, sample('uint8', 6, 20, 'unit')]) {
      const sharp: KernelFunction[] = [
        { kind: 'rbf', lengthscale: 1e-200 },
        { kind: 'matern', nu: 1.5, lengthscale: 1e-305 },
        { kind: 'laplacian_l1', gamma: 1e300 },
        { kind: 'chi2', gamma: 1e300 },
      ];
      for (const kernel of sharp) {
        const { entries } = evaluateKernel(kernel, rows, 'float32', build, 18);
        assert.deepEqual([entries[0]![1], entries[0]![2], entries[2]![2]], [1, 0, 1], kernelName(kernel));
      }
      const step = evaluateKernel(
        { kind: 'sigmoid', gamma: 1e300, coef0: 0 },
        rows,
        'float32',
        build,
        18,
      ).entries;
      assert.deepEqual([step[0]![1], step[0]![2]], [1, 0]);
    }
  }
});

test('float16 entries are the nearest halves', () => {
  const rows = sample('uint8', 40, 30, 'unit');
  for (const build of ['simd', 'relaxed'] as const) {
    // Some of these are below 2^−14, where halves have fewer digits.
    for (const lengthscale of [0.1, 0.5, 3]) {
      const kernel = { kind: 'rbf', lengthscale } as const;
      const half = evaluateKernel(kernel, rows, 'float16', build, 20).entries.flat();
      const float = evaluateKernel(kernel, rows, 'float32', build, 20).entries.flat();
      assert.deepEqual(
        half,
        float.map((x) => halfToNumber(numberToHalf(x))),
      );
    }
  }
});

test('the number type of the work follows the rounding that would show', () => {
  const bytes = geometryOf(sample('uint8', 20, 20, 'unit'));
  const floats = geometryOf(sample('float32', 20, 20, 'unit'));
  const radius = floats.maxCentredNorm;
  const workOf = (kernel: KernelFunction, geometry = floats, dtype: TileDtype = 'float32') => {
    const { work, packings } = planEvaluation(kernel, geometry, dtype);
    return `${packings.map(({ form }) => form).join('+')} ${work}`;
  };
  assert.equal(workOf({ kind: 'rbf', lengthscale: 0.01 }, bytes), 'bytes float32');
  assert.equal(workOf({ kind: 'rbf', lengthscale: 0.01 }, bytes, 'float64'), 'bytes float64');
  assert.equal(workOf({ kind: 'rbf', lengthscale: radius / 7.9 }), 'products float32');
  assert.equal(workOf({ kind: 'rbf', lengthscale: radius / 8.1 }), 'products float64');
  assert.equal(workOf({ kind: 'rbf', lengthscale: radius / 8.1 }, floats, 'float16'), 'products float32');
  assert.equal(workOf({ kind: 'laplacian', lengthscale: 1 }), 'products float64');
  assert.equal(workOf({ kind: 'ntk', depth: 1 }, bytes), 'bytes float64');
  const both: KernelFunction = {
    kind: 'sum',
    terms: [{ kind: 'rbf', lengthscale: radius }, { kind: 'linear' }],
  };
  assert.equal(workOf(both), 'products+products float32');
  assert.equal(workOf(both, bytes), 'bytes float32');
});

test('custom functions are evaluated, alone and in combinations', () => {
  const kernel = customKernel('test.quadratic', (x, y, rows, columns, d, target) => {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let j = 0; j < d; j++) sum += x[r * d + j]! * y[c * d + j]!;
        target[r * columns + c] = (sum + 1) ** 2;
      }
    }
  });
  const same: KernelFunction = { kind: 'polynomial', gamma: 1, coef0: 1, degree: 2 };
  const rbf: KernelFunction = { kind: 'rbf', lengthscale: 2 };
  for (const dtype of ['uint8', 'float32'] as const) {
    const rows = sample(dtype, 5, 37, 'unit');
    for (const of of [
      (k: KernelFunction) => k,
      (k: KernelFunction): KernelFunction => ({ kind: 'product', factors: [rbf, k] }),
    ]) {
      const found = evaluateKernel(of(kernel), rows, 'float64', 'simd', 33).entries.flat();
      const wanted = evaluateKernel(of(same), rows, 'float64', 'simd', 33).entries.flat();
      const size = Math.max(...wanted);
      for (const [i, x] of found.entries()) assert.ok(Math.abs(x - wanted[i]!) <= 1e-12 * size);
    }
  }
});

test('the tasks packRows and evaluateBlock take the arguments of pack and evaluate', () => {
  const rows = sample('uint8', 6, 10, 'unit');
  const geometry = geometryOf(rows);
  const kernel = { kind: 'rbf', lengthscale: 0.5 } as const;
  const arena = new Arena([
    { name: 'scratch', bytes: THREAD_SCRATCH_BYTES },
    ...evaluatorRegions(kernel, geometry, 'float32'),
    { name: 'rows', bytes: 10 * rows.layout.rowBytes },
    { name: 'block', bytes: 1 << 14 },
    { name: 'tile', bytes: 400 },
  ]);
  for (const [i, row] of rows.rows.entries()) arena.uint8('rows').set(row, i * rows.layout.rowBytes);
  const environment = {
    kernels: loadKernels(arena.memory),
    buffer: arena.buffer,
    thread: 0,
    scratch: arena.address('scratch'),
  };
  const constants = arena.address(EVALUATION_REGION);
  const evaluation = { kernel, geometry, dtype: 'float32' as const, constants };
  const threads = new OneThread(kernelTasks(environment, { evaluation }));
  const [block, tile] = [arena.address('block'), arena.address('tile')];
  threads.add('packRows', arena.address('rows'), 10, block, 16, 0);
  threads.add('evaluateBlock', block, 16, 0, 10, block, 16, 0, 10, tile, 10);
  threads.run();
  const wanted = evaluateKernel(kernel, rows, 'float32', 'simd', 10).entries.flat();
  for (const [i, x] of arena.float32('tile').entries()) assert.ok(Math.abs(x - wanted[i]!) < 1e-6);
});

test('other threads have no tasks for a custom kernel', () => {
  const kernel = { kind: 'custom', name: 'known.elsewhere' } as const;
  const geometry = geometryOf(sample('float32', 3, 6, 'unit'));
  const arena = new Arena([{ name: 'scratch', bytes: THREAD_SCRATCH_BYTES }]);
  const environment = {
    kernels: loadKernels(arena.memory, 'plain'),
    buffer: arena.buffer,
    thread: 1,
    scratch: arena.address('scratch'),
  };
  const evaluation = { kernel, geometry, dtype: 'float32' as const, constants: 0 };
  assert.equal(kernelTasks(environment, { evaluation })['evaluateBlock'], undefined);
});
