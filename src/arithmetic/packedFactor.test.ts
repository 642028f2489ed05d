import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { packedLength } from './gram.js';
import { type KernelBuild, loadKernels } from './kernels.js';

const builds: readonly KernelBuild[] = ['simd', 'relaxed'];
const [FACTOR, VECTORS, TARGET] = [64, 1 << 20, 3 << 19];

/** The same memory for every build: a well conditioned packed triangle and a block of vectors. */
function memoryOf(d: number, width: number): { memory: WebAssembly.Memory; doubles: Float64Array } {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const doubles = new Float64Array(memory.buffer);
  const random = Random.of(11, d, width);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++)
      doubles[FACTOR / 8 + packedLength(i) + j] = i === j ? 2 + random.uniform() : random.normal() / d;
  }
  for (let i = 0; i < d * width; i++) doubles[VECTORS / 8 + i] = random.normal();
  return { memory, doubles };
}

/** Runs the same work on every build; all memory must match the reference to 1e-13 of its largest element. */
function compare(
  d: number,
  width: number,
  work: (kernels: ReturnType<typeof loadKernels>) => void,
): Float64Array {
  const reference = memoryOf(d, width);
  work(loadKernels(reference.memory, 'plain'));
  const largest = reference.doubles.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const build of builds) {
    const other = memoryOf(d, width);
    work(loadKernels(other.memory, build));
    for (const [i, value] of other.doubles.entries()) {
      if (!(Math.abs(value - reference.doubles[i]!) <= 1e-13 * largest))
        assert.fail(`${build}, d ${d}, width ${width}: double ${i} is ${value}, not ${reference.doubles[i]}`);
    }
  }
  return reference.doubles;
}

test('parts of a factorisation match the reference, for every remainder', () => {
  for (const [d, from, to, top, end] of [
    [9, 4, 9, 4, 8],
    [9, 2, 9, 2, 9],
    [21, 8, 21, 6, 8],
    [40, 16, 39, 16, 32],
    [40, 33, 40, 16, 32],
    [300, 290, 300, 280, 289],
  ] as const) {
    compare(d, 2, (kernels) => kernels.eliminateRows(FACTOR, from, to, top, end));
    if (from >= end) compare(d, 2, (kernels) => kernels.solveRows(FACTOR, from, to, top, end));
  }
});

test('triangular solves and products match the reference and undo each other', () => {
  for (const d of [1, 2, 3, 8, 17, 50]) {
    for (const [width, columns, first] of [
      [2, 2, 0],
      [8, 8, 0],
      [12, 8, 0],
      [12, 4, 8],
      [12, 6, 2],
    ] as const) {
      const x = VECTORS + 8 * first;
      compare(d, width, (kernels) => kernels.lowerTransposedSolve(FACTOR, d, x, width, columns));
      const before = memoryOf(d, width).doubles;
      const after = compare(d, width, (kernels) => {
        kernels.lowerSolve(FACTOR, d, x, width, columns);
        kernels.lowerProduct(FACTOR, d, 0, d, x, width, columns, TARGET + 8 * first);
      });
      for (let i = 0; i < d; i++) {
        for (let c = first; c < first + columns; c++) {
          const error = after[TARGET / 8 + i * width + c]! - before[VECTORS / 8 + i * width + c]!;
          assert.ok(Math.abs(error) < 1e-12);
        }
      }
    }
  }
});

test('a product with more rows than columns leaves out the columns behind', () => {
  const doubles = compare(7, 2, (kernels) => kernels.lowerProduct(FACTOR, 3, 2, 7, VECTORS, 2, 2, TARGET));
  let expected = 0;
  for (let j = 0; j < 3; j++)
    expected += doubles[FACTOR / 8 + packedLength(6) + j]! * doubles[VECTORS / 8 + 2 * j + 1]!;
  assert.ok(Math.abs(doubles[TARGET / 8 + 13]! - expected) < 1e-14);
  assert.equal(doubles[TARGET / 8 + 3], 0);
});
