import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RareRows, rareDatasets, rareRows } from '../../../test/support/rareRows.js';
import { makeDataset } from '../../../test/support/tinyDataset.js';
import { scalingBytes, writeScaling } from '../../arithmetic/gather.js';
import type { Dataset } from '../../data/dataset.js';
import { RowFolds } from '../../data/rowFolds.js';
import { rowLayout } from '../../data/rowLayout.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { openLearner } from '../learner/linearLearner.js';
import { defaultOptions, type TrainOptions, type Verb } from '../options.js';
import { startThreads } from '../startThreads.js';
import { train } from '../train.js';
import { fullSquare, holdLongRows } from './longRows.js';
import { planStreaming } from './planStreaming.js';
import type { StepBatch } from './runParts.js';
import { SharedStep } from './sharedStep.js';
import { trainStreaming } from './trainStreaming.js';

function batchOf(squares: readonly number[], weights?: readonly number[]): StepBatch {
  return {
    filled: squares.length,
    squareBound: Number.POSITIVE_INFINITY,
    largestSquare: Math.max(...squares),
    squareOf: (i: number) => squares[i]!,
    weights: weights && Float64Array.from(weights),
  } as unknown as StepBatch;
}

function held(squares: readonly number[], full: number, bias = 0, weights?: readonly number[]): number[] {
  const slopes = new Float32Array(2 * squares.length).fill(1);
  holdLongRows(batchOf(squares, weights), slopes, 2, bias, full);
  return Array.from(squares, (_, i) => {
    assert.equal(slopes[2 * i], slopes[2 * i + 1], 'all columns alike');
    return slopes[2 * i]!;
  });
}

test('rows up to the bound count in full, longer ones together as much as one at it', () => {
  assert.deepEqual(held([1, 4, 2], 4), [1, 1, 1]);
  assert.deepEqual(held([1, 16, 2], 4), [1, 0.25, 1]);
  assert.deepEqual(held([1, 16, 16], 4), [1, 0.125, 0.125]);
  assert.deepEqual(held([3, 15], 4, 1), [1, 0.25], 'the intercept is one more feature');
  assert.deepEqual(held([4, 4], 8, 0, [2, 8]), [1, 0.25], 'a weight makes a row longer');
  assert.deepEqual(held([1e30, 4], 4, 0, [0, 1]), [1, 1], 'a row that does not count');
  assert.deepEqual(held([9, 16], Number.POSITIVE_INFINITY), [1, 1], 'at a rate of 0');
  assert.equal(fullSquare(0.01, 2, 32, 0.9), (32 * (1 - 0.9)) / 0.02);
});

test('rows of the fold that a model leaves out hold back nothing', () => {
  const slopes = new Float32Array([1, 1, 1]);
  const batch = { ...batchOf([16, 16, 1]), folds: Float64Array.of(0, 1, 1) } as unknown as StepBatch;
  holdLongRows(batch, slopes, 1, 0, 4, 1);
  assert.deepEqual([...slopes], [0.25, 1, 1]);
});

type Data = Dataset | SparseDataset;

async function run(verb: Verb, dataset: Data, options: Partial<TrainOptions> = {}) {
  const events: TrainEvent[] = [];
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, scale: 'standard', simulated: true, ...options },
    { storage: new MemoryStorage(), scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  return { ...result, events, warnings };
}

