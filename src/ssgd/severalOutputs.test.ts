import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outputsTogetherAndAlone } from '../../test/support/severalOutputs.js';
import type { Dataset } from '../data/dataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { ClosedPlan } from './closed/planClosed.js';
import type { TrainEvent } from './events.js';
import { defaultOptions, type TrainOptions, type Verb } from './options.js';
import { train } from './train.js';

async function trained(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
  const given = { ...defaultOptions, nthreads: 1, loss: 'ridge', simulated: true, ...options } as const;
  return await train(verb, dataset, given, context);
}

/** Largest difference of weights and intercept of an output from those it has alone, relative to the largest weight there. */
async function differences(
  verb: Verb,
  sizes: Parameters<typeof outputsTogetherAndAlone>[0],
  options: Partial<TrainOptions>,
): Promise<number> {
  const { together, alone } = await outputsTogetherAndAlone(sizes);
  const all = await trained(verb, together, options);
  const { d, k, weights, intercept, labelNames } = all.model;
  assert.deepEqual([k, labelNames], [alone.length, alone.map((_, c) => `y${c}`)]);
  let worst = 0;
  for (const [c, dataset] of alone.entries()) {
    const one = await trained(verb, dataset, options);
    assert.equal(one.model.labelNames, undefined);
    const numbers = [...one.model.weights, one.model.intercept[0]!];
    const largest = Math.max(...numbers.map(Math.abs));
    const found = [...weights.subarray(c * d, (c + 1) * d), intercept[c]!];
    for (const [j, number] of numbers.entries())
      worst = Math.max(worst, Math.abs(number - found[j]!) / largest);
    const figures = all.test!.outputs![c]!;
    for (const name of ['rmse', 'r2'] as const)
      assert.ok(Math.abs(figures[name] / one.test![name]! - 1) < Math.max(1e-9, 100 * worst), name);
  }
  const mean = (name: 'rmse' | 'r2') => all.test!.outputs!.reduce((sum, o) => sum + o[name], 0) / k;
  for (const name of ['rmse', 'r2'] as const)
    assert.ok(Math.abs(all.test![name]! - mean(name)) < 1e-12 * Math.abs(mean(name)));
  return worst;
}

describe('each output of a regression is what it is alone', () => {
  for (const dtype of ['float64', 'float32', 'uint8'] as const)
    for (const bias of [true, false])
      test(`closed, ${dtype}${bias ? '' : ', no intercept'}: to the bit`, async () => {
        assert.equal(await differences('closed', { dtype }, { bias, reg: 0.5 }), 0);
      });

  test('closed by conjugate gradients, in a budget below the Gram matrix', async () => {
    const sizes = { d: 120, n: 400 };
    const options = { bufferBytes: 8e4, reg: 0.5 };
    const { together } = await outputsTogetherAndAlone(sizes);
    const { method } = (await trained('closed', together, options)).plan as ClosedPlan;
    assert.equal(method, 'cg');
    const worst = await differences('closed', sizes, options);
    assert.ok(worst < 1e-5, String(worst));
  });

  test('gd with as many iterations, from sums and from passes: to the bit', async () => {
    const given = { iters: 40, eta0: 0.05, reg: 1 };
    assert.equal(await differences('gd', {}, given), 0);
    assert.equal(await differences('gd', {}, { ...given, loss: 'huber' }), 0);
  });

  for (const verb of ['sgd', 'ssgd', 'hsgd'] as const)
    for (const loss of ['ridge', 'huber'] as const)
      test(`${verb}, ${loss}: but for the order of sums in single precision`, async () => {
        // Of huber an automatic rate depends on the targets, and one serves all outputs.
        const rate = loss === 'huber' ? { eta0: 0.05 } : {};
        const options = { loss, epochs: 3, scale: 'none', bufferBytes: 2e5, ...rate } as const;
        const worst = await differences(verb, {}, options);
        assert.ok(worst < 1e-5, String(worst));
      });

  test('ssgd with momentum, averages and held-out rows', async () => {
    const options = { epochs: 4, optimizer: 'nesterov', momentum: 0.5, average: true, holdout: 0.2 } as const;
    assert.ok((await differences('ssgd', {}, options)) < 1e-5);
  });

  for (const [verb, tolerance] of [
    ['closed', 1e-9],
    ['ssgd', 1e-5],
  ] as const)
    test(`${verb}: the figures of each fold`, async () => {
      const { together, alone } = await outputsTogetherAndAlone({});
      const options = { folds: 3, epochs: 3, scale: 'none', reg: 0.5 } as const;
      const folded = async (dataset: Dataset) => {
        const { crossValidation } = await trained(verb, dataset, options);
        return crossValidation![0]!.evaluations!;
      };
      const all = await folded(together);
      for (const [c, dataset] of alone.entries())
        for (const [fold, { rmse, r2 }] of (await folded(dataset)).entries()) {
          const figures = all[fold]!.outputs![c]!;
          assert.ok(Math.abs(figures.rmse / rmse! - 1) < tolerance, `${figures.rmse}, alone ${rmse}`);
          assert.ok(Math.abs(figures.r2 - r2!) < tolerance);
        }
      for (const { rmse, outputs } of all)
        assert.ok(
          Math.abs(outputs!.reduce((sum, each) => sum + each.rmse, 0) / alone.length / rmse! - 1) < 1e-12,
        );
    });

  test('rows with weights', async () => {
    const options = { weightColumn: 2, loss: 'huber', epochs: 3, eta0: 0.01 } as const;
    const positive = { dtype: 'uint8' } as const;
    assert.ok((await differences('ssgd', positive, options)) < 1e-5);
    assert.equal(await differences('closed', positive, { weightColumn: 2 }), 0);
    const few = { weightColumn: 2, iters: 20, eta0: 1e-3, loss: 'huber' } as const;
    assert.equal(await differences('gd', positive, few), 0);
  });
});

