import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './suggest.js';

test('edit distance counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('', ''), 0);
  assert.equal(editDistance('abc', ''), 3);
  assert.equal(editDistance('', 'ab'), 2);
  assert.equal(editDistance('sitting', 'kitten'), 3);
  assert.equal(editDistance('sgsd', 'ssgd'), 1);
});

test('the nearest word is suggested, and none when all are far', () => {
  const words = ['import', 'closed', 'ssgd', 'info'];
  assert.equal(nearest('imprt', words), 'import');
  assert.equal(nearest('sssgd', words), 'ssgd');
  assert.equal(nearest('SSGD', words), 'ssgd');
  assert.equal(nearest('clo', words), 'closed');
  assert.equal(nearest('generate', words), undefined);
  assert.equal(nearest('', words), undefined);
});
