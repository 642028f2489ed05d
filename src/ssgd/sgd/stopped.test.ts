import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import type { MlmlError } from '../../errors.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { train } from '../train.js';

/** Trains, with a state after every step; with `stopAfter` it is stopped after so many. */
async function run(
  dataset: Dataset,
  options: Partial<TrainOptions>,
  storage: MemoryStorage,
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const stop = new AbortController();
  const events: TrainEvent[] = [];
  let saves = 0;
  const { model } = await train(
    'ssgd',
    dataset,
    { ...defaultOptions, nthreads: 1, ...options },
    {
      storage,
      scratchFolder: '/scratch',
      signal: stop.signal,
      checkpoint: { folder: '/states', every: { kind: 'time', milliseconds: 0 } },
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'checkpoint' && ++saves === stopAfter) stop.abort(new Error('stopped'));
      },
    },
  );
  return { model, events };
}

test('the process that was stopped goes on with its own scratch, and leaves none', async () => {
  const dataset = await makeDataset({ train: clouds(1306, 14, 3, 1, 3), dtype: 'float32' });
  const options = { bufferBytes: 40_000, loss: 'softmax', epochs: 4, batch: 32 } as const;
  const whole = await run(dataset, options, new MemoryStorage());
  const storage = new MemoryStorage();
  for (const saves of [30, 50]) {
    await assert.rejects(run(dataset, options, storage, saves), { message: 'stopped' });
    const kept = storage.paths().filter((path) => path.endsWith('/kept.json'));
    assert.equal(kept.length, 1, kept.join());
  }
  const { model, events } = await run(dataset, options, storage);
  assert.deepEqual(model, whole.model);
  const replayed = events.filter((event) => event.type === 'progress' && event.phase === 'shuffle');
  assert.deepEqual(replayed, [], 'rows were shuffled again');
  assert.deepEqual(storage.paths(), []);
});

test('a sweep all of whose models diverge ends in the same error when it was stopped in between', async () => {
  const { features, labels } = clouds(1000, 6, 3, 1, 2);
  const growing = features.map((row, i) => (i < 600 ? row : row.map((x) => 1e4 * x)));
  const dataset = await makeDataset({ train: { features: growing, labels } });
  const options = {
    algo: 'none',
    scale: 'none',
    loss: 'logistic',
    batch: 8,
    sweep: { eta0: [1e9, 0.01] },
  } as const;
  const errorOf = async (storage: MemoryStorage, stopAfter?: number) =>
    await run(dataset, options, storage, stopAfter).then(
      () => assert.fail('it did not diverge'),
      (error: MlmlError) => error.message,
    );
  const whole = await errorOf(new MemoryStorage());
  assert.match(whole, /exploded at step \d+ with learning rate 0\.0100/);
  const storage = new MemoryStorage();
  assert.equal(await errorOf(storage, 40), 'stopped');
  assert.equal(await errorOf(storage), whole);
});
