import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './random.js';

/** Fisher–Yates by one call of `below` after the other. */
function shuffled(length: number, from: number, to: number, random: Random): number[] {
  const items = Array.from({ length }, (_, i) => i);
  for (let i = to - 1; i > from; i--) {
    const j = from + random.below(i - from + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

test('shuffle draws the numbers of below, and leaves the generator where they do', () => {
  for (const [length, from, to] of [
    [0, 0, 0],
    [1, 0, 1],
    [2, 0, 2],
    [1000, 0, 1000],
    [1000, 17, 900],
  ] as const) {
    const [one, other] = [Random.of(5, length), Random.of(5, length)];
    const items = Uint32Array.from({ length }, (_, i) => i);
    assert.deepEqual([...one.shuffle(items, from, to)], shuffled(length, from, to, other));
    assert.equal(one.uint32(), other.uint32());
  }
});

test('fillBelow draws the numbers of below, for every kind of bound', () => {
  // Bounds just above 2^31 reject half of the draws.
  for (const bound of [
    1,
    2,
    3,
    7,
    64,
    1000,
    2 ** 16,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 31 + 1,
    2 ** 32 - 1,
    2 ** 32,
  ]) {
    const [one, other] = [Random.of(6), Random.of(6)];
    const target = new Uint32Array(200);
    one.fillBelow(target, 150, bound);
    assert.deepEqual(
      [...target],
      Array.from({ length: 200 }, (_, i) => (i < 150 ? other.below(bound) : 0)),
      String(bound),
    );
    assert.deepEqual(one.state(), other.state());
  }
});