test('hsgd with threads trains several outputs', async () => {
  const { together } = await outputsTogetherAndAlone({ n: 4000, d: 60 });
  const options = { nthreads: 2, epochs: 5, bufferBytes: 2e6 } as const;
  const hogwild = await trained('hsgd', together, options);
  for (const { r2 } of hogwild.test!.outputs!) assert.ok(r2 > 0.95, String(r2));
});

test('a sweep, held-out rows, early stopping and folds judge by the mean over outputs', async () => {
  const { together } = await outputsTogetherAndAlone({ n: 400 });
  const result = await trained('ssgd', together, {
    epochs: 30,
    patience: 2,
    holdout: 0.25,
    sweep: { reg: [0.1, 1e5] },
    schedule: 'constant',
  });
  const [good, bad] = result.sweep!;
  assert.ok(good!.heldOut!.rmse! < bad!.heldOut!.rmse!);
  assert.equal(good!.heldOut!.outputs!.length, 3);
  const folded = await trained('ssgd', together, { epochs: 3, folds: 4 });
  const [model] = folded.crossValidation!;
  assert.equal(model!.evaluations!.length, 4);
  assert.equal(
    model!.evaluations!.reduce((sum, { rows }) => sum + rows, 0),
    400,
  );
  for (const { r2, outputs } of model!.evaluations!) {
    assert.ok(r2! > 0.9, String(r2));
    assert.equal(outputs!.length, 3);
  }
});

test('a model of other labels is no start', async () => {
  const { together } = await outputsTogetherAndAlone({ k: 2 });
  const { model } = await trained('closed', together, {});
  const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
  const options = { ...defaultOptions, loss: 'ridge', init: 'm', nthreads: 1 } as const;
  const start = (init: typeof model) => train('ssgd', together, options, { ...context, init });
  await assert.rejects(start({ ...model, labelNames: ['y1', 'y0'] }), {
    code: 'MLML_MISMATCH',
    message: /label 0 is "y0", not "y1" as in the model/,
  });
  const { model: again } = await start(model);
  assert.deepEqual(again.labelNames, ['y0', 'y1']);
});

test('outputs of unlike size where one rate cannot serve all are learnt as safely as that goes, with a warning', async () => {
  const { together } = await outputsTogetherAndAlone({ k: 2, n: 400 });
  const { train: file, layout } = together;
  // The last label of each row a thousand times as large.
  const grown = file.mended((bytes, rows) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < rows; i++) {
      const at = (i + 1) * layout.rowBytes - 8;
      view.setFloat64(at, 1000 * view.getFloat64(at, true), true);
    }
  });
  const warnings: string[] = [];
  const context = {
    storage: new MemoryStorage(),
    scratchFolder: '/scratch',
    onEvent: (event: TrainEvent) => event.type === 'warning' && warnings.push(event.message),
  };
  const options = { ...defaultOptions, loss: 'huber', nthreads: 1, epochs: 5, simulated: true } as const;
  const result = await train('ssgd', { ...together, train: grown }, options, context);
  assert.match(
    warnings[0]!,
    /^the labels spread by .* and one learning rate serves all outputs: .* or train a model of each$/,
  );
  assert.ok(result.train!.outputs![0]!.r2 > 0.9, 'the small one is learnt');
  warnings.length = 0;
  await train('ssgd', { ...together, train: grown }, { ...options, loss: 'ridge' }, context);
  assert.deepEqual(
    warnings.filter((message) => message.startsWith('the labels')),
    [],
  );
});
