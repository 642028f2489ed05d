import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { denseLinear } from '../../../test/support/denseLinear.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { Random } from '../../memory/random.js';
import { loadModel } from '../../model/loadModel.js';
import { saveModel } from '../../model/saveModel.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { LinearModel } from '../linearModel.js';
import { defaultOptions, lossNames, optimizerNames, type TrainOptions } from '../options.js';
import { scoreRows } from '../score.js';
import { shuffledOrder, shuffleRandom } from '../shuffle/streams.js';
import { train } from '../train.js';
import type { LearnerOptions } from './learnerOptions.js';
import { openLearner } from './linearLearner.js';

const N = 640;
const D = 21;
const EPOCHS = 2;

const asBytes = (rows: TinyRows): TinyRows => ({
  labels: rows.labels,
  features: rows.features.map((row) => row.map((x) => Math.max(0, Math.min(255, Math.round(128 + 25 * x))))),
});

type Numbers = typeof Float32Array | typeof Float64Array | typeof Uint8Array;

/** Rows `order[from …]` as a learner takes them. */
function rowsOf({ features, labels }: TinyRows, order: ArrayLike<number>, numbers: Numbers) {
  const chosen = Array.from(order);
  return {
    x: numbers.from(chosen.flatMap((row) => [...features[row]!])),
    y: chosen.map((row) => labels[row]!),
  };
}

const all = ({ labels }: TinyRows) => labels.map((_, i) => i);

async function streamed(dataset: Dataset, changes: Partial<TrainOptions>, init?: LinearModel) {
  const options = { ...defaultOptions, bufferBytes: 2e6, nthreads: 1, epochs: EPOCHS, batch: 32, ...changes };
  const context = {
    storage: new MemoryStorage(),
    scratchFolder: '/s',
    ...(init === undefined ? {} : { init }),
  };
  return (await train('ssgd', dataset, options, context)).model;
}

/** The rows of a run of ssgd that keeps them in memory, in its order, some at a time. */
async function learnt(rows: TinyRows, numbers: Numbers, given: LearnerOptions, seed: number, atOnce: number) {
  const learner = await openLearner({ bufferBytes: 2e6, ...given });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = new Uint32Array(N);
    shuffledOrder(order, N, shuffleRandom(seed, 'order', epoch));
    for (let from = 0; from < N; from += atOnce) {
      learner.partialFit(rowsOf(rows, order.subarray(from, Math.min(N, from + atOnce)), numbers));
    }
  }
  return learner.model();
}

function assertSameBits(a: LinearModel, b: LinearModel, message: string): void {
  assert.deepEqual([...a.weights], [...b.weights], message);
  assert.deepEqual([...a.intercept], [...b.intercept], message);
  for (const name of ['multiply', 'add'] as const)
    assert.deepEqual([...a.scaling[name]], [...b.scaling[name]], message);
  assert.deepEqual([a.task, a.loss, a.d, a.k], [b.task, b.loss, b.d, b.k], message);
}

