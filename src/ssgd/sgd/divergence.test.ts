import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DivergenceWatch } from './divergence.js';

test('NaN and infinity are seen at the step they appear', () => {
  assert.equal(new DivergenceWatch(1, true).observe(Number.NaN, 1), 'diverged');
  assert.equal(new DivergenceWatch(1, false).observe(Infinity, 32), 'diverged');
});

test('a full window no worse than before is good', () => {
  const watch = new DivergenceWatch(1, true);
  assert.equal(watch.observe(100, 256), 'open');
  assert.equal(watch.observe(100, 256), 'good');
  assert.equal(watch.observe(700, 512), 'open', 'worse than the best window, but not a divergence');
  assert.equal(watch.observe(150, 512), 'good');
});

test('a moderate rise counts only when strict', () => {
  assert.equal(new DivergenceWatch(1, true).observe(4 * 512, 512), 'diverged');
  assert.equal(new DivergenceWatch(1, false).observe(4 * 512, 512), 'good');
  assert.equal(new DivergenceWatch(1, false).observe(101 * 512, 512), 'diverged');
});

test('an explosion inside a window need not wait for its end', () => {
  assert.equal(new DivergenceWatch(1, true).observe(1e9, 1), 'diverged');
});
