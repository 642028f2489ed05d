import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../test/support/tinyDataset.js';
import type { Dataset } from '../data/dataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { LinearModel } from './linearModel.js';
import { defaultOptions, type TrainOptions, type Verb } from './options.js';
import { scoreRows } from './score.js';
import { planTraining, train } from './train.js';
import { checkInitialModel } from './warmStart.js';

const BUFFER = { bufferBytes: 2e6 };

async function run(verb: Verb, dataset: Dataset, changes: Partial<TrainOptions>, init?: LinearModel) {
  const warnings: string[] = [];
  const rates: number[] = [];
  const losses: number[] = [];
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, ...BUFFER, ...changes },
    {
      storage: new MemoryStorage(),
      scratchFolder: '/scratch',
      ...(init === undefined ? {} : { init }),
      onEvent: (event) => {
        if (event.type === 'warning') warnings.push(event.message);
        if (event.type === 'rate') rates.push(event.eta0);
        if (event.type === 'row') losses.push(event.loss);
      },
    },
  );
  return { ...result, warnings, rates, losses };
}

async function scores(model: LinearModel, dataset: Dataset): Promise<number[]> {
  const all: number[] = [];
  for await (const block of scoreRows(model, dataset.test, { bufferBytes: 1e6 }))
    all.push(...block.scores.subarray(0, block.rows * model.k));
  return all;
}

function largest(a: readonly number[], b: readonly number[]): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

const threeClasses = (changes = {}) =>
  makeDataset({ k: 3, dtype: 'float32', train: clouds(600, 6, 3), test: clouds(60, 6, 3, 2), ...changes });

describe('scores stay what they are whatever the scaling and the centring', () => {
  // Steps too small to move anything.
  const still = { eta0: 1e-12, iters: 1, epochs: 1, batch: 600 };
  for (const verb of ['gd', 'sgd', 'ssgd', 'hsgd'] as const) {
    test(verb, async () => {
      const dataset = await threeClasses();
      const { model } = await run('closed', dataset, { scale: 'standard' });
      const wanted = await scores(model, dataset);
      for (const scale of ['standard', 'unit', 'none'] as const) {
        for (const loss of ['ridge', 'softmax'] as const) {
          // With ridge gd eliminates the intercept, which moves to where it is best: here it is there already.
          const { model: same } = await run(verb, dataset, { ...still, scale, loss }, model);
          const error = largest(await scores(same, dataset), wanted);
          assert.ok(error < (verb === 'gd' ? 1e-9 : 2e-5), `${scale}, ${loss}: ${error}`);
          assert.equal(same.scaling.name, scale);
        }
      }
    });
  }

  test('with an automatic rate features are centred, and a long step is made shorter', async () => {
    const dataset = await threeClasses();
    const { model } = await run('closed', dataset, { scale: 'none' });
    const cold = await run('ssgd', dataset, { epochs: 1 });
    const warm = await run('ssgd', dataset, { epochs: 1 }, model);
    assert.ok(warm.rates[0]! < cold.rates[0]!);
    // The loss of the first rows is that of the model, not that of zero weights.
    assert.ok(warm.losses[3]! < 1.2 * warm.test!.loss + 0.1, `${warm.losses}`);
  });

  test('a feature that the data hold constant counts as it did', async () => {
    const dataset = await threeClasses();
    const { model } = await run('closed', dataset, { scale: 'none' });
    const constant = (rows: ReturnType<typeof clouds>) => ({
      labels: rows.labels,
      features: rows.features.map((row) => row.map((x, j) => (j === 4 ? 1.5 : x))),
    });
    const other = await threeClasses({
      train: constant(clouds(600, 6, 3)),
      test: constant(clouds(60, 6, 3, 2)),
    });
    const { model: same } = await run('ssgd', other, { ...still, scale: 'standard' }, model);
    assert.ok(largest(await scores(same, other), await scores(model, other)) < 2e-5);
  });

  test('without an intercept', async () => {
    const dataset = await makeDataset({
      task: 'regression',
      train: linearTargets(300, 5),
      test: linearTargets(50, 5, 2),
    });
    const { model } = await run('closed', dataset, { scale: 'none', bias: false });
    const plain = await run('ssgd', dataset, { ...still, batch: 300, scale: 'none', bias: false }, model);
    assert.ok(largest(await scores(plain.model, dataset), await scores(model, dataset)) < 1e-5);
    const biased = await run('closed', dataset, { scale: 'none' });
    for (const verb of ['gd', 'ssgd'] as const) {
      await assert.rejects(run(verb, dataset, { scale: 'none', bias: false }, biased.model), {
        code: 'MLML_MISMATCH',
        message: /has an intercept .*--no-bias leaves no place for it/,
      });
    }
  });
});

