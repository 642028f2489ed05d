import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateKernel, geometryOf, type Sample } from '../../../test/support/evaluateKernel.js';
import { builds, dtypes, kernelsOf, sample } from '../../../test/support/sampleRows.js';
import { halfToNumber } from '../../arithmetic/dtype.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { rowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { THREAD_SCRATCH_BYTES } from '../../threads/threads.js';
import { customKernel } from './customKernel.js';
import { createEvaluator, EVALUATION_REGION, evaluatorRegions } from './evaluator.js';
import type { KernelFunction, TileDtype } from './kernelFunction.js';
import { kernelName } from './kernelName.js';

test('distances of bytes are exact: float64 tiles are the exponential of whole numbers', () => {
  const d = 800;
  const random = Random.of(3);
  const rows = Array.from({ length: 20 }, () => Array.from({ length: d }, () => random.below(256)));
  rows[0] = rows[0]!.map(() => 255);
  rows[1] = rows[1]!.map(() => 0);
  const ones = new Float64Array(d).fill(1);
  const bytes: Sample = { layout: rowLayout(d, 'uint8'), rows, multiply: ones, add: new Float64Array(d) };
  // exp(−D/2ℓ²) near 1 and 2ℓ² a power of two: the distance can be read back.
  const kernel = { kind: 'rbf', lengthscale: 2 ** 20 } as const;
  for (const build of builds) {
    const { entries } = evaluateKernel(kernel, bytes, 'float64', build, 20);
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 20; j++) {
        const square = rows[i]!.reduce((sum, x, f) => sum + (x - rows[j]![f]!) ** 2, 0);
        assert.equal(Math.round(Math.abs(Math.log(entries[i]![j]!)) * 2 ** 41), square);
      }
    }
    assert.equal(entries[7]![7], 1);
  }
});

test('rows that are equal have distance 0 and a cosine of 1; far rows give 0, a zero row a cosine of 0', () => {
  const rows = sample('float32', 50, 20, 'uneven');
  const far: Sample = { ...rows, rows: rows.rows.map((row, i) => (i === 5 ? row.map(() => -3e38) : row)) };
  for (const build of builds) {
    for (const dtype of dtypes) {
      for (const kernel of kernelsOf(50).slice(0, 6)) {
        const { entries } = evaluateKernel(kernel, far, dtype, build, 20);
        assert.equal(entries[0]![1], 1, kernelName(kernel));
        assert.equal(entries[0]![19], 1, kernelName(kernel));
        assert.deepEqual(
          entries[5]!.map((x, j) => (j === 5 ? 1 - x : x)),
          new Array(20).fill(0),
          kernelName(kernel),
        );
      }
      const cosines = evaluateKernel(
        { kind: 'cosine' },
        sample('float32', 50, 20, 'unit'),
        dtype,
        build,
        3,
      ).entries;
      assert.deepEqual(cosines[2], new Array(20).fill(0));
    }
  }
});

test('a NaN of a custom function is not hidden', () => {
  const kernel = customKernel('test.nan', (_x, _y, _rows, _columns, _d, target) => target.fill(NaN));
  for (const dtype of dtypes) {
    const { entries } = evaluateKernel(kernel, sample('float32', 3, 12, 'unit'), dtype, 'simd', 11);
    assert.ok(entries.flat().every(Number.isNaN), dtype);
  }
});

test('kernels that cannot be evaluated are refused', () => {
  const geometry = geometryOf(sample('float32', 5, 6, 'unit'));
  const refused = (kernel: KernelFunction, pattern: RegExp, dtype: TileDtype = 'float32') =>
    assert.throws(
      () => evaluatorRegions(kernel, geometry, dtype),
      (error) => error instanceof MlmlError && error.code === 'MLML_USAGE' && pattern.test(error.message),
    );
  refused({ kind: 'precomputed' }, /no rows to compare/);
  refused({ kind: 'custom', name: 'nobody' }, /custom:nobody is not known in this process/);
  const cubic: KernelFunction = { kind: 'polynomial', gamma: 1, coef0: 1, degree: 3 };
  refused(cubic, /entries may reach .* more than float16 holds/, 'float16');
  for (const maxNorm of [1e200, NaN]) {
    assert.throws(
      () => evaluatorRegions({ kind: 'cosine' }, { ...geometry, maxNorm }, 'float32'),
      (error) =>
        error instanceof MlmlError && error.code === 'MLML_BAD_DATA' && /norms up to/.test(error.message),
    );
  }
  let deep: KernelFunction = { kind: 'linear' };
  for (let i = 0; i < 200; i++) deep = { kind: 'sum', terms: [{ kind: 'cosine' }, deep] };
  refused(deep, /nested 201 deep/);
});

test('entries beyond the largest number of a tile become it', () => {
  // Rows met later may be larger than those the evaluation was planned for.
  const rows = sample('float32', 4, 8, 'unit');
  const geometry = { ...geometryOf(rows), maxNorm: 1 };
  const layout = rows.layout;
  for (const build of builds) {
    const arena = new Arena([
      { name: 'scratch', bytes: THREAD_SCRATCH_BYTES },
      { name: EVALUATION_REGION, bytes: 4096 },
      { name: 'rows', bytes: 2 * layout.rowBytes },
      { name: 'block', bytes: 1 << 14 },
      { name: 'tile', bytes: 64 },
    ]);
    arena.float32('rows').set([300, 300, 300, 300, 0, -300, -300, -300, -300, 0]);
    const environment = {
      kernels: loadKernels(arena.memory, build),
      buffer: arena.buffer,
      thread: 0,
      scratch: arena.address('scratch'),
    };
    const constants = arena.address(EVALUATION_REGION);
    const evaluator = createEvaluator({ kind: 'linear' }, geometry, 'float16', environment, constants);
    const [block, tile] = [arena.address('block'), arena.address('tile')];
    evaluator.pack(arena.address('rows'), 2, block, 16, 0);
    evaluator.evaluate(block, 16, 0, 2, block, 16, 0, 2, tile, 2);
    const entries = [...new Uint16Array(arena.buffer, tile, 4)].map(halfToNumber);
    assert.deepEqual(entries, [65504, -65504, -65504, 65504]);
  }
});
