import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DenseKernel, denseKernelRegions } from '../../../test/support/denseKernel.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { startThreads, threadRegions } from '../startThreads.js';
import { inverseTransposedFactor } from './pivotBlock.js';
import { factorStride, preconditionerRegions } from './planPreconditioner.js';
import { Preconditioner } from './preconditioner.js';
import { samplePivots } from './samplePivots.js';

const n = 150;
const random = Random.of(7);
const points = Array.from({ length: n }, () => [random.normal(), random.normal()]);
const entry = (i: number, j: number) =>
  Math.exp(-((points[i]![0]! - points[j]![0]!) ** 2 + (points[i]![1]! - points[j]![1]!) ** 2) / 8);

/** Builds a preconditioner for the kernel above and applies it; all bits of F and of z. */
async function build(rank: number, lambda: number, threads = 1, heldOut?: Uint8Array, include = false) {
  const width = 4;
  const arena = new Arena([
    ...threadRegions(threads),
    ...denseKernelRegions(64, 'float64'),
    ...preconditionerRegions({ n, rank, width, regularizations: 1 }),
    { name: 'r', bytes: 8 * n * width },
    { name: 'z', bytes: 8 * n * width },
  ]);
  const workspace = await startThreads(arena, threads, {});
  try {
    const matrix = new DenseKernel(arena, n, 64, entry);
    const made = await Preconditioner.build(workspace, matrix, {
      rank,
      seed: 3,
      smallestRegularization: lambda,
      heldOut,
    });
    if (include) made.includeHeldOut();
    made.prepare([lambda]);
    const r = arena.float64('r');
    const draws = Random.of(1);
    for (let i = 0; i < r.length; i++)
      r[i] = heldOut?.[Math.floor(i / width)] === 1 && !include ? 0 : draws.normal();
    made.apply(arena.address('r'), arena.address('z'), width, width, 'float64');
    const stride = factorStride(rank);
    const f = arena.float32('cg factor').slice();
    const at = (i: number, j: number) => f[i * stride + j]!;
    return { columns: made.columns, f, at, r: r.slice(), z: arena.float64('z').slice(), width };
  } finally {
    await workspace.threads.close();
  }
}

/** The largest difference between FFᵀ + μI applied to z and r, on rows that are not held out. */
function errorOf(
  { at, columns, r, z, width }: Awaited<ReturnType<typeof build>>,
  lambda: number,
  heldOut?: Uint8Array,
) {
  let left = 0;
  for (let i = 0; i < n; i++) {
    let explained = 0;
    for (let j = 0; j < columns; j++) explained += at(i, j) ** 2;
    left += (1 - explained) / n;
  }
  const rows = Array.from({ length: n }, (_, i) => i).filter((i) => heldOut?.[i] !== 1);
  let worst = 0;
  for (let c = 0; c < width; c++) {
    const reduced = Array.from({ length: columns }, (_, j) =>
      rows.reduce((sum, i) => sum + at(i, j) * z[i * width + c]!, 0),
    );
    for (const i of rows) {
      let value = (lambda + left) * z[i * width + c]! - r[i * width + c]!;
      for (let j = 0; j < columns; j++) value += at(i, j) * reduced[j]!;
      worst = Math.max(worst, Math.abs(value));
    }
  }
  return worst;
}

test('P⁻¹ inverts FFᵀ + μI; F explains the kernel better the more columns it has', async () => {
  let before = Infinity;
  for (const rank of [4, 12, 40]) {
    const made = await build(rank, 0.5);
    assert.equal(made.columns, rank);
    // The trace left over is that of K − FFᵀ to the rounding of float32 columns.
    assert.ok(errorOf(made, 0.5) < 1e-4, `${errorOf(made, 0.5)}`);
    let left = 0;
    for (let i = 0; i < n; i++) {
      let explained = 0;
      for (let j = 0; j < rank; j++) explained += made.at(i, j) ** 2;
      assert.ok(explained < 1 + 1e-5);
      left += 1 - explained;
    }
    assert.ok(left < before / 2, `rank ${rank} leaves ${left}`);
    before = left;
  }
});

test('rows held out are left out of P, and can be included later', async () => {
  const heldOut = Uint8Array.from({ length: n }, (_, i) => (i % 4 === 1 ? 1 : 0));
  assert.ok(errorOf(await build(16, 0.5, 1, heldOut), 0.5, heldOut) < 1e-4);
  assert.ok(errorOf(await build(16, 0.5, 1, heldOut, true), 0.5) < 1e-4);
});

test('F and P⁻¹ are the same bits on any number of threads', async () => {
  for (const lambda of [0.5, 1e-9]) {
    const one = await build(36, lambda);
    const three = await build(36, lambda, 3);
    assert.deepEqual(three.f, one.f);
    assert.deepEqual(three.z, one.z);
  }
});

test('the factor of a block of pivots inverts it, but for pivots explained by others', () => {
  // Rows of a 5 x 3 matrix: G = AAᵀ has rank 3; row 1 repeats row 0, row 3 is far below rounding.
  const a = [
    [1, 0, 0],
    [1, 0, 0],
    [1, 2, 0],
    [0, 0, 1e-6],
    [0, 1, 3],
  ];
  const g = new Float64Array(25);
  for (let i = 0; i < 5; i++)
    for (let j = 0; j < 5; j++) g[i * 5 + j] = a[i]!.reduce((s, v, q) => s + v * a[j]![q]!, 0);
  const original = g.slice();
  const t = new Float64Array(25).fill(9);
  assert.equal(inverseTransposedFactor(g, 5, 1e-9, t), 3);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      let sum = 0;
      for (let p = 0; p < 5; p++)
        for (let q = 0; q < 5; q++) sum += t[p * 5 + i]! * original[p * 5 + q]! * t[q * 5 + j]!;
      const kept = ![1, 3].includes(i);
      assert.ok(Math.abs(sum - (i === j && kept ? 1 : 0)) < 1e-12, `(${i}, ${j}): ${sum}`);
    }
  }
});

test('pivots: no row twice, none of weight 0, all when more are asked for, in proportion to weights', () => {
  const weights = Float64Array.of(0, 1, 3, 0, 6);
  const counts = [0, 0, 0, 0, 0];
  const draws = Random.of(5);
  for (let trial = 0; trial < 20000; trial++) {
    const pivots = samplePivots(weights, 2, draws);
    assert.equal(new Set(pivots).size, 2);
    counts[pivots[0]!]!++;
  }
  for (const [i, weight] of weights.entries()) {
    const expected = (20000 * weight) / 10;
    // Five standard deviations.
    assert.ok(Math.abs(counts[i]! - expected) <= 5 * Math.sqrt(expected * (1 - weight / 10)), `${counts}`);
  }
  assert.deepEqual([...samplePivots(weights, 9, draws)].sort(), [1, 2, 4]);
  assert.equal(samplePivots(new Float64Array(4), 2, draws).length, 0);
  // The draws of a seed.
  assert.deepEqual([...samplePivots(new Float64Array(50).fill(1), 5, Random.of(1))], [2, 0, 47, 42, 17]);
});
