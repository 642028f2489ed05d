import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { layOut } from '../../memory/plan.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, lossNames, optimizerNames, type TrainOptions, type Verb } from '../options.js';
import { planStreaming } from './planStreaming.js';
import { trainStreaming } from './trainStreaming.js';

/** Trains with exactly so many threads. */
async function run(verb: Verb, dataset: Dataset, given: Partial<TrainOptions>, threads: number) {
  const options: TrainOptions = { ...defaultOptions, logfreq: 7, ...given };
  const plan = planStreaming(verb, dataset.description, options, threads);
  assert.equal(plan.threads, threads);
  const events: TrainEvent[] = [];
  const storage = new MemoryStorage();
  const result = await trainStreaming(plan, dataset, options, {
    storage,
    scratchFolder: '/scratch',
    onEvent: (event) => events.push(event),
  });
  return { ...result, events };
}

type Result = Awaited<ReturnType<typeof run>>;

function assertSame(a: Result, b: Result): void {
  for (const part of ['weights', 'intercept'] as const)
    assert.deepEqual(new BigInt64Array(a.model[part].buffer), new BigInt64Array(b.model[part].buffer));
  const told = ({ events }: Result) => events.filter(({ type }) => type !== 'progress');
  assert.deepEqual(told(a), told(b));
  assert.deepEqual([a.train, a.test], [b.train, b.test]);
  assert.ok(a.model.weights.every(Number.isFinite));
}

describe('the same bits with 1, 2, 3 and 5 threads', () => {
  for (const loss of lossNames) {
    for (const optimizer of optimizerNames) {
      test(`ssgd, ${loss}, ${optimizer}`, async () => {
        // 83 features fill 6 parts of 16, the last not whole; 13 rows make an odd part.
        const rows = clouds(230, 83, 3, 4, 3);
        const dataset = await makeDataset({ train: rows, test: clouds(40, 83, 3, 5, 3) });
        const l1 = optimizer === 'adam' || loss === 'hinge' ? 3 : 0;
        const classWeight = loss === 'logistic' ? 'balanced' : 'none';
        const options = {
          ...{ loss, optimizer, l1, classWeight, batch: 13, epochs: 2 },
          average: loss === 'softmax',
        };
        const one = await run('ssgd', dataset, options, 1);
        for (const threads of [2, 3, 5]) assertSame(await run('ssgd', dataset, options, threads), one);
      });
    }
  }

  test('sgd; regression; large batches whose rows are gathered by all threads; bytes', async () => {
    const regression = await makeDataset({ task: 'regression', train: linearTargets(300, 40) });
    const bytes = await makeDataset({
      dtype: 'uint8',
      k: 3,
      train: {
        features: clouds(900, 120, 3).features.map((row) =>
          row.map((x) => Math.max(0, Math.min(255, Math.round(40 * x + 120)))),
        ),
        labels: clouds(900, 120, 3).labels,
      },
    });
    for (const [verb, dataset, options] of [
      ['sgd', regression, { iters: 50, batch: 8 }],
      ['ssgd', bytes, { batch: 401, epochs: 3, loss: 'softmax' }],
    ] as const) {
      const one = await run(verb, dataset, options, 1);
      for (const threads of [2, 3, 5]) assertSame(await run(verb, dataset, options, threads), one);
    }
  });
});