describe('the rows of a run of ssgd in its order end in the same bits', () => {
  const common = { schedule: 'inverse', step: 7, momentum: 0.5 } as const;
  const reg = 0.4;
  const both = async (
    rows: TinyRows,
    dtype: 'float32' | 'float64' | 'uint8',
    numbers: Numbers,
    changes: Partial<TrainOptions> & LearnerOptions,
    atOnce = 64,
    init?: LinearModel,
  ) => {
    const task = changes.loss === 'ridge' && changes.k === 1 ? 'regression' : 'classification';
    const dataset = await makeDataset({ task, dtype, train: rows });
    const { like: _, k: __, ...options } = changes;
    const run = await streamed(dataset, { ...common, reg, seed: 5, ...options }, init);
    const given = { ...common, ...options, like: dataset.description, reg: reg / N };
    const model = await learnt(
      rows,
      numbers,
      init === undefined ? given : { ...given, init, scale: 'auto' },
      5,
      atOnce,
    );
    assert.ok(run.weights.some((weight) => weight !== 0));
    return [run, model] as const;
  };

  for (const loss of lossNames) {
    for (const eta0 of ['auto', 0.01] as const) {
      test(`${loss}, rate ${eta0}`, async () => {
        // An automatic rate is measured on the first rows that come: on all of them here.
        const atOnce = eta0 === 'auto' ? N : 64;
        const [run, model] = await both(clouds(N, D, 3), 'float32', Float32Array, { loss, eta0 }, atOnce);
        assertSameBits(model, run, loss);
      });
    }
  }

  test('optimisers, l1, no intercept', async () => {
    for (const optimizer of optimizerNames) {
      for (const bias of [true, false]) {
        const changes = { loss: 'softmax', eta0: 0.003, optimizer, bias } as const;
        const [run, model] = await both(clouds(N, D, 3), 'float64', Float64Array, changes);
        assertSameBits(model, run, `${optimizer} ${bias}`);
      }
    }
  });

  test('bytes, regression, class weights', async () => {
    const bytes = await both(asBytes(clouds(N, D, 3)), 'uint8', Uint8Array, { loss: 'softmax', eta0: 0.05 });
    assertSameBits(bytes[1], bytes[0], 'bytes');
    const targets = await both(linearTargets(N, D), 'float64', Float64Array, { loss: 'ridge', k: 1 }, N);
    assertSameBits(targets[1], targets[0], 'regression');
    for (const classWeight of ['balanced', '0:2,2:0.5']) {
      const changes = { loss: 'logistic', classWeight } as const;
      const weighted = await both(clouds(N, D, 3), 'float32', Float32Array, changes, N);
      assertSameBits(weighted[1], weighted[0], classWeight);
    }
  });

  test('from a model', async () => {
    const rows = clouds(N, D, 3);
    const init = await streamed(await makeDataset({ dtype: 'float32', train: rows }), { scale: 'none' });
    for (const eta0 of ['auto', 0.001] as const) {
      const [run, model] = await both(rows, 'float32', Float32Array, { loss: 'ridge', eta0 }, N, init);
      assertSameBits(model, run, `${eta0}`);
    }
  });
});

