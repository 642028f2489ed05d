import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShuffledOrder } from './shuffledOrder.js';

const orderOf = (count: number, seed: number) => {
  const order = new ShuffledOrder(count, seed);
  return Array.from({ length: count }, (_, place) => order.at(place));
};

test('every number comes once, whatever the count', () => {
  for (const count of [1, 2, 3, 4, 5, 63, 64, 65, 1000, 4097]) {
    const found = orderOf(count, 7);
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i),
    );
  }
});

test('the order is that of the seed, and looks like chance', () => {
  assert.deepEqual(orderOf(12, 1), orderOf(12, 1));
  assert.notDeepEqual(orderOf(12, 1), orderOf(12, 2));
  // In which fifth of the order a number of each fifth comes: χ² with 16 degrees of freedom is above 39 once in a thousand times.
  const counts = new Float64Array(25);
  const N = 5000;
  for (const [place, number] of orderOf(N, 3).entries())
    counts[Math.floor((place * 5) / N) * 5 + Math.floor((number * 5) / N)]! += 1;
  const squares = counts.reduce((sum, count) => sum + (count - N / 25) ** 2 / (N / 25), 0);
  assert.ok(squares < 39, `χ² ${squares}`);
  // Neighbours do not stay together.
  const found = orderOf(N, 3);
  assert.ok(found.filter((number, i) => i > 0 && Math.abs(number - found[i - 1]!) === 1).length < 12);
});