describe('hsgd', () => {
  test('with one thread it is ssgd', async () => {
    const dataset = await makeDataset({ train: clouds(400, 20, 3, 4, 3), test: clouds(60, 20, 3) });
    const options = { loss: 'softmax', epochs: 2, bufferBytes: 3e4 } as const;
    assertSame(await run('hsgd', dataset, options, 1), await run('ssgd', dataset, options, 1));
  });

  for (const optimizer of optimizerNames) {
    for (const threads of [2, 3]) {
      test(`${threads} threads and ${optimizer}: every row is used once an epoch, the model is as good`, async () => {
        const dataset = await makeDataset({
          train: clouds(3001, 30, 3, 4, 4),
          test: clouds(1000, 30, 3, 9, 4),
        });
        const options = {
          loss: 'softmax',
          optimizer,
          classWeight: threads === 3 ? '0:2' : 'none',
          epochs: 3,
          batch: 8,
          logfreq: 100,
          bufferBytes: 2e5,
        } as const;
        const [one, many] = [
          await run('ssgd', dataset, options, 1),
          await run('hsgd', dataset, options, threads),
        ];
        assert.equal(many.samples, 3 * 3001);
        assert.ok(
          // So few rows: with more threads than processors three points less were seen, one class alone has a third.
          many.test!.accuracy! > one.test!.accuracy! - 0.1,
          `${many.test!.accuracy}, not ${one.test!.accuracy}`,
        );
        const logged = many.events.filter(({ type }) => type === 'log');
        assert.equal(logged.length, one.events.filter(({ type }) => type === 'log').length);
        assert.ok(many.plan.notes.some((note) => /without locks/.test(note)));
      });
    }
  }

  test('a rate that explodes is one clear error, an automatic one is halved', async () => {
    const dataset = await makeDataset({ train: clouds(2000, 20, 3) });
    await assert.rejects(run('hsgd', dataset, { eta0: 1e6, batch: 4 }, 2), { code: 'MLML_DIVERGED' });
    // The first rows, on which the rate is measured, are ten thousand times shorter than the others.
    const rows = clouds(6000, 8, 4);
    const features = rows.features.map((row, i) => (i < 1500 ? row.map((x) => x / 1e4) : row));
    const odd = await makeDataset({ train: { features, labels: rows.labels } });
    const options = { algo: 'none', scale: 'none', simulated: true, bias: false, reg: 0 } as const;
    const { events, train } = await run('hsgd', odd, options, 2);
    assert.ok(
      events.some((event) => event.type === 'warning' && /half the learning rate/.test(event.message)),
    );
    assert.ok(train!.accuracy! > 0.7, `${train!.accuracy}`);
  });
});

test('a worker that ends is one clear error', async () => {
  const dataset = await makeDataset({ train: clouds(3000, 100, 3) });
  for (const verb of ['ssgd', 'hsgd'] as const) {
    process.once('worker', (worker) =>
      worker.once('message', () => setTimeout(() => worker.terminate(), 30)),
    );
    await assert.rejects(run(verb, dataset, { epochs: 100_000, batch: 32 }, 2), {
      code: 'MLML_INTERNAL',
      message: /a worker thread ended unexpectedly/,
    });
  }
});

test('threads are in the plan: as many as help, inside the budget', async () => {
  const { description } = await makeDataset({ train: clouds(50, 784, 10) });
  const sized = (n: number) => ({
    ...description,
    parts: { train: { n, shards: [] }, test: { n: 0, shards: [] } },
  });
  const options = { ...defaultOptions, nthreads: 4 };
  const small = planStreaming('ssgd', sized(500), options);
  assert.equal(small.threads, 1);
  assert.ok(small.notes.includes('one thread: there is too little arithmetic to share'));
  // 32 x 784 x 10 multiply-adds a step are enough for two.
  assert.equal(planStreaming('ssgd', sized(60_000), options).threads, 2);
  assert.equal(planStreaming('ssgd', sized(60_000), { ...options, batch: 256 }).threads, 4);
  assert.equal(planStreaming('hsgd', sized(60_000), options).threads, 4);
  assert.equal(planStreaming('hsgd', sized(60_000), { ...options, nthreads: 1 }).threads, 1);
  for (const bufferBytes of [6e5, 1e6, 2e6, 1e7]) {
    for (const verb of ['ssgd', 'hsgd'] as const) {
      const plan = planStreaming(verb, sized(60_000), { ...options, bufferBytes, nthreads: 64 });
      assert.ok(plan.plannedPeakBytes <= bufferBytes);
      assert.equal(plan.plannedPeakBytes, layOut(plan.regions).totalBytes);
    }
  }
});
