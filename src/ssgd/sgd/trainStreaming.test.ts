import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import {
  defaultOptions,
  lossNames,
  optimizerNames,
  scheduleNames,
  type TrainOptions,
  type Verb,
} from '../options.js';
import { train } from '../train.js';

async function run(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, ...options },
    { storage: new MemoryStorage(), scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  return { ...result, events };
}

/** Five rows, two features, one target: small enough to follow by hand. */
const fiveRows = {
  task: 'regression' as const,
  train: {
    features: [
      [0.5, -1],
      [1.5, 2],
      [-0.25, 0.75],
      [1, 0],
      [-2, 1],
    ],
    labels: [1, -0.5, 2, 0.25, -1],
  },
};

describe('the rule of 2016', () => {
  test('batch 1, momentum, damp/step: literal weights after two epochs in stored order', async () => {
    // g = x(x·w − y) + (reg/n)·w, α = eta0·damp^⌊i/step⌋, Δ ← α·g + momentum·Δ, w ← w − Δ; worked out in
    // double precision with numpy, ten steps.
    const { model } = await run('ssgd', await makeDataset(fiveRows), {
      algo: 'none',
      scale: 'none',
      bias: false,
      eta0: 0.05,
      reg: 0.5,
      momentum: 0.9,
      damp: 0.5,
      step: 4,
      epochs: 2,
    });
    const expected = [0.10927812, -0.24371086];
    for (const [j, value] of expected.entries()) {
      assert.ok(
        Math.abs(model.weights[j]! - value) < 2e-6,
        `weight ${j}: ${model.weights[j]} is not ${value}`,
      );
    }
  });

  test('a given rate means one row a step, the step schedule and no centring', async () => {
    const { plan } = await run('ssgd', await makeDataset(fiveRows), { eta0: 0.01 });
    assert.ok(plan.notes.some((note) => note.includes('1 row a step') && note.includes('schedule step')));
  });
});

