import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../memory/random.js';
import { ProportionalDraw } from './proportionalDraw.js';

function drawAll(sizes: readonly number[], random: Random): number[] {
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + size);
  const draw = new ProportionalDraw(new Uint32Array(ProportionalDraw.words(sizes.length)));
  draw.fill(sizes.length, (group) => starts[group]!);
  return Array.from({ length: starts.at(-1)! }, () => draw.draw(random));
}

test('every member is drawn once, whatever the sizes', () => {
  for (const sizes of [[1], [5], [0, 3], [3, 0], [1, 2, 3], [4, 0, 0, 7, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1]]) {
    const counts = sizes.map(() => 0);
    for (const group of drawAll(sizes, Random.of(3))) counts[group]!++;
    assert.deepEqual(counts, sizes);
  }
});

test('every assignment to groups of fixed sizes is equally likely', () => {
  const random = Random.of(11);
  const counts = new Map<string, number>();
  const trials = 30_000;
  for (let i = 0; i < trials; i++) {
    const key = drawAll([2, 1, 2], random).join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.equal(counts.size, 30);
  let chiSquare = 0;
  for (const count of counts.values()) chiSquare += (count - trials / 30) ** 2 / (trials / 30);
  // 29 degrees of freedom: above 74 with probability 1e-5.
  assert.ok(chiSquare < 74, `chi-square ${chiSquare}`);
});

test('a draw can be filled again with fewer groups', () => {
  const draw = new ProportionalDraw(new Uint32Array(8));
  draw.fill(8, (group) => 2 * group);
  draw.draw(Random.of(1));
  draw.fill(2, (group) => 3 * group);
  const groups = Array.from({ length: 6 }, () => draw.draw(Random.of(1)));
  assert.equal(draw.remaining, 0);
  assert.equal(groups.filter((group) => group === 0).length, 3);
});