describe('learning', () => {
  test('weights of rows are those of the weighted closed form', async () => {
    const rows = linearTargets(600, 4);
    const weights = rows.labels.map((_, i) => i % 4);
    const learner = await openLearner({
      d: 4,
      k: 1,
      dtype: 'float64',
      weighted: true,
      reg: 1 / 600,
      schedule: 'inverse',
      step: 200,
    });
    for (let pass = 0; pass < 60; pass++)
      learner.partialFit({ ...rowsOf(rows, all(rows), Float64Array), weights });
    const exact = denseLinear(
      rows.features,
      rows.labels.map((y) => [y]),
      1,
      { rowWeights: weights },
    );
    const scores = learner.scores(rowsOf(rows, all(rows), Float64Array).x);
    for (const [i, row] of rows.features.entries())
      assert.ok(Math.abs(scores[i]! - exact.score(row)[0]!) < 0.05, `${scores[i]} ${exact.score(row)}`);
  });

  test('a weight of 0 teaches nothing, absent weights are 1', async () => {
    const rows = clouds(96, 5, 2);
    const given = { d: 5, k: 2, loss: 'logistic', weighted: true, eta0: 0.1 } as const;
    const [one, other, none] = [await openLearner(given), await openLearner(given), await openLearner(given)];
    const batch = rowsOf(rows, all(rows), Float32Array);
    one.partialFit(batch);
    other.partialFit({ ...batch, weights: new Array(96).fill(1) });
    none.partialFit({ ...batch, weights: new Float64Array(96) });
    assertSameBits(one.model(), other.model(), 'ones');
    assert.ok(none.model().weights.every((weight) => weight === 0));
    assert.ok(one.model().weights.some((weight) => weight !== 0));
  });

  test('rows in calls of any size: it learns, says how it goes, predicts as its model does', async () => {
    const rows = clouds(1500, 8, 3);
    const later = clouds(300, 8, 3, 2);
    for (const optimizer of ['sgd', 'adam'] as const) {
      const learner = await openLearner({ d: 8, k: 3, loss: 'softmax', optimizer });
      let first = 0;
      let last = 0;
      for (let from = 0, size = 200; from < 1500; from += size, size = 1 + (from % 77)) {
        const order = all(rows).slice(from, from + size);
        const { rows: count, loss, accuracy } = learner.partialFit(rowsOf(rows, order, Float32Array));
        assert.equal(count, order.length);
        assert.ok(accuracy! >= 0 && accuracy! <= 1);
        first ||= loss;
        last = 0.8 * last + 0.2 * loss;
      }
      assert.equal(learner.samples, 1500);
      assert.ok(last < first, `${last} after ${first}`);
      const { x, y } = rowsOf(later, all(later), Float32Array);
      const predicted = learner.predict(x);
      const right = predicted.filter((label, i) => label === y[i]).length;
      assert.ok(right > 240, `${right} of 300`);
      const dataset = await makeDataset({ dtype: 'float32', train: later });
      const scores = learner.scores(x);
      for await (const block of scoreRows(learner.model(), dataset.train, { bufferBytes: 1e6 })) {
        for (let i = 0; i < 3 * block.rows; i++)
          assert.equal(scores[3 * block.firstRow + i], block.scores[i]);
      }
    }
  });

  test('a model goes on, is a copy, and can be saved', async () => {
    const rows = clouds(640, 6, 2);
    const dataset = await makeDataset({ dtype: 'float32', train: rows });
    const init = await streamed(dataset, { loss: 'logistic', scale: 'standard' });
    const learner = await openLearner({ init });
    const batch = rowsOf(rows, all(rows), Float32Array);
    const before = learner.model();
    const close = (a: Float64Array, b: Float64Array) => a.every((x, i) => Math.abs(x - b[i]!) < 1e-5);
    assert.ok(close(before.weights, init.weights));
    assert.deepEqual([...before.scaling.multiply], [...init.scaling.multiply]);
    const { loss } = learner.partialFit(batch);
    const again = learner.partialFit(batch).loss;
    assert.ok(again <= loss * 1.01, `${again} after ${loss}`);
    assert.ok(close(before.weights, init.weights), 'a copy stays as it is');
    assert.ok(!close(learner.model().weights, init.weights));
    const storage = new MemoryStorage();
    await saveModel(storage, '/model', learner.model());
    const loaded = (await loadModel(storage, '/model')) as LinearModel;
    assert.deepEqual([...loaded.weights], [...learner.model().weights]);
  });

  test('average: the mean of the weights after each step', async () => {
    const rows = clouds(64, 3, 2);
    const given = { d: 3, k: 2, loss: 'logistic', eta0: 0.1, batch: 32 } as const;
    const plain = await openLearner(given);
    const mean = await openLearner({ ...given, average: true });
    const steps: LinearModel[] = [];
    for (const from of [0, 32]) {
      const batch = rowsOf(rows, all(rows).slice(from, from + 32), Float32Array);
      plain.partialFit(batch);
      mean.partialFit(batch);
      steps.push(plain.model());
    }
    for (const [j, weight] of mean.model().weights.entries())
      assert.ok(Math.abs(weight - (steps[0]!.weights[j]! + steps[1]!.weights[j]!) / 2) < 1e-6);
  });

  test('its memory is planned', async () => {
    for (const bufferBytes of [1e5, 1e6, 1e7]) {
      const learner = await openLearner({ d: 784, k: 10, loss: 'softmax', bufferBytes }).catch(
        (error) => error,
      );
      if (bufferBytes > 1e5) assert.ok(learner.plannedPeakBytes <= bufferBytes);
      else {
        assert.equal(learner.code, 'MLML_BUDGET_TOO_SMALL');
        const least = 1e6 * Number(/needs at least ([\d.]+) MB/.exec(learner.message)![1]);
        const small = await openLearner({ d: 784, k: 10, loss: 'softmax', bufferBytes: least });
        const digits = { x: new Uint8Array(784 * 40), y: new Array(40).fill(3) };
        small.partialFit(digits);
        assert.equal(small.predict(digits.x).length, 40);
      }
    }
  });

  test('a rate that is too large is told, and the weights are finite', async () => {
    const rows = linearTargets(320, 4);
    const learner = await openLearner({ d: 4, k: 1, eta0: 1e6 });
    assert.throws(() => learner.partialFit(rowsOf(rows, all(rows), Float32Array)), { code: 'MLML_DIVERGED' });
    assert.ok(learner.model().weights.every(Number.isFinite));
  });
});