describe('training', () => {
  for (const loss of lossNames) {
    test(`${loss} learns clouds of points`, async () => {
      const dataset = await makeDataset({ train: clouds(2000, 8, 4), test: clouds(500, 8, 4, 2) });
      const { test: evaluation, train: running } = await run('ssgd', dataset, { loss, simulated: true });
      assert.ok(evaluation!.accuracy! > 0.9, `${evaluation!.accuracy}`);
      assert.ok(running!.accuracy! > 0.9);
      assert.equal(running!.rows, 2000);
    });
  }

  for (const optimizer of optimizerNames) {
    for (const schedule of scheduleNames) {
      test(`${optimizer} with schedule ${schedule}`, async () => {
        const dataset = await makeDataset({ train: clouds(2000, 8, 4), test: clouds(500, 8, 4, 2) });
        const { test: evaluation } = await run('ssgd', dataset, { loss: 'softmax', optimizer, schedule });
        assert.ok(evaluation!.accuracy! > 0.9, `${evaluation!.accuracy}`);
      });
    }
  }

  test('two classes with one column: logistic', async () => {
    const dataset = await makeDataset({ train: clouds(1000, 5, 2), test: clouds(500, 5, 2, 2) });
    const { model, test: evaluation } = await run('ssgd', dataset, { loss: 'logistic' });
    assert.equal(model.k, 1);
    assert.ok(evaluation!.accuracy! > 0.9);
  });

  test('regression finds the weights and reports rmse and r2', async () => {
    const dataset = await makeDataset({
      task: 'regression',
      train: linearTargets(3000, 6),
      test: linearTargets(500, 6, 2),
    });
    const { test: evaluation, model } = await run('ssgd', dataset, { epochs: 10, reg: 0 });
    assert.ok(evaluation!.rmse! < 0.11, `${evaluation!.rmse}`);
    assert.ok(evaluation!.r2! > 0.99);
    assert.equal(evaluation!.accuracy, undefined);
    assert.equal(model.k, 1);
  });

  test('running figures of a regression hold what is known: rmse of squared loss', async () => {
    const dataset = await makeDataset({ task: 'regression', train: linearTargets(300, 3) });
    const ridge = (await run('ssgd', dataset, {})).train!;
    assert.deepEqual(Object.keys(ridge), ['rows', 'loss', 'rmse']);
    assert.equal(ridge.rmse, Math.sqrt(2 * ridge.loss));
    for (const options of [{ loss: 'huber' }, { weightColumn: 2, scale: 'none' }] as const) {
      const weighted = {
        features: linearTargets(300, 2).features.map((row) => [...row, 2]),
        labels: linearTargets(300, 2).labels,
      };
      const { train } = await run(
        'ssgd',
        await makeDataset({ task: 'regression', train: weighted }),
        options,
      );
      assert.deepEqual(Object.keys(train!), ['rows', 'loss'], JSON.stringify(options));
    }
  });

  test('a penalty beyond single precision is refused by name, before a step is made', async () => {
    const dataset = await makeDataset({ train: clouds(100, 3, 2) });
    for (const verb of ['sgd', 'ssgd', 'hsgd'] as const) {
      for (const changes of [
        { reg: 1e308 },
        { reg: 1e41, optimizer: 'adam' },
        { sweep: { reg: [1, 1e308] } },
      ] as const) {
        if (verb === 'hsgd' && 'sweep' in changes) continue;
        await assert.rejects(run(verb, dataset, changes), {
          code: 'MLML_USAGE',
          message: /^--reg=1e\+(308|41): the penalty of a row, [\d.]+e\+\d+, is beyond the single precision/,
        });
      }
      const { model } = await run(verb, dataset, { reg: 1e40, iters: 20 });
      assert.ok(model.weights.every(Number.isFinite));
    }
  });

  test('one feature, one class, one row', async () => {
    for (const labels of [[0], [0, 0, 0]]) {
      const dataset = await makeDataset({ k: 2, train: { features: labels.map((_, i) => [i]), labels } });
      const { model, test: evaluation } = await run('ssgd', dataset, { loss: 'softmax' });
      assert.equal(evaluation, undefined, 'there is no test row');
      assert.ok(model.weights.every(Number.isFinite));
    }
  });

  test('sgd stops after --iters steps and refuses data that do not fit, naming the buffer that would', async () => {
    const dataset = await makeDataset({ train: clouds(1000, 8, 4) });
    const { samples } = await run('sgd', dataset, { iters: 70, batch: 20 });
    assert.equal(samples, 70 * 20);
    const refusal = await run('sgd', dataset, { bufferBytes: 40000 }).then(
      () => undefined,
      (error: MlmlError) => error,
    );
    assert.equal(refusal?.code, 'MLML_BUDGET_TOO_SMALL');
    const needed = Number(/needs at least ([0-9.]+) MB/.exec(refusal!.message)![1]);
    await run('sgd', dataset, { bufferBytes: needed * 1e6, iters: 10 });
  });

  test('the same seed gives the same bits, another seed others', async () => {
    const dataset = await makeDataset({ train: clouds(500, 8, 3) });
    const weights = async (seed: number) => [...(await run('ssgd', dataset, { seed })).model.weights];
    const first = await weights(1);
    assert.deepEqual(await weights(1), first);
    assert.notDeepEqual(await weights(2), first);
  });

  test('the l1 penalty shrinks by soft thresholding, a large one makes every weight exactly zero', async () => {
    // Independent features of variance 1: each weight is the unpenalised one moved by l1/n towards zero.
    const dataset = await makeDataset({ task: 'regression', train: linearTargets(4000, 3, 1, 0.01) });
    const weights = async (l1: number) => [
      ...(await run('ssgd', dataset, { l1, epochs: 20, reg: 0, scale: 'none' })).model.weights,
    ];
    const free = await weights(0);
    const shrunk = await weights(400);
    for (const [j, weight] of shrunk.entries()) {
      const expected = Math.sign(free[j]!) * Math.max(0, Math.abs(free[j]!) - 0.1);
      assert.ok(Math.abs(weight - expected) < 0.02, `weight ${j}: ${weight} is not ${expected}`);
    }
    assert.ok((await weights(1e6)).every((weight) => weight === 0));
  });

  test('averaging the last epoch gives other, finite weights that classify as well', async () => {
    const dataset = await makeDataset({ train: clouds(2000, 8, 4), test: clouds(500, 8, 4, 2) });
    const plain = await run('ssgd', dataset, { schedule: 'constant' });
    const averaged = await run('ssgd', dataset, { schedule: 'constant', average: true });
    assert.notDeepEqual([...averaged.model.weights], [...plain.model.weights]);
    assert.ok(averaged.test!.accuracy! > 0.9);
  });

  test('of a subset only the rows are used', async () => {
    const dataset = await makeDataset({ train: clouds(1000, 4, 2) });
    const { samples, train: evaluation } = await run('ssgd', dataset, {
      subset: 100,
      epochs: 2,
      simulated: true,
    });
    assert.equal(samples, 200);
    assert.equal(evaluation!.rows, 100);
  });
});

