import assert from 'node:assert/strict';
import { test } from 'node:test';
import { savingInterval } from './savingInterval.js';

test('MLML_CHECKPOINT_SECONDS takes the place of the usual interval', () => {
  const of = (seconds?: string) => savingInterval(30_000, { MLML_CHECKPOINT_SECONDS: seconds });
  assert.deepEqual([of(), of(''), of('0'), of('0.25'), of('90')], [30_000, 30_000, 0, 250, 90_000]);
  for (const wrong of ['-1', 'soon', 'Infinity', 'NaN'])
    assert.throws(() => of(wrong), {
      code: 'MLML_USAGE',
      message: `MLML_CHECKPOINT_SECONDS=${wrong}: must be a number of seconds, 0 or more`,
    });
});
