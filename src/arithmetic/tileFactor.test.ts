import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { halfToNumber, numberToHalf } from './dtype.js';
import { type KernelBuild, type Kernels, loadKernels } from './kernels.js';
import { stripIndex } from './tileFactor.js';

/** Float32 sums of up to 64 terms in another order; doubles in another order. */
const TOLERANCE32 = 1e-5;
const TOLERANCE64 = 1e-13;
const builds: readonly KernelBuild[] = ['simd', 'relaxed'];

/** Runs `work` on the same memory contents with the reference and each build, and compares all that it returns. */
function compare(
  tolerance: number,
  work: (kernels: Kernels, memory: WebAssembly.Memory) => ArrayLike<number>,
): void {
  const [wanted, ...results] = (['plain', ...builds] as const).map((build) => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    return work(loadKernels(memory, build), memory);
  }) as [ArrayLike<number>, ...ArrayLike<number>[]];
  let largest = 0;
  for (let i = 0; i < wanted.length; i++) largest = Math.max(largest, Math.abs(wanted[i]!));
  for (const [b, result] of results.entries()) {
    assert.equal(result.length, wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      const error = Math.abs(result[i]! - wanted[i]!);
      assert.ok(error <= tolerance * largest, `${builds[b]}: place ${i}: ${result[i]} is not ${wanted[i]}`);
    }
  }
}

function fill(view: Float32Array | Float64Array, ...seed: [number, ...number[]]): void {
  const random = Random.of(...seed);
  for (let i = 0; i < view.length; i++) view[i] = random.normal();
}

const [A, B, C] = [64, 131072, 262144];
/** Floats of a block, and behind it, so that a write too far is seen. */
const SPAN = 32768;

for (const [strips, columns, depth, stride] of [
  [1, 8, 8, 8],
  [2, 16, 8, 24],
  [3, 8, 32, 32],
  [5, 40, 48, 56],
  [8, 64, 64, 64],
] as const) {
  const name = `${strips} strips, ${columns} columns, depth ${depth}, stride ${stride}`;

  test(`target −= A·Bᵀ: ${name}`, () => {
    compare(TOLERANCE32, (kernels, { buffer }) => {
      fill(new Float32Array(buffer, A, SPAN), 1);
      fill(new Float32Array(buffer, B, SPAN), 2);
      const target = new Float32Array(buffer, C, SPAN);
      fill(target, 3);
      kernels.subtractStripProducts(A, B, C, strips, columns, depth, stride);
      return target;
    });
  });

  test(`X·Lᵀ = C: ${name}`, () => {
    compare(TOLERANCE32, (kernels, { buffer }) => {
      const factor = new Float32Array(buffer, A, SPAN);
      fill(factor, 4);
      for (let i = 0; i < SPAN; i++) factor[i]! /= 8;
      for (let i = 0; i < columns; i++) factor[stripIndex(i, i, stride)]! += 2;
      const target = new Float32Array(buffer, C, SPAN);
      fill(target, 5);
      kernels.solveStrips(A, C, strips, columns, stride);
      return target;
    });
  });

  test(`products with vectors, triangles and squares: ${name}`, () => {
    compare(TOLERANCE64, (kernels, { buffer }) => {
      const x = new Float32Array(buffer, A, SPAN);
      fill(x, 6);
      for (let i = 0; i < columns; i++) x[stripIndex(i, i, stride)]! += 20;
      const u = new Float64Array(buffer, B, 4096);
      fill(u, 7);
      const target = new Float64Array(buffer, C, 4096);
      fill(target, 8);
      const length = 96;
      kernels.subtractStripsTimes(A, strips, columns, stride, B, length, 3, C);
      kernels.subtractStripsTransposedTimes(A, strips, columns, stride, B, length, 3, C + 8 * 3 * length);
      kernels.solveTriangle(A, columns, stride, B, length, 2, 0);
      kernels.solveTriangle(A, columns, stride, B + 8 * 2 * length, length, 2, 1);
      kernels.addStripSquares(strips, columns, A, stride, C + 8 * 7 * length);
      return [...u, ...target];
    });
  });
}

