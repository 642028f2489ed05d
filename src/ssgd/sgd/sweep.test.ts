import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import type { MlmlError } from '../../errors.js';
import { layOut } from '../../memory/plan.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { evaluateModel } from '../evaluate.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, lossNames, optimizerNames, type TrainOptions, type Verb } from '../options.js';
import { planTraining, train } from '../train.js';
import type { StreamingPlan } from './planStreaming.js';
import { variantsOf } from './sweepGrid.js';

async function run(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const storage = new MemoryStorage();
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, bufferBytes: 1e6, ...options },
    { storage, scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  assert.deepEqual(storage.paths(), [], 'no scratch is left');
  return { ...result, events };
}

/** Trains the model of each variant alone, and compares what a sweep says of it. */
async function compareWithAlone(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const together = await run(verb, dataset, options);
  const variants = variantsOf({ ...defaultOptions, bufferBytes: 1e6, holdout: 0.1, ...options });
  assert.equal(together.sweep!.length, variants.length);
  const best = together.sweep![0]!;
  for (const { model, heldOut, samples, fate } of together.sweep!) {
    const alone = await run(verb, dataset, { ...variants[model], halving: false });
    if (fate === 'trained') {
      // Losses are sums of floats: the same to the last digit only if all weights are.
      assert.deepEqual(heldOut, alone.heldOut, `model ${model}`);
      assert.equal(samples, alone.samples);
    }
    if (model !== best.model) continue;
    assert.deepEqual(together.model.weights, alone.model.weights);
    assert.deepEqual(together.model.intercept, alone.model.intercept);
    assert.deepEqual(together.test, alone.test);
    assert.deepEqual(together.train, alone.train);
    const rates = (events: readonly TrainEvent[]) =>
      events.flatMap((event) =>
        event.type === 'rate' && (event.model ?? model) === model ? [event.eta0] : [],
      );
    assert.deepEqual(rates(together.events), rates(alone.events));
  }
  return together;
}

describe('a model of a sweep ends in the bits it has when it is trained alone', () => {
  const three = () => makeDataset({ train: clouds(1000, 7, 3, 1, 3), test: clouds(200, 7, 3, 2, 3) });
  const two = () => makeDataset({ train: clouds(800, 20, 2, 1, 4), test: clouds(200, 20, 2, 2, 4) });

  test('all losses, of one and more columns', async () => {
    await compareWithAlone('ssgd', await three(), { sweep: { loss: lossNames } });
    await compareWithAlone('ssgd', await two(), { sweep: { loss: lossNames, reg: [0.1, 100] } });
  });

  test('all optimisers and given rates, one row a step', async () => {
    await compareWithAlone('ssgd', await two(), {
      loss: 'logistic',
      sweep: { optimizer: optimizerNames, eta0: [0.01, 0.001] },
      l1: 0.5,
    });
  });

  test('schedules and averages, in sgd', async () => {
    const sweep = { schedule: ['linear', 'cosine', 'step'], momentum: [0, 0.9], damp: [0.9, 1] } as const;
    await compareWithAlone('sgd', await three(), {
      iters: 150,
      step: 20,
      average: true,
      sweep,
      loss: 'softmax',
    });
  });

  test('whichever is kept: each value alone as a sweep of one', async () => {
    for (const reg of [0.01, 1, 1000]) {
      await compareWithAlone('ssgd', await three(), { loss: 'softmax', sweep: { reg: [reg] } });
    }
  });

  test('with patience, models stop one by one; regression', async () => {
    const dataset = await makeDataset({ task: 'regression', train: linearTargets(600, 6, 1, 2) });
    const options = {
      patience: 2,
      epochs: 30,
      schedule: 'constant',
      average: true,
      sweep: { eta0: [0.02, 0.002] },
    } as const;
    const { sweep, events, epochs, bestEpoch } = await run('ssgd', dataset, options);
    const stopped = events.filter((event) => event.type === 'stopped');
    assert.equal(stopped.length, sweep!.filter(({ fate }) => fate === 'stopped').length);
    assert.ok(stopped.length > 0 && bestEpoch! <= epochs);
    for (const { model, heldOut } of sweep!) {
      const alone = await run('ssgd', dataset, { ...options, sweep: { eta0: [options.sweep.eta0[model]!] } });
      if (model === sweep![0]!.model)
        assert.deepEqual(alone.model.weights, (await run('ssgd', dataset, options)).model.weights);
      if (alone.sweep![0]!.fate === 'stopped') assert.equal(alone.heldOut!.rows, heldOut!.rows);
    }
  });

  test('on disk too, when both shuffle in the same way', async () => {
    const dataset = await makeDataset({ train: clouds(3000, 8, 3, 1, 3), dtype: 'float32' });
    const sweep = { reg: [0.1, 10], loss: ['softmax', 'ridge'] } as const;
    const planned = (options: Partial<TrainOptions>) => {
      const plan = planTraining('ssgd', dataset.description, {
        ...defaultOptions,
        holdout: 0.1,
        batch: 8,
        ...options,
      }) as StreamingPlan;
      const around = plan.regions.filter(({ name }) => !name.startsWith('shuffle '));
      return { shuffle: plan.shuffle, around: layOut(around).totalBytes };
    };
    const bufferBytes = 30_000;
    const swept = planned({ bufferBytes, sweep });
    // A budget that leaves one model as much for shuffling as all of them have.
    let alone = bufferBytes;
    for (let i = 0; i < 5; i++) alone = bufferBytes - swept.around + planned({ bufferBytes: alone }).around;
    assert.deepEqual(planned({ bufferBytes: alone }).shuffle, swept.shuffle);
    const { plan, ...together } = await run('ssgd', dataset, { bufferBytes, sweep, batch: 8 });
    assert.ok(plan.scratchBytes > 50_000, 'rows go through the disk');
    const best = variantsOf({ ...defaultOptions, sweep })[together.sweep![0]!.model]!;
    const single = await run('ssgd', dataset, { ...best, bufferBytes: alone, batch: 8, holdout: 0.1 });
    assert.deepEqual(single.model.weights, together.model.weights);
    assert.equal(single.heldOut!.accuracy, together.heldOut!.accuracy);
    // Scored in blocks of other sizes: the sum of the losses may differ in its last digits.
    assert.ok(Math.abs(single.heldOut!.loss - together.heldOut!.loss) < 1e-12);
  });
});