test('given one row at a time, of which the start fits the first, it learns all the same', async () => {
  const rows = linearTargets(600, 4);
  for (const loss of ['ridge', 'huber'] as const) {
    const told: string[] = [];
    const onEvent = ({ type }: { type: string }) => told.push(type);
    const learner = await openLearner({ d: 4, k: 1, loss, optimizer: 'adagrad', onEvent });
    for (const row of all(rows)) learner.partialFit(rowsOf(rows, [row], Float64Array));
    assert.ok(!told.includes('warning'), loss);
    const { x, y } = rowsOf(rows, all(rows), Float64Array);
    const off = (scores: ArrayLike<number>) =>
      y.reduce((sum, label, i) => sum + Math.abs(scores[i]! - label), 0);
    const middle = Float64Array.from(y).sort()[300]!;
    assert.ok(off(learner.predict(x)) < 0.9 * off(y.map(() => middle)), loss);
  }
});

test('rows that cannot be used are refused before anything is learnt', async () => {
  const learner = await openLearner({ d: 2, k: 2, loss: 'hinge', weighted: true });
  const plain = await openLearner({ d: 2, k: 1, dtype: 'uint8' });
  const x = Float32Array.of(1, 2, 3, 4);
  const cases: readonly (readonly [() => unknown, string, RegExp])[] = [
    [
      () => learner.partialFit({ x: x.subarray(1), y: [0] }),
      'MLML_USAGE',
      /3 numbers are not whole rows of 2/,
    ],
    [() => learner.partialFit({ x, y: [0] }), 'MLML_USAGE', /y: has 1 labels, x has 2 rows/],
    [() => learner.partialFit({ x, y: [0, 1], weights: [1] }), 'MLML_USAGE', /weights: has 1 numbers/],
    [
      () => learner.partialFit({ x, y: [0, 2] }),
      'MLML_BAD_DATA',
      /row 1: label 2 is not a class number from 0 to 1/,
    ],
    [() => learner.partialFit({ x, y: [0, 1], weights: [1, -1] }), 'MLML_BAD_DATA', /row 1: weight -1/],
    [
      () => learner.partialFit({ x, y: [0, 1], weights: [Number.NaN, 1] }),
      'MLML_BAD_DATA',
      /row 0: weight NaN/,
    ],
    [() => learner.predict(x.subarray(1)), 'MLML_USAGE', /not whole rows/],
    [
      () => learner.predict(Float64Array.of(1, 1e39)),
      'MLML_BAD_DATA',
      /row 0: feature 1: 1e\+39 is no value for float32/,
    ],
    [
      () => learner.scores(Float32Array.of(1, 2, Number.NaN, 4)),
      'MLML_BAD_DATA',
      /row 1: feature 0: NaN is not a finite/,
    ],
    [
      () => plain.partialFit({ x, y: [0, 1], weights: [1, 1] }),
      'MLML_USAGE',
      /open the learner with weighted: true/,
    ],
    [
      () => plain.partialFit({ x: Float32Array.of(1, 256), y: [1] }),
      'MLML_BAD_DATA',
      /256 is no value for uint8/,
    ],
    [
      () => plain.partialFit({ x, y: [1, Number.POSITIVE_INFINITY] }),
      'MLML_BAD_DATA',
      /row 1: target Infinity/,
    ],
  ];
  for (const [job, code, message] of cases) assert.throws(job, { code, message });
  assert.equal(learner.samples, 0);
  assert.ok(learner.model().weights.every((weight) => weight === 0));
  assert.deepEqual(learner.partialFit({ x: new Float32Array(0), y: [] }), { rows: 0, loss: 0, accuracy: 0 });
});