describe('training goes on', () => {
  for (const [verb, more] of [
    ['gd', { iters: 40 }],
    ['sgd', { iters: 60 }],
    ['ssgd', { epochs: 2 }],
    // Several threads without locks end a little elsewhere each time.
    ['hsgd', { epochs: 2, nthreads: 1 }],
    ['ssgd', { epochs: 2, optimizer: 'adam' }],
    ['ssgd', { epochs: 2, average: true }],
  ] as const) {
    test(`${verb} ${JSON.stringify(more)}: no loss at the start, some gain in the end`, async () => {
      const dataset = await threeClasses();
      for (const loss of ['softmax', 'ridge'] as const) {
        const options = { ...more, loss, simulated: true };
        const first = await run(verb, dataset, options);
        const second = await run(verb, dataset, options, first.model);
        const before = first.train!.loss;
        assert.ok(second.train!.loss <= before * 1.002, `${loss}: ${second.train!.loss} after ${before}`);
        assert.ok(second.train!.accuracy! >= first.train!.accuracy! - 0.005);
      }
    });
  }

  test('gd goes on to the solution of closed', async () => {
    const dataset = await threeClasses();
    const { model: exact } = await run('closed', dataset, {});
    const { model } = await run('ssgd', dataset, { epochs: 1, scale: 'unit' });
    const { model: refined } = await run('gd', dataset, { iters: 2000 }, model);
    assert.ok(largest(await scores(refined, dataset), await scores(exact, dataset)) < 1e-6);
  });

  test('the plan has room for the model', async () => {
    const { description } = await threeClasses();
    for (const verb of ['gd', 'sgd', 'ssgd', 'hsgd'] as const) {
      const regions = (changes: Partial<TrainOptions>) =>
        planTraining(verb, description, { ...defaultOptions, ...changes }).regions;
      const found = regions({ init: 'm' }).find(({ name }) => name === 'initial model');
      assert.equal(found?.bytes, 8 * (3 * 7 + 2 * 6));
      assert.equal(
        regions({}).some(({ name }) => name === 'initial model'),
        false,
      );
    }
  });
});

describe('interrupted, and gone on with: the same bits, rows weighted too; another model is another job', () => {
  const weighted = { classWeight: '0:2,1:0.5', weightColumn: 3 } as const;
  const rows = clouds(600, 6, 3);
  const features = rows.features.map((row) => row.map((x, j) => (j === 3 ? Math.abs(x) : x)));
  for (const [verb, more] of [
    ['gd', { iters: 30, loss: 'softmax' }],
    ['gd', { iters: 30, loss: 'ridge' }],
    ['sgd', { iters: 90, loss: 'ridge' }],
    ['ssgd', { epochs: 3, loss: 'softmax' }],
  ] as const) {
    test(`${verb}, ${more.loss}`, async () => {
      const storage = new MemoryStorage();
      const dataset = await makeDataset({ k: 3, dtype: 'float32', train: { ...rows, features } }, storage);
      const { model } = await run('closed', dataset, { ...weighted, scale: 'none' });
      const options = { ...defaultOptions, ...BUFFER, ...weighted, ...more, nthreads: 1 };
      const context = { storage, scratchFolder: '/scratch', init: model };
      const whole = await train(verb, dataset, options, context);
      const every = { kind: 'time', milliseconds: 0 } as const;
      let kinds: string[] = [];
      const interrupted = async (init: LinearModel, saves: number) => {
        const stop = new AbortController();
        kinds = [];
        return await train(verb, dataset, options, {
          ...context,
          init,
          signal: stop.signal,
          checkpoint: { folder: '/states', every },
          onEvent: ({ type }) => {
            kinds.push(type);
            if (kinds.filter((kind) => kind === 'checkpoint').length === saves)
              stop.abort(new Error('enough'));
          },
        });
      };
      await assert.rejects(interrupted(model, 7), { message: 'enough' });
      const { model: resumed, bytesRead } = await interrupted(model, Number.POSITIVE_INFINITY);
      assert.ok(kinds.includes('resumed'));
      if (verb === 'gd') assert.equal(bytesRead, whole.bytesRead, 'by both processes together');
      assert.deepEqual([...resumed.weights], [...whole.model.weights]);
      assert.deepEqual([...resumed.intercept], [...whole.model.intercept]);
      await assert.rejects(interrupted(model, 7), { message: 'enough' });
      await interrupted({ ...model, intercept: model.intercept.map((c) => c + 1) }, Number.POSITIVE_INFINITY);
      assert.ok(!kinds.includes('resumed'), 'the state of a run from another model');
    });
  }
});

test('models that do not fit are refused, each for its reason', async () => {
  const dataset = await threeClasses();
  const { model } = await run('closed', dataset, {});
  const { description } = dataset;
  const names = { classNames: ['a', 'b', 'c'] };
  const options = { ...defaultOptions, init: 'old' };
  const cases: readonly (readonly [object, object, Partial<TrainOptions>, RegExp])[] = [
    [{ d: 7 }, {}, {}, /the model has 7 features, tiny has 6/],
    [{ task: 'regression' }, {}, {}, /the model is one of regression, tiny is a data set of classification/],
    [{ k: 1 }, {}, {}, /the model has 1 column of scores; --loss=ridge on 3 classes of tiny has 3/],
    [{ classNames: ['a', 'c', 'b'] }, names, {}, /the model's classes are a, c, b, those of tiny a, b, c/],
    [{}, {}, { weightColumn: 2 }, /the model uses feature 2, which --weight-column makes the weight/],
    [{ coefficients: [] }, {}, {}, /is a kernel model; training starts from linear models/],
  ];
  for (const [ofModel, ofData, changes, message] of cases) {
    const check = () =>
      checkInitialModel({ ...model, ...ofModel }, { ...description, ...ofData }, { ...options, ...changes });
    assert.throws(check, (error: Error & { code?: string }) => {
      assert.match(error.message, message);
      return error.code === 'MLML_MISMATCH' && error.message.startsWith('--init=old: ');
    });
  }
  assert.deepEqual(checkInitialModel({ ...model, ...names }, description, options), []);
  const other = checkInitialModel(model, description, { ...options, loss: 'softmax' });
  assert.deepEqual(other, [
    '--init=old: the model was trained with --loss=ridge; its scores are a start for softmax only',
  ]);
  await assert.rejects(run('ssgd', dataset, { init: 'old' }), {
    code: 'MLML_USAGE',
    message: '--init=old: load the model and give it as context.init',
  });
});
