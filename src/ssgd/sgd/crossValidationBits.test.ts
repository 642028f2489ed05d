import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openSparseRows, sparseProblem } from '../../../test/support/sparseFixture.js';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { train } from '../train.js';
import { planStreaming } from './planStreaming.js';
import { trainStreaming } from './trainStreaming.js';

test('the same bits with 1, 2 and 3 threads', async () => {
  const dataset = await makeDataset({ train: clouds(230, 83, 3, 4, 3), test: clouds(40, 83, 3, 5, 3) });
  const run = async (loss: TrainOptions['loss'], threads: number) => {
    const options = { ...defaultOptions, loss, batch: 13, epochs: 2, folds: 3 };
    const plan = planStreaming('ssgd', dataset.description, options, threads);
    assert.equal(plan.threads, threads);
    const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
    const { model, crossValidation, test } = await trainStreaming(plan, dataset, options, context);
    return { weights: new BigInt64Array(model.weights.buffer.slice(0)), crossValidation, test };
  };
  for (const loss of ['softmax', 'hinge'] as const) {
    const one = await run(loss, 1);
    for (const threads of [2, 3]) assert.deepEqual(await run(loss, threads), one);
  }
});

describe('stopped at any save and gone on with: the same models, the same figures', () => {
  const cases: readonly (readonly [
    string,
    (storage: MemoryStorage) => Promise<Dataset | SparseDataset>,
    object,
  ])[] = [
    [
      'dense, in memory',
      (storage) => makeDataset({ train: clouds(500, 6, 3, 1, 3), dtype: 'float32' }, storage),
      {},
    ],
    [
      'dense, through the disk, two models',
      (storage) => makeDataset({ train: clouds(2000, 6, 3, 1, 3), dtype: 'float32' }, storage),
      { bufferBytes: 40e3, sweep: { reg: [0.1, 100] } },
    ],
    ['sparse', (storage) => openSparseRows(sparseProblem(500, 40, 5, { k: 3 }), 'float32', storage), {}],
  ];
  for (const [name, open, more] of cases) {
    test(name, async () => {
      const storage = new MemoryStorage();
      const dataset = await open(storage);
      const options = {
        ...defaultOptions,
        bufferBytes: 1e6,
        batch: 16,
        epochs: 3,
        folds: 3,
        loss: 'softmax',
        ...more,
      } as const;
      const context = { storage, scratchFolder: '/scratch' };
      const whole = await train('ssgd', dataset, options, context);
      const wanted = [[...whole.model.weights], whole.crossValidation];
      for (const saves of [1, 9, 17]) {
        const stop = new AbortController();
        const events: TrainEvent[] = [];
        const go = () =>
          train('ssgd', dataset, options, {
            ...context,
            signal: stop.signal,
            checkpoint: { folder: '/states', every: { kind: 'time', milliseconds: 0 } },
            onEvent: (event) => {
              events.push(event);
              const saved = events.filter(({ type }) => type === 'checkpoint').length;
              if (saved === saves && !events.some(({ type }) => type === 'resumed'))
                stop.abort(new Error('enough'));
            },
          });
        await assert.rejects(go(), { message: 'enough' });
        const resumed = await train('ssgd', dataset, options, {
          ...context,
          checkpoint: { folder: '/states' },
          onEvent: (event) => events.push(event),
        });
        assert.ok(events.some(({ type }) => type === 'resumed'));
        assert.deepEqual([[...resumed.model.weights], resumed.crossValidation], wanted, `${saves} saves`);
      }
    });
  }
});
