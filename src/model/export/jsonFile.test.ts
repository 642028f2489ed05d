import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  everyCalibration,
  everyColumn,
  everyKernel,
  randomKernel,
  randomLinear,
} from '../../../test/support/exportedModels.js';
import { featureCount } from '../../data/columns/columnMapping.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Model } from '../saveModel.js';
import { exportModel } from './exportModel.js';

async function exported(model: Model, storage = new MemoryStorage()): Promise<Record<string, unknown>> {
  await exportModel(storage, model, '/m.json', { format: 'json' });
  return JSON.parse(new TextDecoder().decode(storage.bytesOf('/m.json')));
}

const table = (numbers: Float64Array, width: number) =>
  Array.from({ length: numbers.length / width }, (_, i) => [...numbers.subarray(i * width, (i + 1) * width)]);

test('a linear model as JSON has all its digits', async () => {
  const d = featureCount(everyColumn);
  const classNames = ['"', '\u2028', '\ud800'];
  const made = randomLinear(Random.of(1), d, {
    task: 'classification',
    loss: 'hinge',
    k: 3,
    classNames,
    columns: everyColumn,
  });
  const [calibration] = everyCalibration(3);
  made.weights[0] = Number.MIN_VALUE;
  made.weights[1] = -1e300;
  assert.deepEqual(await exported({ ...made, calibration: calibration! }), {
    format: 'mlml-export',
    version: 1,
    kind: 'linear',
    task: 'classification',
    loss: 'hinge',
    d,
    k: 3,
    classes: classNames,
    columns: everyColumn,
    calibration,
    multiply: [...made.scaling.multiply],
    add: [...made.scaling.add],
    weights: table(made.weights, d),
    intercept: [...made.intercept],
  });
});

for (const dtype of ['uint8', 'float16', 'float64'] as const)
  test(`a kernel model with rows of ${dtype} as JSON`, async () => {
    const storage = new MemoryStorage();
    const meaning = { task: 'regression', k: 1 } as const;
    // More rows than are read at once.
    const { model, rows } = await randomKernel(
      Random.of(2),
      storage,
      everyKernel[1]!,
      3000,
      13,
      meaning,
      dtype,
    );
    const { geometry, coefficients } = model;
    assert.deepEqual(await exported(model, storage), {
      format: 'mlml-export',
      version: 1,
      kind: 'kernel',
      task: 'regression',
      loss: 'ridge',
      d: 13,
      k: 1,
      n: 3000,
      kernel: everyKernel[1],
      multiply: [...geometry.multiply],
      add: [...geometry.add],
      coefficients: table(coefficients, 1),
      rows,
    });
  });
