import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../memory/random.js';
import { smallestEigenvalue, smallestOfTridiagonal } from './smallestEigenvalue.js';

test('smallest eigenvalue of tridiagonal matrices', () => {
  // Second differences: 2 − 2·cos(π/(n + 1)).
  for (const n of [1, 2, 5, 40]) {
    const found = smallestOfTridiagonal(new Array(n).fill(2), new Array(n - 1).fill(-1));
    assert.ok(Math.abs(found - (2 - 2 * Math.cos(Math.PI / (n + 1)))) < 1e-12, `${n}: ${found}`);
  }
  assert.ok(Math.abs(smallestOfTridiagonal([3, -7, 1], [0, 0]) + 7) < 1e-12);
});

test('an isolated negative eigenvalue of a large matrix is found', async () => {
  const n = 500;
  const width = 2;
  const blocks = {
    current: new Float64Array(n * width),
    previous: new Float64Array(n * width),
    product: new Float64Array(n * width),
  };
  const random = Random.of(3);
  const found = await smallestEigenvalue(
    n,
    width,
    blocks,
    () => random.normal(),
    async () => {
      // Diagonal: 1 to 2, and −0.4 once.
      for (let i = 0; i < n; i++)
        blocks.product[i * width] = blocks.current[i * width]! * (i === 123 ? -0.4 : 1 + i / n);
    },
  );
  assert.ok(Math.abs(found + 0.4) < 1e-6, `${found}`);
});
