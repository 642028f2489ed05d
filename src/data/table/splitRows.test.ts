import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowDraw, trainingRows } from './splitRows.js';

test('training rows are divided among classes in proportion, none is forgotten', () => {
  assert.deepEqual(trainingRows([10], 0.75), [7]);
  assert.deepEqual(trainingRows([50, 50], 0.8), [40, 40]);
  // 0.8 · 11 = 8 rows; shares 5.09, 2.18, 0.73.
  assert.deepEqual(trainingRows([7, 3, 1], 0.8), [5, 2, 1]);
  assert.deepEqual(trainingRows([1000, 1], 0.001), [1, 0]);
  assert.deepEqual(trainingRows([1000, 1], 0.01), [9, 1]);
  assert.deepEqual(trainingRows([3, 0], 1), [3, 0]);
  assert.deepEqual(trainingRows([0], 0.5), [0]);
  assert.deepEqual(trainingRows([1], 0.1), [1]);
  for (let n = 1; n < 60; n++) {
    const counts = [n, (7 * n) % 13, n >> 1];
    const total = counts.reduce((a, b) => a + b);
    const rows = trainingRows(counts, 0.37);
    assert.equal(
      rows.reduce((a, b) => a + b),
      Math.max(1, Math.floor(0.37 * total)),
    );
    assert.ok(rows.every((row, c) => row >= 0 && row <= counts[c]!));
  }
});

test('every subset of the wanted size is drawn equally often, from each class', () => {
  const times = new Map<string, number>();
  const strata = [0, 1, 0, 0, 1, 0];
  for (let seed = 0; seed < 6000; seed++) {
    const draw = new RowDraw([4, 2], [2, 1], seed);
    const chosen = strata.map((stratum) => (draw.next(stratum) ? 'x' : '.')).join('');
    times.set(chosen, (times.get(chosen) ?? 0) + 1);
  }
  // 6 subsets of the one class, 2 of the other, 500 draws of each: five standard deviations are 105.
  assert.equal(times.size, 12);
  for (const [chosen, count] of times) assert.ok(Math.abs(count - 500) < 105, `${chosen}: ${count}`);
});

test('the rows drawn by a seed stay the same', () => {
  const draw = new RowDraw([20], [10], 5);
  const chosen = Array.from({ length: 20 }, () => (draw.next(0) ? 'x' : '.')).join('');
  assert.equal(chosen, '...xxx.xxx..x.xxx...');
});
