import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAsDense, openSparseRows, sparseProblem } from '../../../test/support/sparseFixture.js';
import type { Dataset } from '../../data/dataset.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { sparseDtypes } from '../../data/sparse/sparseRecord.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type LossName, type TrainOptions, type Verb } from '../options.js';
import { planTraining, train } from '../train.js';
import { planSparse } from './planSparse.js';

async function run(verb: Verb, dataset: Dataset | SparseDataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, ...options },
    { storage: new MemoryStorage(), scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  const losses = events.flatMap((event) => (event.type === 'row' ? [event.loss] : []));
  return { ...result, events, losses };
}

function assertNear(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const limit = tolerance * Math.max(1, Math.abs(wanted[i]!));
    assert.ok(Math.abs(found[i]! - wanted[i]!) <= limit, `place ${i}: ${found[i]} is not ${wanted[i]}`);
  }
}

/** Steps in stored order, of whole batches, that dense and sparse rows have in common. */
const inOrder = {
  algo: 'none',
  scale: 'none',
  momentum: 0,
  eta0: 0.02,
  batch: 8,
  epochs: 3,
  logfreq: 10,
  step: 50,
} as const;

describe('sparse rows train to the weights of the same rows stored dense', () => {
  const losses: readonly LossName[] = ['logistic', 'hinge', 'squared_hinge', 'softmax', 'ridge'];
  for (const loss of losses) {
    for (const penalty of [{ reg: 0 }, { reg: 40 }, { reg: 0, l1: 4 }, { reg: 20, l1: 2 }]) {
      test(`${loss}, reg ${penalty.reg}, l1 ${penalty.l1 ?? 0}`, async () => {
        const problem = sparseProblem(400, 60, 5);
        const options = { ...inOrder, loss, ...penalty };
        const dense = await run('ssgd', await openAsDense(problem), options);
        const sparse = await run('ssgd', await openSparseRows(problem), options);
        // Single precision, in another order of sums.
        assertNear(sparse.losses, dense.losses, 2e-4);
        assertNear(sparse.model.weights, dense.model.weights, 2e-4);
        assertNear(sparse.model.intercept, dense.model.intercept, 2e-4);
        assertNear([sparse.test!.loss], [dense.test!.loss], 2e-4);
        if (penalty.l1 !== undefined) {
          const zeros = (weights: Float64Array) => weights.filter((weight) => weight === 0).length;
          assert.ok(zeros(sparse.model.weights) > 0);
          assert.ok(Math.abs(zeros(sparse.model.weights) - zeros(dense.model.weights)) <= 2);
        }
      });
    }
  }

  for (const loss of ['softmax', 'logistic', 'ridge'] as const) {
    test(`five classes, ${loss}`, async () => {
      const problem = sparseProblem(400, 60, 5, { k: 5 });
      const options = { ...inOrder, loss, reg: 10, l1: 1 };
      const dense = await run('ssgd', await openAsDense(problem), options);
      const sparse = await run('ssgd', await openSparseRows(problem), options);
      assertNear(sparse.model.weights, dense.model.weights, 2e-4);
      assert.equal(sparse.test!.accuracy, dense.test!.accuracy);
    });
  }

  for (const loss of ['ridge', 'huber'] as const) {
    test(`regression, ${loss}`, async () => {
      const problem = sparseProblem(400, 60, 5, { task: 'regression' });
      const options = { ...inOrder, loss, reg: 1 };
      const dense = await run('ssgd', await openAsDense(problem), options);
      const sparse = await run('ssgd', await openSparseRows(problem), options);
      assertNear(sparse.model.weights, dense.model.weights, 2e-4);
      assertNear([sparse.test!.rmse!, sparse.test!.r2!], [dense.test!.rmse!, dense.test!.r2!], 2e-4);
    });
  }

  test('AdaGrad, a row a step, without penalties', async () => {
    const problem = sparseProblem(300, 60, 5);
    const options = {
      ...inOrder,
      optimizer: 'adagrad',
      batch: 1,
      reg: 0,
      eta0: 0.1,
      loss: 'logistic',
    } as const;
    const dense = await run('ssgd', await openAsDense(problem), options);
    const sparse = await run('ssgd', await openSparseRows(problem), options);
    assertNear(sparse.model.weights, dense.model.weights, 5e-4);
  });

  test('AdaGrad with penalties comes to the same minimum', async () => {
    const problem = sparseProblem(600, 20, 4);
    const options = { loss: 'logistic', reg: 5, l1: 2, epochs: 120, scale: 'none', bias: false } as const;
    const adagrad = await run('ssgd', await openSparseRows(problem), { ...options, optimizer: 'adagrad' });
    const descent = await run('ssgd', await openSparseRows(problem), options);
    assertNear(adagrad.model.weights, descent.model.weights, 0.05);
  });

  test('class weights', async () => {
    const problem = sparseProblem(400, 60, 5);
    const options = { ...inOrder, loss: 'logistic', classWeight: '0:1,1:5' } as const;
    const dense = await run('ssgd', await openAsDense(problem), options);
    const sparse = await run('ssgd', await openSparseRows(problem), options);
    assertNear(sparse.model.weights, dense.model.weights, 2e-4);
  });

  test('scaling to variance 1 without centring has the minimum of centred features', async () => {
    const problem = sparseProblem(400, 12, 4);
    const options = { loss: 'ridge', scale: 'standard', reg: 1 } as const;
    const exact = await run('closed', await openAsDense(problem), options);
    const sparse = await run('ssgd', await openSparseRows(problem), { ...options, epochs: 300 });
    // `closed` has a column for each class.
    assertNear(sparse.model.weights, exact.model.weights, 0.02);
    assertNear([sparse.test!.loss], [exact.test!.loss], 0.01);
    assert.ok(sparse.model.scaling.add.every((value) => value === 0));
  });

  test('every number type holds the same rows', async () => {
    const problem = sparseProblem(200, 30, 5);
    const whole = {
      ...problem,
      train: problem.train.map(({ label, pairs }) => ({
        label,
        pairs: pairs.map(([j, value]) => [j, 1 + Math.floor(5 * value)] as const),
      })),
    };
    const weights = [];
    for (const dtype of sparseDtypes)
      weights.push(
        (await run('ssgd', await openSparseRows(whole, dtype), { ...inOrder, loss: 'hinge' })).model,
      );
    assert.deepEqual(weights[1]!.weights, weights[0]!.weights);
    assert.deepEqual(weights[2]!.weights, weights[0]!.weights);
  });
});

