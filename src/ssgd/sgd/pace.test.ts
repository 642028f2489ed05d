import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from './pace.js';

/** Runs steps of so many milliseconds, shared or alone; returns how many of them were shared. */
function runSteps(pace: Pace, clock: { now: number }, steps: number, shared: number, alone: number): number {
  let count = 0;
  for (let i = 0; i < steps; i++) {
    pace.begin();
    clock.now += pace.shared ? shared : alone;
    if (pace.shared) count++;
    pace.end();
    // Time between steps does not count.
    clock.now += i % 50;
  }
  return count;
}

test('the faster way is taken but for trials, and another when times change', () => {
  const clock = { now: 0 };
  const pace = new Pace(() => clock.now);
  assert.ok(runSteps(pace, clock, 10_000, 1, 2) > 9800);
  const busy = runSteps(pace, clock, 10_000, 3, 2);
  assert.ok(busy < 2500, `${busy} shared steps after threads have become slow`);
  assert.ok(runSteps(pace, clock, 10_000, 3, 2) < 200);
  assert.ok(runSteps(pace, clock, 10_000, 1, 2) > 7500);
});
