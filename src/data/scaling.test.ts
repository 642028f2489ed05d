import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeatureStatistics } from './format.js';
import { makeScaling } from './scaling.js';

/** Features: ordinary, constant, constant up to rounding. */
const statistics: FeatureStatistics = {
  mean: [10, 4, 1e6],
  variance: [25, 0, 1e-14],
  min: [0, 4, 1e6],
  max: [40, 4, 1e6],
  maxRowNorm: 1e6,
};

function scaled(scaling: { multiply: Float64Array; add: Float64Array }, row: readonly number[]): number[] {
  return row.map((x, j) => scaling.multiply[j]! * x + scaling.add[j]!);
}

test('none leaves values as they are', () => {
  assert.deepEqual(scaled(makeScaling('none', 'uint8', statistics), [1, 2, 3]), [1, 2, 3]);
});

test('unit divides bytes by 255 and puts others onto [0, 1]', () => {
  assert.deepEqual(scaled(makeScaling('unit', 'uint8', statistics), [255, 51, 0]), [1, 51 / 255, 0]);
  const scaling = makeScaling('unit', 'float32', statistics);
  assert.deepEqual(scaled(scaling, [0, 4, 1e6]), [0, 0, 0]);
  assert.deepEqual(scaled(scaling, [40, 4, 1e6]), [1, 0, 0]);
});

test('standard centres, divides by the deviation, and silences constant features', () => {
  const scaling = makeScaling('standard', 'uint8', statistics);
  assert.equal(scaling.name, 'standard');
  assert.deepEqual(scaled(scaling, [10, 4, 1e6]), [0, 0, 0]);
  assert.deepEqual(scaled(scaling, [15, 9, 2e6]), [1, 0, 0]);
});

test('auto is unit for bytes and standard otherwise', () => {
  assert.deepEqual(makeScaling('auto', 'uint8', statistics), makeScaling('unit', 'uint8', statistics));
  for (const dtype of ['int8', 'int16', 'float16', 'float32', 'float64'] as const)
    assert.deepEqual(makeScaling('auto', dtype, statistics), makeScaling('standard', dtype, statistics));
});
