import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordView, type SparseDtype, sparseDtypeCodes, sparseDtypes } from '../data/sparse/sparseRecord.js';
import { Random } from '../memory/random.js';
import { type KernelBuild, loadKernels } from './kernels.js';

const builds: readonly KernelBuild[] = ['plain', 'simd', 'relaxed'];

function close(found: number, wanted: number, what: string): void {
  assert.ok(Math.abs(found - wanted) <= 1e-5 * wanted, `${what}: ${found} is not ${wanted}`);
}

test('the largest squared norm of dense rows, in every build', () => {
  for (const build of builds) {
    for (const [m, stride] of [
      [1, 16],
      [2, 32],
      [7, 48],
      [33, 80],
    ] as const) {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const kernels = loadKernels(memory, build);
      const x = new Float32Array(memory.buffer, 256, m * stride);
      const random = Random.of(m, stride);
      for (let i = 0; i < x.length; i++) x[i] = random.normal();
      const squares = Array.from({ length: m }, (_, i) =>
        x.subarray(i * stride, (i + 1) * stride).reduce((sum, value) => sum + value * value, 0),
      );
      close(kernels.largestSquare32(256, m, stride), Math.max(...squares), `${build} ${m} x ${stride}`);
      for (const [i, square] of squares.entries())
        close(kernels.largestSquare32(256 + 4 * stride * i, 1, stride), square, `${build} row ${i}`);
      x[(m - 1) * stride] = Number.NaN;
      assert.ok(Number.isNaN(kernels.largestSquare32(256, m, stride)), `${build}: NaN is not hidden`);
      assert.equal(kernels.largestSquare32(256, 0, stride), 0);
    }
  }
});

/** Three rows, the second empty, with factors for ten features. */
function sparseRows(dtype: SparseDtype, build: KernelBuild) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const view = new RecordView(new Uint8Array(memory.buffer), dtype);
  const rows: readonly (readonly [number, number][])[] = [
    [
      [0, 3],
      [4, 1],
      [9, 2],
    ],
    [],
    [
      [1, 5],
      [2, 7],
    ],
  ];
  const order = new Uint32Array(memory.buffer, 4096, rows.length);
  let word = 64;
  for (const [i, pairs] of rows.entries()) {
    order[i] = word;
    const indices = Uint32Array.from(pairs, ([j]) => j);
    word = view.write(
      word,
      1,
      pairs.length,
      indices,
      Float64Array.from(pairs, ([, value]) => value),
    );
  }
  new Float32Array(memory.buffer, 8192, 10).fill(0.5).set([2], 9);
  return loadKernels(memory, build);
}

test('the largest squared norm of sparse rows, in every build, with factors or without', () => {
  for (const build of builds) {
    for (const dtype of sparseDtypes) {
      const kernels = sparseRows(dtype, build);
      const largest = (from: number, count: number, factors: number) =>
        kernels.largestSparseSquare32(0, 4096, from, count, sparseDtypeCodes[dtype], factors);
      assert.equal(largest(0, 3, 0), 74);
      assert.equal(largest(0, 2, 0), 14);
      assert.equal(largest(1, 1, 0), 0);
      assert.equal(largest(0, 1, 8192), 0.25 * 10 + 16);
      assert.equal(largest(0, 3, 8192), 18.5);
    }
  }
});
