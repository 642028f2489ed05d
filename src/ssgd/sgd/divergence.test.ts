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

/** The verdict on the fourth of four windows of this mean loss; the first three must be open. */
function lasting(watch: DivergenceWatch, mean: number, weight = 1): string {
  const next = () => watch.observe(mean * weight * 512, 512, weight * 512);
  for (let i = 0; i < 3; i++) assert.equal(next(), 'open');
  return next();
}

test('a rise must last; a moderate one counts only when strict', () => {
  assert.equal(lasting(new DivergenceWatch(1, true), 4), 'diverged');
  assert.equal(new DivergenceWatch(1, false).observe(4 * 512, 512), 'good');
  assert.equal(lasting(new DivergenceWatch(1, false), 101), 'diverged');
});

test('a few rows of enormous loss now and then are no divergence', () => {
  const watch = new DivergenceWatch(1, true);
  for (let i = 0; i < 20; i++) {
    assert.equal(watch.observe(50 * 512, 512), 'open');
    assert.equal(watch.observe(0.5 * 512, 512), 'good');
  }
});

test('an explosion inside a window need not wait for its end', () => {
  assert.equal(new DivergenceWatch(1, true).observe(1e9, 1), 'diverged');
});

test('rows of weight 0 are no rows: what comes before rows that count is no measure for them', () => {
  const watch = new DivergenceWatch(Infinity, true);
  assert.ok(!watch.judges);
  for (let i = 0; i < 10; i++) assert.equal(watch.observe(0, 0, 0), 'open');
  const begun = new DivergenceWatch(1, true);
  assert.ok(begun.judges);
  // A window of 512 rows that count, however many do not.
  for (let i = 0; i < 100; i++) assert.equal(begun.observe(0, 0, 0), 'open');
  assert.equal(begun.observe(256, 256, 256), 'open');
  assert.equal(begun.observe(0, 0, 0), 'open');
  assert.equal(begun.observe(256, 256, 256), 'good', 'of this mean, not of half of it');
});

test('losses are compared by unit of weight', () => {
  for (const weight of [1e-6, 1, 1e6]) {
    const watch = new DivergenceWatch(1, true);
    // Rows of small weight first, then these.
    assert.equal(watch.observe(512e-9, 512, 512e-9), 'good');
    for (let i = 0; i < 8; i++) assert.equal(watch.observe(512 * weight, 512, 512 * weight), 'good');
    assert.equal(lasting(watch, 4, weight), 'diverged');
    assert.equal(new DivergenceWatch(1, true).observe(1e9 * weight, 1, weight), 'diverged');
  }
});

test('its state survives JSON: a restored watch goes on with the same verdicts', () => {
  const none = new DivergenceWatch(1, true);
  none.restore(JSON.parse(JSON.stringify(new DivergenceWatch(Infinity, true).state())));
  assert.ok(!none.judges);
  for (const seen of [
    [],
    [300],
    [100 * 512],
    [512, 40 * 512, 40 * 512],
    [512, 40 * 512, 40 * 512, 40 * 512],
  ]) {
    const watch = new DivergenceWatch(1, true);
    for (const loss of seen) watch.observe(loss, 300);
    const restored = new DivergenceWatch(5, false);
    restored.restore(JSON.parse(JSON.stringify(watch.state())));
    for (const loss of [700, 2000, 4 * 512, 4 * 512, 4 * 512, 400]) {
      assert.equal(restored.observe(loss, 300), watch.observe(loss, 300));
    }
  }
});
