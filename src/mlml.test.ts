import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../test/support/temporaryFolder.js';
import * as data from './data/data.js';
import * as entry from './mlml.js';
import {
  defaultOptions,
  evaluate,
  importDataset,
  loadModel,
  nodeStorage,
  openDataset,
  planTraining,
  predict,
  saveModel,
  type TrainEvent,
  train,
} from './mlml.js';
import * as ssgd from './ssgd/ssgd.js';

test('the whole way in TypeScript: import, plan, train, save, load, evaluate, predict', async (t) => {
  const folder = temporaryFolder(t);
  const description = await importDataset(nodeStorage, 'digits', { out: join(folder, 'd'), n: 500, nt: 100 });
  const dataset = await openDataset(nodeStorage, join(folder, 'd'));
  try {
    const options = { ...defaultOptions, bufferBytes: 1e6 };
    assert.ok(planTraining('ssgd', description, options).plannedPeakBytes <= 1e6);
    const events: TrainEvent[] = [];
    const result = await train('ssgd', dataset, options, {
      storage: nodeStorage,
      scratchFolder: join(folder, 'scratch'),
      onEvent: (event) => events.push(event),
    });
    assert.equal(events[0]!.type, 'plan');
    await saveModel(nodeStorage, join(folder, 'm'), result.model);
    const model = await loadModel(nodeStorage, join(folder, 'm'));
    const evaluation = await evaluate(nodeStorage, model, dataset.test, { bufferBytes: 1e6 });
    assert.equal(evaluation.accuracy, result.test?.accuracy);
    await predict(nodeStorage, model, dataset.test, join(folder, 'p.csv'), { bufferBytes: 1e6 });
    const status = await nodeStorage.status(join(folder, 'p.csv'));
    assert.ok(status !== undefined && status.byteLength > 100);
    await assert.rejects(
      predict(nodeStorage, model, dataset.test, join(folder, 'p.txt'), { bufferBytes: 1e6 }),
      { code: 'MLML_USAGE' },
    );
  } finally {
    await dataset.close();
  }
});

test('mlml offers everything mlml/data and mlml/ssgd do', () => {
  for (const name of [...Object.keys(data), ...Object.keys(ssgd)]) assert.ok(name in entry, name);
});
