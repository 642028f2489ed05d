import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { type TrainContext, train } from '../train.js';
import { chooseOptions, samplesOf } from './chosenOptions.js';

const rows = 200;
const batch = 32;
/** A pass has 6 whole steps and one of 8 rows: 128 steps end in the second step of pass 19. */
const iters = 128;
const samples = 18 * rows + 2 * batch;

async function run(dataset: Dataset, options: Partial<TrainOptions>, context: Partial<TrainContext> = {}) {
  const events: TrainEvent[] = [];
  const result = await train(
    'sgd',
    dataset,
    { ...defaultOptions, bufferBytes: 1e6, loss: 'logistic', nthreads: 1, batch, iters, ...options },
    {
      storage: new MemoryStorage(),
      scratchFolder: '/scratch',
      onEvent: (event) => events.push(event),
      ...context,
    },
  );
  return { ...result, events };
}

const twoClouds = (n = rows) => makeDataset({ train: clouds(n, 3, 2, 4, 2), test: clouds(50, 3, 2, 5, 2) });

test('passes and rows of sgd are those that its steps make', () => {
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 300 }),
    batch: fc.integer({ min: 1, max: 64 }),
    iters: fc.integer({ min: 1, max: 600 }),
  });
  fc.assert(
    fc.property(sizes, (size) => {
      fc.pre(size.batch <= size.rows);
      const chosen = chooseOptions('sgd', size.rows, { ...defaultOptions, ...size });
      let [passes, used, steps] = [0, 0, 0];
      for (; steps < size.iters; passes++) {
        for (let left = size.rows; left > 0 && steps < size.iters; steps++) {
          const step = Math.min(size.batch, left);
          left -= step;
          used += step;
        }
      }
      assert.deepEqual([chosen.epochs, samplesOf(chosen, size.rows)], [passes, used]);
    }),
  );
});

describe('sgd where the rows are no multiple of the batch', () => {
  test('the passes that are made are counted, and the last has figures', async () => {
    const dataset = await twoClouds();
    const { epochs, samples: used, train: running, plan } = await run(dataset, {});
    assert.deepEqual([epochs, used, plan.passes], [19, samples, 19]);
    assert.equal(running!.rows, 2 * batch);
    assert.ok(running!.loss > 0 && running!.accuracy! > 0.5, JSON.stringify(running));
    const all = await run(dataset, { iters: 7 * 18 });
    assert.deepEqual([all.epochs, all.samples, all.train!.rows], [18, 18 * rows, rows]);
  });

  test('schedules come to their end with the last step', async () => {
    const { events } = await run(await twoClouds(), { schedule: 'linear' });
    const eta0 = events.find((event) => event.type === 'rate')!.eta0;
    const last = events.findLast((event) => event.type === 'row')!;
    assert.deepEqual([last.step, last.samples], [iters, samples]);
    assert.ok(Math.abs(last.learningRate / eta0 - batch / samples) < 1e-12, `${last.learningRate / eta0}`);
  });

  test('the last pass is averaged', async () => {
    const dataset = await twoClouds();
    const constant = { schedule: 'constant', eta0: 0.05 } as const;
    const [before, after, mean] = [
      await run(dataset, { ...constant, iters: iters - 1 }),
      await run(dataset, constant),
      await run(dataset, { ...constant, average: true }),
    ].map(({ model }) => model.weights);
    for (const [j, weight] of mean!.entries()) {
      const wanted = (before![j]! + after![j]!) / 2;
      assert.notEqual(before![j], after![j]);
      assert.ok(Math.abs(weight - wanted) < 1e-6 * Math.abs(wanted), `${weight}, not ${wanted}`);
    }
  });

  test('held-out rows are no part of a pass; halving drops models at shares of the real total', async () => {
    const grid = { reg: [0.1, 1, 10, 100] };
    // 180 rows are left: 5 whole steps and one of 20 rows.
    const total = 21 * 180 + 2 * batch;
    const {
      sweep,
      samples: used,
      epochs,
      train: running,
    } = await run(await twoClouds(), {
      sweep: grid,
      halving: true,
    });
    assert.deepEqual([used, epochs, running!.rows], [total, 22, 2 * batch]);
    assert.ok(running!.loss > 0);
    const seen = sweep!.map((model) => model.samples);
    assert.equal(seen[0], total);
    for (const [i, share] of [2, 4, 4].entries()) {
      const late = seen[i + 1]! - total / share;
      assert.ok(late >= 0 && late <= 2 * batch, `${seen}`);
    }
  });

  test('stopped in the middle, it goes on to the same bits, averages and counts', async () => {
    const dataset = await twoClouds();
    const options = { average: true, holdout: 0.1, batch: 7 } as const;
    const whole = await run(dataset, options);
    const storage = new MemoryStorage();
    let stops = 0;
    for (;;) {
      const stopping = new AbortController();
      let saves = 0;
      const context: Partial<TrainContext> = {
        storage,
        signal: stopping.signal,
        checkpoint: { folder: '/states', every: { kind: 'time', milliseconds: 0 } },
        onEvent: ({ type }) => {
          if (type === 'checkpoint' && ++saves === 41) stopping.abort(new Error('stopped'));
        },
      };
      const ended = await run(dataset, options, context).catch((error) => error.message as string);
      if (ended === 'stopped') {
        stops++;
        continue;
      }
      assert.ok(typeof ended === 'object', String(ended));
      assert.equal(stops, 3);
      for (const name of ['epochs', 'samples', 'train', 'test', 'heldOut'] as const)
        assert.deepEqual(ended[name], whole[name], name);
      assert.deepEqual(ended.model, whole.model);
      break;
    }
  });
});