describe('divergence', () => {
  test('a given rate that explodes is one clear error', async () => {
    const dataset = await makeDataset({ train: clouds(1000, 8, 4) });
    await assert.rejects(run('ssgd', dataset, { eta0: 1e3 }), (error: MlmlError) => {
      assert.ok(error instanceof MlmlError);
      assert.equal(error.code, 'MLML_DIVERGED');
      assert.match(
        error.message,
        /exploded at step \d+ with learning rate 1\.00e\+3; give --eta0=auto, or an --eta0 far below 1000$/,
      );
      return true;
    });
  });

  test('an automatic rate is halved and training goes on from the last good weights', async () => {
    // The first rows, on which the rate is measured, are ten thousand times shorter than the others.
    const rows = clouds(6000, 8, 4);
    const features = rows.features.map((row, i) => (i < 1500 ? row.map((x) => x / 1e4) : row));
    const dataset = await makeDataset({ train: { features, labels: rows.labels } });
    const { events, train: evaluation } = await run('ssgd', dataset, {
      algo: 'none',
      scale: 'none',
      simulated: true,
      bias: false,
      reg: 0,
    });
    assert.ok(
      events.some((event) => event.type === 'warning' && /half the learning rate/.test(event.message)),
    );
    assert.ok(evaluation!.accuracy! > 0.7, `${evaluation!.accuracy}`);
  });

  test('weights of before a divergence are no part of the mean of the weights', async () => {
    const rows = clouds(6000, 8, 4);
    const features = rows.features.map((row, i) => (i < 1500 ? row.map((x) => x / 1e4) : row));
    const dataset = await makeDataset({ train: { features, labels: rows.labels } });
    const options = { algo: 'none', scale: 'none', simulated: true, bias: false, reg: 0, epochs: 1 } as const;
    const [plain, mean] = [
      await run('ssgd', dataset, options),
      await run('ssgd', dataset, { ...options, average: true }),
    ];
    assert.ok(plain.events.some(({ type }) => type === 'warning'));
    assert.ok(plain.train!.loss < 1 && mean.train!.loss < 1, `${plain.train!.loss}, ${mean.train!.loss}`);
  });
});

describe('events', () => {
  test('rows at doubling steps, log lines every logfreq steps, an evaluation per epoch', async () => {
    const dataset = await makeDataset({ train: clouds(640, 8, 4), test: clouds(100, 8, 4, 2) });
    const { events } = await run('ssgd', dataset, { batch: 8, logfreq: 100, epochs: 3 });
    const steps = events.filter((event) => event.type === 'row').map((event) => event.step);
    assert.deepEqual(steps, [1, 2, 4, 8, 16, 32, 64, 128]);
    const logged = events.filter((event) => event.type === 'log').map((event) => event.step);
    assert.deepEqual(logged, [100, 200, 240]);
    assert.equal(events.filter((event) => event.type === 'evaluation').length, 3);
    assert.equal(events[0]!.type, 'plan');
  });

  test('an abort ends the run', async () => {
    const dataset = await makeDataset({ train: clouds(640, 8, 4) });
    const controller = new AbortController();
    const training = train('ssgd', dataset, defaultOptions, {
      storage: new MemoryStorage(),
      scratchFolder: '/scratch',
      signal: controller.signal,
      onEvent: (event) => event.type === 'rate' && controller.abort(),
    });
    await assert.rejects(training, { name: 'AbortError' });
  });
});