test('options that make no sense', async () => {
  const { description } = await makeDataset({ train: clouds(40, 3, 2) });
  const model = await streamed(await makeDataset({ train: clouds(64, 3, 2) }), {});
  const cases: readonly (readonly [LearnerOptions, string, RegExp])[] = [
    [{ k: 2 }, 'MLML_USAGE', /d=undefined: a learner needs d/],
    [{ d: 3 }, 'MLML_USAGE', /k=undefined: a learner needs k/],
    [{ d: 0, k: 2 }, 'MLML_USAGE', /d=0/],
    [
      { d: 3, k: 2, task: 'regression', loss: 'ridge', labelNames: ['a'] },
      'MLML_USAGE',
      /labelNames \["a"\]: must be 2 different names/,
    ],
    [{ d: 3, k: 1, loss: 'ridge', labelNames: ['a'] }, 'MLML_USAGE', /must be left out with one output/],
    [{ d: 3, k: 1, loss: 'hinge' }, 'MLML_USAGE', /hinge/],
    [{ d: 3, k: 2, dtype: 'int8' as never }, 'MLML_USAGE', /dtype int8/],
    [
      { d: 3, k: 2, schedule: 'linear' as never },
      'MLML_USAGE',
      /schedule linear: needs to know how many rows/,
    ],
    [{ d: 3, k: 2, batch: 0 }, 'MLML_USAGE', /batch 0/],
    [{ d: 3, k: 2, scale: 'standard' }, 'MLML_USAGE', /scale standard: needs the statistics/],
    [{ d: 3, k: 2, classWeight: 'balanced' }, 'MLML_USAGE', /classWeight balanced/],
    [{ d: 3, k: 2, classWeight: '2:1' }, 'MLML_USAGE', /no class '2'/],
    [{ d: 3, k: 2, reg: -1 }, 'MLML_USAGE', /reg/],
    [{ d: 3, k: 2, eta0: 0 }, 'MLML_USAGE', /eta0/],
    [{ like: description, d: 4 }, 'MLML_USAGE', /like tiny: has 3 features/],
    [{ init: model, d: 4 }, 'MLML_MISMATCH', /the model has 3 features/],
    [{ init: model, k: 3 }, 'MLML_MISMATCH', /columns of scores/],
  ];
  for (const [options, code, message] of cases) {
    await assert.rejects(openLearner(options), (error: Error & { code?: string }) => {
      assert.match(error.message, message);
      return error.code === code;
    });
  }
});

test('a learner of several outputs learns each as a learner of it alone does', async () => {
  const random = Random.of(11);
  const [rows, d] = [120, 4];
  const x = Float64Array.from({ length: rows * d }, () => random.normal());
  const y = Array.from({ length: rows }, (_, i) => [x[i * d]! - 2 * x[i * d + 1]!, 5 + 3 * x[i * d + 2]!]);
  const weights = Float64Array.from({ length: rows }, () => 0.5 + random.uniform());
  const given = { d, loss: 'ridge', dtype: 'float64', weighted: true, eta0: 0.05, batch: 8 } as const;
  const learner = await openLearner({ ...given, k: 2, task: 'regression', labelNames: ['a', 'b'] });
  learner.partialFit({ x, y: y.flat(), weights });
  const model = learner.model();
  assert.deepEqual([model.k, model.labelNames], [2, ['a', 'b']]);
  for (const c of [0, 1]) {
    const alone = await openLearner({ ...given, k: 1 });
    alone.partialFit({ x, y: y.map((labels) => labels[c]!), weights });
    const own = alone.model();
    for (let j = 0; j < d; j++)
      assert.ok(Math.abs(model.weights[c * d + j]! - own.weights[j]!) < 1e-5, `output ${c}, weight ${j}`);
    const predictions = learner.predict(x);
    for (const [i, value] of alone.predict(x).entries())
      assert.ok(Math.abs(predictions[2 * i + c]! - value) < 1e-4);
  }
  assert.throws(() => learner.partialFit({ x, y: y.map(([a]) => a!) }), {
    code: 'MLML_USAGE',
    message: 'y: has 120 labels, x has 120 rows of 2 each',
  });
  const bad = y.flat();
  bad[7] = Number.NaN;
  assert.throws(() => learner.partialFit({ x, y: bad }), {
    code: 'MLML_BAD_DATA',
    message: /^row 3: target 1, NaN is not a finite number/,
  });
});