describe('rows of a rare category, far longer than the others', () => {
  const ways: readonly (readonly [Verb, Partial<TrainOptions>])[] = [
    ['ssgd', {}],
    ['ssgd', { optimizer: 'nesterov' }],
    ['ssgd', { momentum: 0 }],
    ['ssgd', { optimizer: 'adam', epochs: 6 }],
    ['ssgd', { optimizer: 'adagrad', epochs: 6 }],
    ['ssgd', { holdout: 0.1 }],
    ['ssgd', { batch: 1 }],
    ['ssgd', { batch: 32, epochs: 6 }],
    ['sgd', { iters: 6000 }],
    ['hsgd', { nthreads: 1 }],
  ];
  for (const kind of ['dense', 'sparse'] as const) {
    for (const size of [1, 1e5]) {
      test(`${kind}, targets of about ${size}: every way comes near the exact solution, for every seed`, async () => {
        const best = await run('closed', (await rareDatasets({ size })).dense);
        const dataset = (await rareDatasets({ size }))[kind];
        for (const [verb, options] of ways) {
          if (
            kind === 'sparse' &&
            (options.optimizer === 'adam' || options.optimizer === 'nesterov' || options.momentum === 0)
          )
            continue;
          for (const seed of [1, 2, 3]) {
            const { train: found, warnings, halvings } = await run(verb, dataset, { ...options, seed });
            const what = `${verb} ${JSON.stringify(options)}, seed ${seed}`;
            assert.deepEqual([warnings, halvings], [[], 0], what);
            assert.ok(
              found!.loss < 1.05 * best.train!.loss,
              `${what}: ${found!.loss}, not ${best.train!.loss}`,
            );
          }
        }
      });
    }

    for (const loss of ['ridge', 'huber', 'softmax', 'logistic', 'hinge', 'squared_hinge'] as const) {
      test(`${kind}, ${loss} of classes`, async () => {
        const dataset = (await rareDatasets({ task: 'classification' }))[kind];
        const long = await run('ssgd', dataset, { loss, epochs: 40, seed: 9 });
        for (const seed of [1, 2, 3, 4, 5]) {
          const { train: found, warnings } = await run('ssgd', dataset, { loss, seed });
          assert.deepEqual(warnings, []);
          assert.ok(
            found!.loss < 1.1 * long.train!.loss,
            `seed ${seed}: ${found!.loss}, not ${long.train!.loss}`,
          );
        }
      });
    }

    test(`${kind}, huber with targets far from 0 and from each other`, async () => {
      const dataset = (await rareDatasets({ size: 1e5 }))[kind];
      const long = await run('ssgd', dataset, { loss: 'huber', reg: 0, epochs: 60 });
      for (const seed of [1, 2, 3, 4]) {
        const { train: found } = await run('ssgd', dataset, { loss: 'huber', reg: 0, seed });
        assert.ok(found!.loss < 1.05 * long.train!.loss, `${found!.loss}, not ${long.train!.loss}`);
        assert.ok(found!.r2! > 0.7, `${found!.r2}`);
      }
    });
  }
});

test('no label of a fold decides where the model that leaves it out starts, its rate, or what it becomes', async () => {
  const { features, labels } = rareRows({ size: 1e4 });
  const folds = new RowFolds(3, 0);
  const own = labels.filter((_, i) => folds.foldOf(i) === 0);
  const squares = own.reduce((sum, label) => sum + label * label, 0) / own.length;
  for (const loss of ['ridge', 'huber'] as const) {
    const errors: number[] = [];
    for (const factor of [1, 2, 30]) {
      const changed = labels.map((label, i) => (folds.foldOf(i) === 0 ? factor * label : label));
      const dataset = await makeDataset({ task: 'regression', train: { features, labels: changed } });
      const options = { loss, folds: 3, simulated: false } as const;
      const { crossValidation } = await run('ssgd', dataset, options);
      const { rmse, r2 } = crossValidation![0]!.evaluations![0]!;
      if (factor === 1) assert.ok(r2! > 0.6, `${loss}: ${r2}`);
      errors.push(rmse! ** 2);
    }
    // Of predictions p for targets f·y the mean squared error is p² − 2f·py + f²·y²: two of them give the third.
    const product = (errors[0]! - errors[1]! + 3 * squares) / 2;
    const predicted = errors[0]! + 2 * product - squares;
    const third = predicted - 60 * product + 900 * squares;
    assert.ok(Math.abs(third - errors[2]!) < 1e-9 * third, `${loss}: ${third}, ${errors[2]}`);
  }
});

test('models of a sweep have the bits they have alone, where rows are held back', async () => {
  const { dense } = await rareDatasets();
  const common = { holdout: 0.1, algo: 'none', batch: 4, simulated: false } as const;
  const sweep = await run('ssgd', dense, {
    ...common,
    sweep: { momentum: [0, 0.9], loss: ['ridge', 'huber'] },
  });
  const { momentum, loss } = sweep.sweep![0]!.options as { momentum: number; loss: 'ridge' };
  const alone = await run('ssgd', dense, { ...common, momentum, loss });
  assert.deepEqual(sweep.model.weights, alone.model.weights);
});

test('the same bits with 1, 2 and 3 threads, where rows are held back and threads gather them', async () => {
  // So wide that a batch is worth dividing.
  const random = Random.of(4, 4);
  const d = 2000;
  const features = Array.from({ length: 160 }, (_, i) =>
    Array.from({ length: d }, () => (i % 50 === 20 ? 40 : 1) * random.normal()),
  );
  const labels = features.map((row) => Number(row[0]! + row[1]! > 0));
  const dataset = await makeDataset({ train: { features, labels }, dtype: 'float32' });
  for (const loss of ['logistic', 'ridge'] as const) {
    const options = {
      ...defaultOptions,
      loss,
      scale: 'none',
      batch: 32,
      epochs: 3,
      bufferBytes: 1e6,
    } as const;
    const weights: Float64Array[] = [];
    for (const threads of [1, 2, 3]) {
      const plan = planStreaming('ssgd', dataset.description, options, threads);
      const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
      const { model, halvings } = await trainStreaming(plan, dataset, options, context);
      assert.equal(halvings, 0);
      weights.push(model.weights.slice());
    }
    assert.deepEqual(weights[1], weights[0]);
    assert.deepEqual(weights[2], weights[0]);
  }
});

