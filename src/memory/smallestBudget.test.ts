import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallestBudget } from './smallestBudget.js';

test('the budget named works, and one step of 10 kB less does not', () => {
  for (const least of [1, 9_999, 10_000, 10_001, 3_355_000, 123_456_789]) {
    // What a plan takes grows with its budget.
    const needed = (budget: number) => least + 0.3 * Math.max(0, budget - least);
    const found = smallestBudget(needed, 0);
    assert.ok(needed(found) <= found, `${found} for ${least}`);
    assert.ok(needed(found - 1e4) > found - 1e4, `${found} for ${least}`);
    assert.equal(found % 1e4, 0);
  }
});
