import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dtype } from '../../arithmetic/dtype.js';
import type { DatasetDescription } from '../../data/format.js';
import { MlmlError } from '../../errors.js';
import { layOut } from '../../memory/plan.js';
import {
  defaultOptions,
  lossNames,
  optimizerNames,
  type SweepGrid,
  shuffleNames,
  type TrainOptions,
  type Verb,
} from '../options.js';
import { planStreaming } from './planStreaming.js';

function description(n: number, d: number, k: number, dtype: Dtype): DatasetDescription {
  const part = (rows: number) => ({ n: rows, shards: [] });
  const zeros = new Array<number>(d).fill(0);
  return {
    format: 'mlml-dataset',
    version: 1,
    name: 'sizes',
    task: 'classification',
    d,
    k,
    dtype,
    labelDtype: dtype,
    parts: { train: part(n), test: part(Math.ceil(n / 6)) },
    statistics: { mean: zeros, variance: zeros, min: zeros, max: zeros, maxRowNorm: 0 },
    classCounts: [],
    classNames: [],
    source: { description: '', files: [] },
    fingerprint: '',
  };
}

const sizes = fc.record({
  verb: fc.constantFrom<Verb>('sgd', 'ssgd', 'hsgd'),
  n: fc.integer({ min: 1, max: 5_000_000 }),
  d: fc.integer({ min: 1, max: 4000 }),
  k: fc.integer({ min: 2, max: 40 }),
  dtype: fc.constantFrom<Dtype>('uint8', 'float32', 'float64'),
  loss: fc.constantFrom(...lossNames),
  optimizer: fc.constantFrom(...optimizerNames),
  algo: fc.constantFrom(...shuffleNames),
  reshuffle: fc.constantFrom<'epoch' | 'once'>('epoch', 'once'),
  average: fc.boolean(),
  holdout: fc.constantFrom<number | 'auto'>('auto', 0.1, 0.5),
  patience: fc.constantFrom(0, 2),
  sweep: fc.constantFrom<SweepGrid | undefined>(
    undefined,
    undefined,
    { reg: [1, 2, 3] },
    { loss: ['softmax', 'ridge', 'logistic'], optimizer: ['sgd', 'adam'] },
  ),
  halving: fc.boolean(),
  epochs: fc.integer({ min: 1, max: 5 }),
  bufferBytes: fc.integer({ min: 1000, max: 200_000_000 }),
});

test('a plan never exceeds the budget; the budget an error names is enough, and a tenth less is not', () => {
  let fitted = 0;
  let refused = 0;
  fc.assert(
    fc.property(sizes, ({ verb, n: size, d, k, dtype, sweep, ...given }) => {
      const n = Math.max(size, 10);
      const options: TrainOptions = {
        ...defaultOptions,
        ...given,
        ...(sweep === undefined ? {} : { sweep }),
      };
      const data = description(n, d, k, dtype);
      try {
        const plan = planStreaming(verb, data, options);
        fitted++;
        assert.ok(
          plan.plannedPeakBytes <= options.bufferBytes,
          `${plan.plannedPeakBytes} of ${options.bufferBytes}`,
        );
        assert.equal(layOut(plan.regions).totalBytes, plan.plannedPeakBytes);
        assert.ok(plan.regions.every(({ bytes }) => Number.isSafeInteger(bytes) && bytes >= 0));
        assert.equal(new Set(plan.regions.map(({ name }) => name)).size, plan.regions.length);
      } catch (error) {
        if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
        refused++;
        const needed = Number(/needs at least ([0-9.]+) MB/.exec(error.message)![1]) * 1e6;
        // What does not fit into an arena of 4 GiB cannot be asked for.
        if (needed > 3e9) return;
        assert.ok(needed > options.bufferBytes);
        planStreaming(verb, data, { ...options, bufferBytes: Math.ceil(needed) });
        if (needed < 2e5) return;
        assert.throws(() => planStreaming(verb, data, { ...options, bufferBytes: Math.floor(0.9 * needed) }));
      }
    }),
    { numRuns: 400, seed: 7 },
  );
  assert.ok(fitted > 50 && refused > 50, `${fitted} fitted, ${refused} refused`);
});

test('an automatic batch shrinks before a job is refused', () => {
  const data = description(50_000, 3072, 10, 'uint8');
  const batch = (bufferBytes: number) =>
    planStreaming('ssgd', data, { ...defaultOptions, bufferBytes }).chosen.batch;
  assert.equal(batch(10e6), 32);
  assert.ok(batch(1.2e6) < 32);
  assert.throws(
    () => planStreaming('ssgd', data, { ...defaultOptions, bufferBytes: 1.2e6, batch: 64 }),
    /needs at least/,
  );
});

test('small data sets get small automatic batches, so that there are enough steps', () => {
  const batch = (n: number) =>
    planStreaming('ssgd', description(n, 57, 2, 'float32'), defaultOptions).chosen.batch;
  assert.deepEqual([100, 2760, 20_000, 60_000].map(batch), [1, 2, 8, 32]);
});

test('a batch larger than the data is refused', () => {
  const data = description(10, 5, 2, 'float32');
  assert.throws(
    () => planStreaming('ssgd', data, { ...defaultOptions, batch: 11 }),
    /--batch=11: there are only 10 training rows/,
  );
});
