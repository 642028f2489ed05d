import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runText } from '../cli/infoText.js';
import { checkRun } from './runFolder.js';

const run = {
  format: 'mlml-run',
  version: 1,
  status: 'done',
  verb: 'sgd',
  started: '2026-01-01T00:00:00.000Z',
  command: ['sgd', 'set'],
  options: {},
  dataset: { path: '/set', fingerprint: '' },
  plan: {},
  versions: {},
};
const figures = { loss: 0.5, rmse: 1.5, r2: null };
const line = { model: 0, options: {}, fate: 'trained', folds: [figures, figures] };

test('figures of a run are numbers or null; others are refused, not shown', () => {
  const several = { ...figures, outputs: [{}, {}] };
  const taken = [
    { test: figures, train: null },
    { test: several },
    { crossValidation: [{ ...line, mean: figures, deviation: figures }] },
    { crossValidation: [{ ...line, folds: null, mean: null, deviation: null }] },
    { crossValidation: null },
  ];
  for (const result of taken)
    assert.match(runText(checkRun({ ...run, result }, 'run.json'), 'runs/a', undefined), /sgd/);
  const refused = [
    { test: { loss: 'x' } },
    { train: 3 },
    { test: { ...figures, outputs: 'x' } },
    { crossValidation: [{ ...line, mean: figures }] },
    { crossValidation: [{ ...line, folds: 'x', mean: figures, deviation: figures }] },
    { crossValidation: [3] },
    { crossValidation: 'x' },
    { seconds: 'x' },
  ];
  for (const result of refused)
    assert.throws(() => checkRun({ ...run, result }, 'run.json'), {
      code: 'MLML_BAD_FILE',
      message: /^run.json: field 'result' is .*; expected /,
    });
});
