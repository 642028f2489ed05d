import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleName } from './options.js';
import { learningRate } from './schedules.js';

const rate = (schedule: Exclude<ScheduleName, 'auto'>, step: number, progress: number) =>
  learningRate({ schedule, eta0: 0.8, damp: 0.5, step: 10 }, { step, progress });

test('step multiplies the rate by damp every `step` steps', () => {
  assert.deepEqual(
    [0, 9, 10, 19, 20, 35].map((step) => rate('step', step, 0)),
    [0.8, 0.8, 0.4, 0.4, 0.2, 0.1],
  );
});

test('constant, linear and inverse', () => {
  assert.equal(rate('constant', 1000, 0.9), 0.8);
  assert.deepEqual(
    [0, 0.5, 1].map((progress) => rate('linear', 0, progress)),
    [0.8, 0.4, 0],
  );
  assert.deepEqual(
    [0, 30, 150].map((step) => rate('inverse', step, 0)),
    [0.8, 0.4, 0.2],
  );
});

test('cosine starts at eta0, halves in the middle, ends at zero', () => {
  assert.equal(rate('cosine', 0, 0), 0.8);
  assert.ok(Math.abs(rate('cosine', 0, 0.5) - 0.4) < 1e-15);
  assert.ok(Math.abs(rate('cosine', 0, 1)) < 1e-15);
});

test('one-cycle rises to eta0 at 30 % and falls to nearly nothing', () => {
  assert.equal(rate('one-cycle', 0, 0), 0.032);
  assert.ok(Math.abs(rate('one-cycle', 0, 0.3) - 0.8) < 1e-12);
  assert.ok(Math.abs(rate('one-cycle', 0, 1) - 0.8e-4) < 1e-12);
  for (let p = 0; p <= 1; p += 0.01)
    assert.ok(rate('one-cycle', 0, p) > 0 && rate('one-cycle', 0, p) <= 0.8 + 1e-12);
});
