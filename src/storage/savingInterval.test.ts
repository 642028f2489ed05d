import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInterval, savingInterval } from './savingInterval.js';

test('MLML_CHECKPOINT_SECONDS takes the place of the usual interval', () => {
  const of = (seconds?: string) => savingInterval(30_000, { MLML_CHECKPOINT_SECONDS: seconds });
  assert.deepEqual([of(), of(''), of('0'), of('0.25'), of('90')], [30_000, 30_000, 0, 250, 90_000]);
  for (const wrong of ['-1', 'soon', 'Infinity', 'NaN'])
    assert.throws(() => of(wrong), {
      code: 'MLML_USAGE',
      message: `MLML_CHECKPOINT_SECONDS=${wrong}: must be a number of seconds, 0 or more`,
    });
});

test('an interval is in seconds or in rows, or never', () => {
  const of = (text: string) => parseInterval(text, '--checkpoint-every');
  assert.deepEqual(of('30s'), { kind: 'time', milliseconds: 30_000 });
  assert.deepEqual(of('0.5S'), { kind: 'time', milliseconds: 500 });
  assert.deepEqual(of('0s'), { kind: 'time', milliseconds: 0 });
  assert.deepEqual(of('100000'), { kind: 'rows', rows: 100_000 });
  assert.deepEqual(of('0'), { kind: 'never' });
  for (const wrong of ['', '-1', '1.5', '5m', 's', '1e5', '99999999999999999999', 'often'])
    assert.throws(() => of(wrong), {
      code: 'MLML_USAGE',
      message: `--checkpoint-every=${wrong}: must be a number of seconds such as 30s, a whole number of rows such as 1000000, or 0 for never`,
    });
});
