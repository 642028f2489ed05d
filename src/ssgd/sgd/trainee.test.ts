import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { scanBytes, scanRows } from '../../data/scanRows.js';
import { Arena } from '../../memory/arena.js';
import { defaultOptions } from '../options.js';
import { ModelStep } from './modelStep.js';
import { planStreaming } from './planStreaming.js';
import { RowBatch } from './rowBatch.js';
import { Trainee } from './trainee.js';

test('weights are kept after a segment of steps only when its last window was good', async () => {
  const dataset = await makeDataset({ train: clouds(600, 3, 2) });
  const { description, layout, train: file } = dataset;
  const options = { ...defaultOptions, loss: 'logistic', batch: 32, eta0: 'auto' } as const;
  const plan = planStreaming('hsgd', description, options, 1);
  const arena = new Arena([...plan.regions, { name: 'rows', bytes: scanBytes(600, layout.rowBytes) }]);
  const kernels = loadKernels(arena.memory);
  const scaling = { multiply: new Float64Array(3).fill(1), add: new Float64Array(3) };
  const batch = new RowBatch(plan, 2, arena, kernels, scaling);
  const model = new ModelStep(plan, plan.models[0]!, true, batch, arena, kernels);
  const setting = {
    plan,
    model: plan.models[0]!,
    classification: true,
    classShares: undefined,
    rowFeatures: 3,
  };
  const trainee = new Trainee({ ...setting, emit: () => {} }, model);
  for await (const sample of scanRows(file, arena, 'rows')) {
    trainee.calibrate(sample, {
      norm: 1,
      eigenvalue: 1,
      rows: 600,
      longRows: 0,
      meanWeight: 1,
      largeWeight: 1,
    });
  }
  const kept = arena.float32('good weights');
  /** Steps of 32 rows with this loss of a row: 16 make a window. */
  const segment = (losses: readonly number[]) => {
    const outcomes = Float64Array.from(
      losses.flatMap((loss) => [...Array(16)].flatMap(() => [32 * loss, 16, 32, 32])),
    );
    return trainee.observe(outcomes, 32, 0, () => {});
  };
  model.weights.fill(1);
  assert.ok(segment([0.5, 0.4]));
  assert.equal(kept[0], 1);
  model.weights.fill(2);
  assert.ok(segment([0.4, 50, 50]), 'a rise that may still pass');
  assert.equal(kept[0], 1, 'weights of during the rise are kept');
  model.weights.fill(3);
  assert.ok(!segment([50, 50]), 'it lasted');
  assert.equal(model.weights[0], 1, 'the last good weights');
});