test('threads that gather rows find the largest squared norm by the way, each of its rows', async () => {
  const d = 48;
  const random = Random.of(8);
  const rows = Array.from({ length: 10 }, () => Array.from({ length: d }, () => random.normal()));
  const layout = rowLayout(d, 'float32', 'float32');
  const arena = new Arena([
    { name: 'rows', bytes: rows.length * layout.rowBytes },
    { name: 'order', bytes: 4 * rows.length },
    { name: 'scaling', bytes: scalingBytes(d, d, 'float32', 32) },
    { name: 'x', bytes: 4 * d * rows.length },
    { name: 'scores', bytes: 64 },
  ]);
  for (const [i, row] of rows.entries()) arena.float32('rows').set([...row, 0], (i * layout.rowBytes) / 4);
  arena.uint32('order').set([...rows.keys()]);
  const scaling = { multiply: new Float64Array(d).fill(2), add: new Float64Array(d) };
  writeScaling(arena.buffer, arena.address('scaling'), d, 'float32', 32, scaling);
  const workspace = await startThreads(arena, 3);
  try {
    const shared = new SharedStep(workspace.threads, arena.float32('scores'));
    const block = { base: arena.address('rows'), order: arena.address('order'), from: 0, to: rows.length };
    const gather = (from: number, count: number, squares: boolean) =>
      shared.gather(block, layout, from, count, d, arena.address('scaling'), arena.address('x'), squares);
    const squareOf = (row: readonly number[]) => row.reduce((sum, x) => sum + 4 * Math.fround(x) ** 2, 0);
    for (const [from, count] of [
      [0, 10],
      [3, 7],
      [5, 2],
      [9, 1],
    ] as const) {
      const wanted = Math.max(...rows.slice(from, from + count).map(squareOf));
      assert.ok(Math.abs(gather(from, count, true) - wanted) < 1e-5 * wanted, `${from}, ${count}`);
      assert.equal(gather(from, count, false), 0);
    }
  } finally {
    await workspace.threads.close();
  }
});

test('a run that was stopped goes on to the same bits: rates and what rows are held back by are part of the state', async () => {
  for (const options of [{ loss: 'huber' }, { optimizer: 'adam' }, {}] as const) {
    const given: RareRows = { size: 1e4 };
    const { dense } = await rareDatasets(given);
    const whole = await run('ssgd', dense, options);
    const storage = new MemoryStorage();
    let saves = 0;
    const again = async (limit: number) =>
      await train(
        'ssgd',
        dense as Dataset,
        { ...defaultOptions, scale: 'standard', simulated: true, ...options },
        {
          storage,
          scratchFolder: '/scratch',
          checkpoint: {
            folder: '/states',
            every: { kind: 'time', milliseconds: limit === Number.POSITIVE_INFINITY ? 1e9 : 0 },
          },
          onEvent: ({ type }) => {
            if (type === 'checkpoint' && ++saves === limit) throw new Error('killed');
          },
        },
      );
    await assert.rejects(again(300), { message: 'killed' });
    const { model } = await again(Number.POSITIVE_INFINITY);
    assert.deepEqual(model.weights, whole.model.weights);
    assert.deepEqual(model.intercept, whole.model.intercept);
  }
});

test('a learner holds back rows that are far longer than those it began with', async () => {
  const { features, labels } = rareRows({ rows: 1200 });
  const isLong = (i: number) => i === 1060 || i === 1130;
  const long = features.map((row, i) => (isLong(i) ? row.map(() => 300) : row));
  const truth = (row: readonly number[]) =>
    row[0]! - 0.5 * row[1]! + 0.25 * row[2]! + 3 * row[4]! - row[5]! + 2;
  const learner = await openLearner({ d: 6, k: 1 });
  const targets = long.map((row, i) => (isLong(i) ? truth(row) + 5 : labels[i]!));
  learner.partialFit({ x: Float64Array.from(long.flat()), y: targets });
  const predictions = learner.predict(Float64Array.from(features.flat()));
  const squares = features.reduce((sum, row, i) => sum + (predictions[i]! - truth(row)) ** 2, 0);
  assert.ok(squares / features.length < 0.5, `${squares / features.length}`);
});