describe('what goes with training', () => {
  const options = { loss: 'logistic', reg: 1, scale: 'none' } as const;

  test('any budget: the least that is asked for works, and predictions of memory hold', async () => {
    const problem = sparseProblem(3000, 200, 8);
    const dataset = await openSparseRows(problem);
    const { description } = dataset;
    for (const bytes of [1e6, 200e3, 100e3, 60e3]) {
      const given = { ...defaultOptions, ...options, bufferBytes: bytes };
      const plan = planTraining('ssgd', description, given);
      assert.ok(plan.plannedPeakBytes <= bytes, `${plan.plannedPeakBytes} of ${bytes}`);
      const { test: found, samples } = await run('ssgd', dataset, given);
      assert.equal(samples, 9000);
      assert.ok(found!.accuracy! > 0.85, `${bytes}: ${found!.accuracy}`);
    }
    await assert.rejects(run('ssgd', dataset, { ...options, bufferBytes: 1000 }), (error: Error) => {
      const least = Number(/at least ([\d.]+) MB/.exec(error.message)![1]) * 1e6;
      assert.ok(planSparse('ssgd', description, { ...defaultOptions, ...options, bufferBytes: least }));
      return true;
    });
  });

  test('sgd, sweeps, held-out rows, patience, averages, a start from a model', async () => {
    const problem = sparseProblem(1200, 80, 6);
    const dataset = await openSparseRows(problem);
    const sgd = await run('sgd', dataset, { ...options, iters: 300 });
    assert.ok(sgd.test!.accuracy! > 0.8);
    const sweep = await run('ssgd', dataset, {
      loss: 'logistic',
      sweep: { reg: [0.1, 1000], loss: ['hinge', 'logistic'] },
    });
    assert.equal(sweep.sweep!.length, 4);
    assert.equal(sweep.sweep![0]!.options.reg, 0.1);
    const patient = await run('ssgd', dataset, { ...options, epochs: 30, patience: 2, average: true });
    assert.ok(patient.bestEpoch! >= 1);
    assert.equal(patient.heldOut!.rows, 120);
    const { model } = await run('ssgd', dataset, options);
    const storage = new MemoryStorage();
    const events: TrainEvent[] = [];
    const context = {
      storage,
      scratchFolder: '/s',
      init: model,
      onEvent: (event: TrainEvent) => events.push(event),
    };
    const given = { ...defaultOptions, ...options, scale: 'standard', epochs: 1, eta0: 1e-9 } as const;
    const again = await train('ssgd', dataset, given, context);
    assert.ok(Math.abs(again.test!.loss - (await run('ssgd', dataset, options)).test!.loss) < 1e-3);
  });

  for (const bufferBytes of [10e6, 90e3]) {
    for (const extra of [
      { l1: 1 },
      { optimizer: 'adagrad', patience: 3, average: true },
      { algo: 'none' },
    ] as const) {
      test(`a run cut off anywhere ends in the same bits: ${bufferBytes} bytes, ${JSON.stringify(extra)}`, async () => {
        const dataset = await openSparseRows(sparseProblem(1500, 100, 6));
        const given = { ...defaultOptions, ...options, ...extra, epochs: 3, bufferBytes };
        const whole = await run('ssgd', dataset, given);
        const storage = new MemoryStorage();
        let result: Awaited<ReturnType<typeof train>> | undefined;
        let begun = 0;
        for (let stop = 20; result === undefined; stop += 60) {
          const controller = new AbortController();
          let saved = 0;
          begun++;
          result = await train('ssgd', dataset, given, {
            storage,
            scratchFolder: '/scratch',
            signal: controller.signal,
            checkpoint: { folder: '/states', every: { kind: 'time', milliseconds: 0 } },
            onEvent: ({ type }) => {
              if (type === 'checkpoint' && ++saved === stop) controller.abort();
            },
          }).catch((error) => {
            assert.ok(controller.signal.aborted, error);
            return undefined;
          });
        }
        assert.ok(begun > 1);
        assert.deepEqual(result.model.weights, whole.model.weights);
        assert.deepEqual(result.model.intercept, whole.model.intercept);
        assert.deepEqual(result.test, whole.test);
        assert.deepEqual(
          storage.paths().filter((path) => path.includes('scratch')),
          [],
        );
      });
    }
  }

  test('hsgd with threads', async () => {
    const problem = sparseProblem(4000, 300, 8);
    const dataset = await openSparseRows(problem);
    const { plan } = await run('hsgd', dataset, options);
    assert.equal(plan.threads ?? 1, 1, 'too little work for more than one');
    const large = await openSparseRows({ ...problem, train: Array(25).fill(problem.train).flat() });
    const free = await run('hsgd', large, { ...options, epochs: 4, nthreads: 2, l1: 1 });
    assert.equal(free.plan.threads, 2);
    const alone = await run('ssgd', large, { ...options, epochs: 4, l1: 1 });
    assert.ok(Math.abs(free.test!.accuracy! - alone.test!.accuracy!) < 0.02);
    assert.ok(Math.abs(free.test!.loss - alone.test!.loss) < 0.05);
  });

  const refused: readonly (readonly [Verb, Partial<TrainOptions>, RegExp])[] = [
    ['closed', { folds: 5 }, /--folds=5: closed cross-validates on dense rows, .*--dense/],
    ['gd', { weightColumn: 1 }, /--weight-column=1: is for dense rows/],
    ['ssgd', { optimizer: 'adam' }, /--optimizer=adam: .* use sgd or adagrad/],
    ['ssgd', { sweep: { optimizer: ['sgd', 'nesterov'] } }, /--optimizer=nesterov/],
    ['ssgd', { algo: 'external_sort' }, /--algo=external_sort/],
    ['ssgd', { weightColumn: 0 }, /--weight-column=0/],
    ['ssgd', { sweep: { momentum: [0, 0.9] } }, /--sweep momentum/],
  ];
  for (const [verb, given, message] of refused) {
    test(`refuses ${verb} ${JSON.stringify(given)}`, async () => {
      const dataset = await openSparseRows(sparseProblem(50, 10, 3));
      await assert.rejects(run(verb, dataset, given), { code: 'MLML_USAGE', message });
    });
  }
});
