import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowFolds } from './rowFolds.js';

const foldsOf = (rows: number, folds: number, seed: number, first = 0) => {
  const all = new RowFolds(folds, seed);
  return Array.from({ length: rows }, (_, i) => all.foldOf(first + i));
};

test('the literal folds for a seed, as another program computes them (test/reference/folds.py)', () => {
  assert.deepEqual(foldsOf(23, 5, 7), [3, 1, 2, 4, 0, 0, 3, 1, 2, 4, 0, 4, 3, 1, 2, 1, 2, 0, 3, 4, 1, 0, 2]);
  assert.deepEqual(foldsOf(23, 5, 0), [4, 0, 2, 1, 3, 3, 1, 0, 2, 4, 2, 1, 4, 0, 3, 2, 1, 0, 3, 4, 2, 1, 0]);
});

test('of any rows between two multiples of k, one is in each fold; what is asked before changes nothing', () => {
  for (const folds of [2, 3, 10, 100]) {
    const all = foldsOf(40 * folds, folds, 3);
    for (let from = 0; from < all.length; from += folds)
      assert.equal(new Set(all.slice(from, from + folds)).size, folds);
    const fresh = new RowFolds(folds, 3);
    for (const row of [17, 0, 39, 1, 17]) assert.equal(fresh.foldOf(row), all[row]);
  }
});

test('each fold is as likely at each place, whatever the places before; seeds are independent', () => {
  const count = 5000;
  const all = foldsOf(5 * count, 5, 11);
  const other = foldsOf(5 * count, 5, 12);
  const seen = new Map<string, number>();
  let agreeing = 0;
  for (let i = 0; i < all.length; i++) {
    const key = `${i % 5}:${all[i]}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (all[i] === other[i]) agreeing++;
  }
  assert.equal(seen.size, 25);
  // Six standard deviations of a fifth of 5000.
  for (const times of seen.values()) assert.ok(Math.abs(times - 1000) < 170, `${times}`);
  assert.ok(Math.abs(agreeing - 5000) < 400, `${agreeing}`);
  const next = all.slice(0, -5).filter((fold, i) => fold === all[i + 5]).length;
  assert.ok(Math.abs(next - 5000) < 400, `${next}`);
});

test('rows and seeds beyond 32 bits', () => {
  const first = 5 * 2 ** 34;
  assert.notDeepEqual(foldsOf(50, 5, 1, first), foldsOf(50, 5, 1));
  assert.notDeepEqual(foldsOf(50, 5, 2 ** 40), foldsOf(50, 5, 0));
});
