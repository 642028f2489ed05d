import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../test/support/tinyDataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { LinearModel } from './linearModel.js';
import { defaultOptions, lossNames, type TrainOptions, type Verb, verbs } from './options.js';
import { planTraining, train } from './train.js';

type Given = Parameters<typeof makeDataset>[0];

async function fit(verb: Verb, given: Given, options: Partial<TrainOptions>): Promise<LinearModel> {
  const dataset = await makeDataset(given);
  const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
  return (await train(verb, dataset, { ...defaultOptions, ...options }, context)).model;
}

/** Largest difference of weights and intercepts, as a share of the largest weight. */
function distance(a: LinearModel, b: LinearModel): number {
  const largest = Math.max(...a.weights.map(Math.abs));
  const differences = [...a.weights].map((weight, i) => Math.abs(weight - b.weights[i]!));
  const intercepts = [...a.intercept].map((value, c) => Math.abs(value - b.intercept[c]!));
  return Math.max(...differences, ...intercepts) / largest;
}

describe('--reg means the same in every verb: they go to the same minimiser', () => {
  const problems: readonly (readonly [string, Given, number])[] = [
    ['classification', { train: clouds(600, 5, 3) }, 50],
    ['regression', { task: 'regression', train: linearTargets(600, 5, 1, 0.5) }, 100],
  ];
  for (const [name, given, reg] of problems) {
    for (const bias of [true, false]) {
      test(`ridge ${name}, ${bias ? 'with' : 'without'} intercept`, async () => {
        const exact = await fit('closed', given, { reg, bias });
        const other = await fit('closed', given, { reg: 0.1, bias });
        assert.ok(distance(exact, other) > 0.05, 'the penalty matters in this problem');
        assert.ok(distance(exact, await fit('gd', given, { reg, bias })) < 1e-6, 'gd');
        assert.ok(
          distance(exact, await fit('sgd', given, { reg, bias, iters: 40_000, batch: 8 })) < 0.01,
          'sgd',
        );
        for (const algo of ['external_shuffle', 'external_sort', 'block_shuffle'] as const) {
          const streamed = await fit('ssgd', given, {
            reg,
            bias,
            epochs: 500,
            batch: 8,
            algo,
            bufferBytes: 40_000,
          });
          assert.ok(distance(exact, streamed) < 0.01, `ssgd ${algo}: ${distance(exact, streamed)}`);
        }
        const alone = await fit('hsgd', given, { reg, bias, epochs: 500, batch: 8, nthreads: 1 });
        assert.ok(distance(exact, alone) < 0.01, `hsgd: ${distance(exact, alone)}`);
        // Without locks, a thread that the system lays aside in the middle of a step writes old weights when it comes back.
        const several = await fit('hsgd', given, { reg, bias, epochs: 500, batch: 8, nthreads: 3 });
        assert.ok(distance(exact, several) < 0.1, `hsgd, three threads: ${distance(exact, several)}`);
      });
    }
  }

  for (const loss of lossNames) {
    if (loss === 'ridge' || loss === 'hinge') continue;
    test(`${loss}: gd and ssgd agree`, async () => {
      const given = { train: clouds(400, 4, 3, 1, 2) };
      const exact = await fit('gd', given, { loss, reg: 20, iters: 20_000 });
      const streamed = await fit('ssgd', given, { loss, reg: 20, epochs: 500, batch: 8 });
      assert.ok(distance(exact, streamed) < 0.02, `${distance(exact, streamed)}`);
    });
  }

  test('a given rate with the rule of 2016 goes there too', async () => {
    const given = { train: clouds(600, 5, 3) };
    const exact = await fit('closed', given, { reg: 50 });
    const old = await fit('ssgd', given, { reg: 50, eta0: 0.002, epochs: 400, damp: 0.9, step: 6000 });
    assert.ok(distance(exact, old) < 0.02, `${distance(exact, old)}`);
  });
});

test('every verb keeps to small budgets and says what is too small', async () => {
  const dataset = await makeDataset({ train: clouds(5000, 20, 4), test: clouds(200, 20, 4, 2) });
  for (const verb of verbs) {
    const options = { ...defaultOptions, bufferBytes: verb === 'sgd' ? 2e6 : 60_000, iters: 20, epochs: 1 };
    const plan = planTraining(verb, dataset.description, options);
    assert.ok(plan.plannedPeakBytes <= options.bufferBytes, verb);
    const { test: evaluation } = await train(verb, dataset, options, {
      storage: new MemoryStorage(),
      scratchFolder: '/scratch',
    });
    assert.ok(evaluation!.accuracy! > 0.8, `${verb}: ${evaluation!.accuracy}`);
    assert.throws(() => planTraining(verb, dataset.description, { ...options, bufferBytes: 2000 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
      message: new RegExp(
        `^${verb} on 20 features x 4 (outputs|columns) needs at least [0-9.]+ MB; --buffer is 0.002 MB`,
      ),
    });
  }
});

test('what is read and written is what was planned', async () => {
  const dataset = await makeDataset({ train: clouds(3000, 20, 4), test: clouds(300, 20, 4, 2) });
  for (const algo of ['external_shuffle', 'external_sort', 'block_shuffle', 'none'] as const) {
    for (const reshuffle of ['epoch', 'once'] as const) {
      const options: TrainOptions = {
        ...defaultOptions,
        algo,
        reshuffle,
        bufferBytes: 80_000,
        simulated: true,
      };
      const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
      const { plan, bytesRead, bytesWritten } = await train('ssgd', dataset, options, context);
      assert.equal(bytesRead, plan.bytesRead, algo);
      assert.equal(bytesWritten, plan.bytesWritten, algo);
      assert.deepEqual(context.storage.paths(), [], 'nothing is left in the scratch folder');
    }
  }
});
