import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowLayout } from '../data/rowLayout.js';
import type { KernelModel } from './kernelModel.js';
import { droppedShare, pruneModel } from './prune.js';

function model(coefficients: number[], k = 1, indices?: number[]): KernelModel {
  return {
    task: 'regression',
    loss: 'ridge',
    kernel: { kind: 'rbf', lengthscale: 1 },
    d: 1,
    k,
    n: coefficients.length / k,
    regularization: 0.1,
    scaling: 'none',
    geometry: {
      layout: rowLayout(1, 'float64'),
      multiply: Float64Array.of(1),
      add: Float64Array.of(0),
      mean: Float64Array.of(0),
      maxNorm: 1,
      maxCentredNorm: 1,
    },
    coefficients: Float64Array.from(coefficients),
    rows: {
      kind: 'dataset',
      path: 'data',
      ...(indices === undefined ? {} : { indices: Uint32Array.from(indices) }),
    },
    classNames: [],
    fingerprint: 'f',
  };
}
const kept = (pruned: KernelModel) => [[...pruned.rows.indices!], [...pruned.coefficients]];

test('a share keeps the largest, in the order of the rows', () => {
  assert.deepEqual(kept(pruneModel(model([1, -5, 0.5, 3]), { keep: 0.5 })), [
    [1, 3],
    [-5, 3],
  ]);
  assert.equal(pruneModel(model([1, -5, 0.5, 3]), { keep: 0.01 }).n, 1);
});

test('rows count by the norm over all columns', () => {
  assert.deepEqual(kept(pruneModel(model([3, 0, 2, 2.5, 0, 1], 2), { keep: 0.3 })), [[1], [2, 2.5]]);
});

test('ties are broken in favour of the first, never at the cost of a larger one', () => {
  assert.deepEqual(kept(pruneModel(model([2, 2, 2, 5]), { keep: 0.5 })), [
    [0, 3],
    [2, 5],
  ]);
});

test('a tolerance drops what is small beside the largest; zeros always go', () => {
  assert.deepEqual(kept(pruneModel(model([1, -10, 0.9, 0]), { tol: 0.1 })), [
    [0, 1],
    [1, -10],
  ]);
  assert.deepEqual(kept(pruneModel(model([1, 0, 2]), { tol: 0 })), [
    [0, 2],
    [1, 2],
  ]);
  assert.equal(pruneModel(model([0, 0]), { tol: 0.5 }).n, 1);
});

test('rows already chosen keep their numbers in the data set', () => {
  const twice = pruneModel(model([1, 7, 9], 1, [10, 20, 30]), { keep: 0.67 });
  assert.deepEqual(kept(twice), [
    [20, 30],
    [7, 9],
  ]);
});

test('exactly one criterion, within its range', () => {
  for (const options of [{}, { keep: 0.5, tol: 0.1 }, { keep: 0 }, { keep: 1.5 }, { tol: -1 }, { tol: NaN }])
    assert.throws(() => pruneModel(model([1, 2]), options), { code: 'MLML_USAGE' });
});

test('the share that is dropped tells whether it was negligible', () => {
  const whole = model([1, -4, 1, 2]);
  assert.equal(droppedShare(whole, pruneModel(whole, { keep: 0.5 })), 0.25);
  assert.equal(droppedShare(whole, pruneModel(whole, { keep: 1 })), 0);
  const zeros = model([0, 0]);
  assert.equal(droppedShare(zeros, pruneModel(zeros, { tol: 0 })), 0);
});