test('solveStrips undoes a product with the triangle', () => {
  for (const build of ['plain', ...builds] as const) {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const kernels = loadKernels(memory, build);
    const [columns, stride] = [24, 32];
    const floats = new Float32Array(memory.buffer);
    const l = Array.from({ length: columns }, (_, r) =>
      Array.from({ length: columns }, (_, c) => (c > r ? 0 : r === c ? 2 : ((r + c) % 3) / 4)),
    );
    const x = Array.from({ length: 16 }, (_, r) => l.map((_, c) => ((5 * r + 3 * c) % 7) - 3));
    for (let r = 0; r < columns; r++)
      for (let c = 0; c < columns; c++) floats[A / 4 + stripIndex(r, c, stride)] = l[r]![c]!;
    for (let r = 0; r < 16; r++)
      for (let c = 0; c < columns; c++)
        floats[C / 4 + stripIndex(r, c, stride)] = x[r]!.reduce(
          (sum, value, k) => sum + value * l[c]![k]!,
          0,
        );
    kernels.solveStrips(A, C, 2, columns, stride);
    for (let r = 0; r < 16; r++)
      for (let c = 0; c < columns; c++)
        assert.ok(
          Math.abs(floats[C / 4 + stripIndex(r, c, stride)]! - x[r]![c]!) < 1e-4,
          `${build} ${r} ${c}`,
        );
  }
});

test('tiles of each number type are copied into strips, neighbours untouched', () => {
  for (const dtype of [0, 1, 2]) {
    compare(0, (kernels, { buffer }) => {
      const random = Random.of(9);
      const values = Array.from({ length: 40 * 30 }, () => random.normal());
      if (dtype === 0) new Uint16Array(buffer, A, values.length).set(values.map(numberToHalf));
      else new (dtype === 1 ? Float32Array : Float64Array)(buffer, A, values.length).set(values);
      const target = new Float32Array(buffer, C, SPAN);
      target.fill(7);
      kernels.loadStrips(A, dtype, 30, 13, 19, C + 32 * 5, 32, 0.5);
      const last = values[12 * 30 + 18]!;
      const wanted = dtype === 0 ? halfToNumber(numberToHalf(last)) : Math.fround(last);
      assert.equal(target[stripIndex(12, 5 + 18, 32)], wanted / 2);
      assert.equal(target[stripIndex(13, 5, 32)], 7);
      assert.equal(target[stripIndex(0, 5 + 19, 32)], 7);
      return target;
    });
  }
});

test('tiny elements become zero, NaN stays', () => {
  for (const build of ['plain', ...builds] as const) {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const kernels = loadKernels(memory, build);
    const source = new Float32Array(memory.buffer, A, 4);
    source.set([1e-30, -1e-30, Number.NaN, 1e-15]);
    const target = new Float32Array(memory.buffer, C, 64);
    kernels.loadStrips(A, 1, 4, 1, 4, C, 8, 1);
    const wanted = [0, 0, Number.NaN, Math.fround(1e-15)];
    const row = () => [0, 1, 2, 3].map((c) => Math.abs(target[stripIndex(0, c, 8)]!));
    assert.deepEqual(row(), wanted, build);
    // The identity leaves a row as it is, but for what is tiny.
    const factor = new Float32Array(memory.buffer, B, 64);
    for (let i = 0; i < 8; i++) factor[stripIndex(i, i, 8)] = 1;
    target[stripIndex(1, 5, 8)] = 1e-25;
    target[stripIndex(1, 6, 8)] = 3;
    kernels.solveStrips(B, C, 1, 8, 8);
    assert.equal(target[stripIndex(1, 5, 8)], 0);
    assert.equal(target[stripIndex(1, 6, 8)], 3);
    assert.ok(Number.isNaN(target[stripIndex(0, 2, 8)]!));
  }
});