describe('a sweep', () => {
  test('keeps the best model by the held-out rows and tells of all', async () => {
    const dataset = await makeDataset({ train: clouds(1500, 6, 3, 1, 2), test: clouds(300, 6, 3, 2, 2) });
    const { model, sweep, heldOut, events, plan } = await run('ssgd', dataset, {
      sweep: { loss: ['ridge', 'softmax'], reg: [1e5, 0.1] },
    });
    assert.deepEqual(sweep![0]!.heldOut, heldOut);
    assert.equal(model.loss, sweep![0]!.options['loss']);
    assert.equal(sweep![0]!.options['reg'], 0.1);
    const accuracies = sweep!.map((each) => each.heldOut!.accuracy!);
    assert.deepEqual(
      [...accuracies].sort((a, b) => b - a),
      accuracies,
    );
    assert.deepEqual(new Set(sweep!.map((each) => each.model)), new Set([0, 1, 2, 3]));
    assert.deepEqual(sweep!.find((each) => each.model === 1)!.options, { loss: 'ridge', reg: 0.1 });
    assert.equal(events.filter(({ type }) => type === 'sweep').length, 3);
    assert.equal(plan.regions.filter(({ name }) => / good weights$/.test(name)).length, 4);
    const evaluation = await evaluateModel(model, dataset.test, { bufferBytes: 1e5 });
    const tests = events.filter((event) => event.type === 'evaluation' && event.part === 'test');
    assert.deepEqual(tests, [{ type: 'evaluation', part: 'test', epoch: 3, evaluation }]);
  });

  test('with patience compares the best epochs, whose weights are kept', async () => {
    const dataset = await makeDataset({ train: clouds(400, 20, 2, 3, 6) });
    const { sweep, events, heldOut } = await run('ssgd', dataset, {
      ...{ loss: 'logistic', reg: 0, schedule: 'constant', epochs: 12, patience: 4, holdout: 0.2 },
      sweep: { eta0: [0.002, 0.01, 0.05, 0.2] },
    });
    const judged = (model: number) =>
      events.flatMap((event) =>
        event.type === 'evaluation' && event.part === 'holdout' && event.model === model
          ? [event.evaluation.accuracy!]
          : [],
      );
    const best = sweep!.map(({ model }) => Math.max(...judged(model)));
    assert.ok(
      sweep!.some(({ model }, i) => judged(model).at(-1)! < best[i]!),
      'some model was better before its last epoch',
    );
    assert.deepEqual(
      sweep!.map((each) => each.heldOut!.accuracy),
      best,
    );
    assert.equal(heldOut!.accuracy, Math.max(...best));
  });

  test('goes on without models that diverge; when all do, so does the run', async () => {
    const dataset = await makeDataset({ train: clouds(1000, 6, 3, 1, 2) });
    const { sweep } = await run('ssgd', dataset, { sweep: { eta0: [1e6, 0.01] } });
    assert.deepEqual(
      sweep!.map(({ fate, options }) => [fate, options['eta0']]),
      [
        ['trained', 0.01],
        ['diverged', 1e6],
      ],
    );
    assert.ok(sweep![1]!.samples < 1000);
    await assert.rejects(run('ssgd', dataset, { sweep: { eta0: [1e6, 1e7] } }), (error: MlmlError) => {
      assert.equal(error.code, 'MLML_DIVERGED');
      return true;
    });
  });

  test('with halving ends with one model, which has its bits; the others stop where they are dropped', async () => {
    const dataset = await makeDataset({ train: clouds(4000, 6, 3, 1, 3) });
    const options = {
      halving: true,
      sweep: { reg: [0.1, 1e3, 1e4, 1e5, 1e6, 1e7] },
      loss: 'softmax',
      batch: 8,
    } as const;
    const { sweep, events, samples } = await compareWithAlone('ssgd', dataset, options);
    const total = 3 * 3600;
    assert.equal(samples, total);
    const alive = [...Array(3)].map(
      (_, i) => sweep!.filter((each) => each.samples > total * 2 ** (i - 3) + 8).length,
    );
    assert.deepEqual(alive, [3, 2, 1], 'six, then three, two, one');
    for (const { samples: trained, fate } of sweep!.slice(1)) {
      assert.equal(fate, 'dropped');
      const rung = [1 / 8, 1 / 4, 1 / 2].find(
        (share) => trained >= share * total && trained < share * total + 8,
      );
      assert.notEqual(rung, undefined, `${trained} of ${total}`);
    }
    // No step of a dropped model is told of after it was dropped.
    const last = new Map<number, number>();
    for (const event of events) if (event.type === 'row') last.set(event.model!, event.samples);
    for (const { model, samples: trained } of sweep!) assert.ok(last.get(model)! <= trained);
  });

  test('that is larger than the budget is refused with what it needs; a plan lists its models', async () => {
    const { description } = await makeDataset({ train: clouds(200, 400, 4) });
    const options = { ...defaultOptions, bufferBytes: 100_000, sweep: { reg: [1, 2, 3, 4, 5, 6, 7, 8] } };
    let message = '';
    assert.throws(
      () => planTraining('ssgd', description, options),
      (error: MlmlError) => {
        message = error.message;
        return error.code === 'MLML_BUDGET_TOO_SMALL';
      },
    );
    const needed = Number(/needs at least ([0-9.]+) MB/.exec(message)![1]) * 1e6;
    const plan = planTraining('ssgd', description, { ...options, bufferBytes: Math.ceil(needed) });
    assert.match(plan.job, /8 models of 4 outputs/);
    assert.ok(plan.notes.some((note) => /8 models trained from one stream, .* each/.test(note)));
    assert.throws(() => planTraining('ssgd', description, { ...options, bufferBytes: 0.9 * needed }));
    planTraining('ssgd', description, { ...options, bufferBytes: 200_000, sweep: { reg: [1] } });
  });

  test('that makes no sense is one usage error', async () => {
    const dataset = await makeDataset({ train: clouds(100, 3, 3) });
    const sweep = { reg: [1, 2] };
    const wrong: [Verb, Partial<TrainOptions>, RegExp][] = [
      ['gd', { sweep }, /--sweep: gd trains one model/],
      ['closed', { sweep }, /--sweep: closed trains one model/],
      ['hsgd', { sweep }, /--sweep: hsgd trains one model/],
      ['ssgd', { halving: true }, /--halving: drops models of a sweep/],
      ['ssgd', { sweep: {} }, /--sweep: has no values/],
      ['ssgd', { sweep: { reg: [] } }, /--sweep reg=: has no values/],
      ['ssgd', { sweep: { reg: [1, 2, 1] } }, /--sweep reg=1,2,1: 1 is there twice/],
      ['ssgd', { sweep: { reg: [1, -2] } }, /--reg=-2: must be/],
      ['ssgd', { sweep: { eta0: ['auto', 1] } }, /--sweep eta0=auto,1: auto does not go with numbers/],
      ['ssgd', { sweep: { bias: [true] } as never }, /--sweep: cannot vary bias/],
      ['ssgd', { sweep, holdout: 0 }, /--holdout=0: the models of a sweep are compared on held-out rows/],
      [
        'ssgd',
        {
          sweep: {
            reg: Array.from({ length: 40 }, (_, i) => i),
            l1: Array.from({ length: 40 }, (_, i) => i),
          },
        },
        /1600 combinations/,
      ],
    ];
    for (const [verb, options, message] of wrong) {
      await assert.rejects(run(verb, dataset, options), (error: MlmlError) => {
        assert.equal(error.code, 'MLML_USAGE', error.message);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
