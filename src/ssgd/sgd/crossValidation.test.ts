import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAsDense, openSparseRows, sparseProblem } from '../../../test/support/sparseFixture.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { RowFolds } from '../../data/rowFolds.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { evaluateModel } from '../evaluate.js';
import type { Evaluation, TrainEvent } from '../events.js';
import { defaultOptions, type LossName, lossNames, type TrainOptions, type Verb } from '../options.js';
import { planTraining, train } from '../train.js';

const FOLDS = 4;
const SEED = 5;
/** Without an automatic rate, which is measured on rows of all folds. */
const given = { eta0: 0.01, batch: 8, schedule: 'linear', epochs: 2, seed: SEED } as const;

async function run(verb: Verb, dataset: Dataset | SparseDataset, options: Partial<TrainOptions>) {
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

const foldsOf = (rows: number) => {
  const folds = new RowFolds(FOLDS, SEED);
  return Array.from({ length: rows }, (_, row) => folds.foldOf(row));
};

/** The same rows behind a first feature that is 1, or 0 in the rows of a fold. */
function weighted({ features, labels }: TinyRows, without?: number): TinyRows {
  const folds = foldsOf(labels.length);
  return { labels, features: features.map((row, i) => [folds[i] === without ? 0 : 1, ...row]) };
}

/** The rows of a fold as a part of their own. */
async function evaluateFold(rows: TinyRows, fold: number, model: Parameters<typeof evaluateModel>[0]) {
  const folds = foldsOf(rows.labels.length);
  const own = (_: unknown, i: number) => folds[i] === fold;
  const train = { features: rows.features.filter(own), labels: rows.labels.filter(own) };
  const k = model.task === 'regression' ? 1 : Math.max(model.k, 2);
  const dataset = await makeDataset({ task: model.task, k, train, dtype: 'float32' });
  return await evaluateModel(model, dataset.train, { bufferBytes: 1e6 });
}

function assertSame(found: Evaluation, wanted: Evaluation, tolerance: number): void {
  assert.equal(found.rows, wanted.rows);
  assert.equal(found.accuracy, wanted.accuracy);
  for (const name of ['loss', 'rmse', 'r2'] as const) {
    const [a, b] = [found[name], wanted[name]];
    if (b === undefined) assert.equal(a, undefined);
    else assert.ok(Math.abs(a! - b) <= tolerance * Math.max(1, Math.abs(b)), `${name}: ${a} is not ${b}`);
  }
}

/** Trains, for each fold, on rows of weight 0 in that fold, and compares with what --folds says of it. */
async function compareWithWeights(rows: TinyRows, options: Partial<TrainOptions>, verb: Verb = 'ssgd') {
  const task = options.loss === 'ridge' || options.loss === 'huber' ? 'regression' : 'classification';
  const all = { ...given, ...options, weightColumn: 0 };
  const open = (without?: number) => makeDataset({ task, train: weighted(rows, without), dtype: 'float32' });
  const { crossValidation, model } = await run(verb, await open(), { ...all, folds: FOLDS });
  const alone = await run(verb, await open(), all);
  assert.deepEqual(model.weights, alone.model.weights, 'the model on all rows');
  assert.deepEqual(model.intercept, alone.model.intercept);
  const { evaluations, mean, deviation } = crossValidation![0]!;
  assert.equal(evaluations!.length, FOLDS);
  assert.equal(
    evaluations!.reduce((sum, each) => sum + each.rows, 0),
    rows.labels.length,
  );
  for (const [fold, evaluation] of evaluations!.entries()) {
    const single = await run(verb, await open(fold), all);
    // Losses summed in doubles from weights that are floats: the same to the last digits only if all weights are.
    assertSame(evaluation, await evaluateFold(weighted(rows), fold, single.model), 1e-13);
  }
  const losses = evaluations!.map(({ loss }) => loss);
  const average = losses.reduce((sum, loss) => sum + loss, 0) / FOLDS;
  assert.ok(Math.abs(mean!.loss - average) < 1e-15 * average);
  const squares = losses.reduce((sum, loss) => sum + (loss - average) ** 2, 0);
  assert.ok(Math.abs(deviation!.loss - Math.sqrt(squares / FOLDS)) < 1e-12);
}

describe('a model that leaves out a fold ends in the bits of one whose rows of that fold weigh nothing', () => {
  for (const loss of ['softmax', 'logistic', 'squared_hinge'] as const satisfies readonly LossName[]) {
    test(`${loss}, three classes`, () => compareWithWeights(clouds(403, 5, 3, 1, 3), { loss, reg: 3 }));
  }
  for (const optimizer of ['nesterov', 'adagrad', 'adam'] as const) {
    test(`${optimizer}, averaged, one row a step`, () =>
      compareWithWeights(clouds(202, 5, 2, 1, 3), {
        loss: 'hinge',
        optimizer,
        batch: 1,
        average: true,
        l1: 1,
      }));
  }
  test('regression, sgd in memory', () =>
    compareWithWeights(linearTargets(301, 4, 1, 2), { loss: 'ridge', iters: 90, scale: 'standard' }, 'sgd'));
});

test('without weights, where losses have kernels: the same to single precision', async () => {
  const rows = clouds(800, 6, 3, 1, 3);
  for (const loss of lossNames) {
    const dataset = await makeDataset({ train: rows, dtype: 'float32' });
    const plain = await run('ssgd', dataset, { ...given, loss, folds: FOLDS });
    const column = await makeDataset({ train: weighted(rows), dtype: 'float32' });
    const same = await run('ssgd', column, { ...given, loss, folds: FOLDS, weightColumn: 0 });
    const alone = await run('ssgd', dataset, { ...given, loss });
    assert.deepEqual(plain.model.weights, alone.model.weights, 'the model on all rows');
    for (const [fold, evaluation] of plain.crossValidation![0]!.evaluations!.entries())
      assertSame(evaluation, same.crossValidation![0]!.evaluations![fold]!, 1e-5);
  }
});

test('folds are those of the row file, whatever the order: all shuffles, on disk and in memory, end nearly alike', async () => {
  // A fold that is told apart by one feature: what is learnt from it shows.
  const { features: plain } = linearTargets(3000, 6);
  const labels = plain.map((row) => row.reduce((sum, x) => sum + x, 0));
  const folds = foldsOf(3000);
  const features = plain.map((row, i) => row.map((x, j) => (j === folds[i] ? 10 + x : x)));
  const dataset = await makeDataset({
    task: 'regression',
    train: { features, labels },
    dtype: 'float32',
  });
  const options = { folds: FOLDS, seed: SEED, epochs: 6, scale: 'none', bias: false } as const;
  for (const changes of [
    { bufferBytes: 1e6 },
    { bufferBytes: 24e3 },
    { bufferBytes: 24e3, algo: 'external_sort' },
    { bufferBytes: 24e3, algo: 'block_shuffle' },
    { bufferBytes: 24e3, algo: 'none' },
    { bufferBytes: 24e3, reshuffle: 'once' },
  ] as const) {
    const { crossValidation, plan, train } = await run('ssgd', dataset, { ...options, ...changes });
    assert.ok(train!.rmse! < 2.5);
    assert.ok(plan.plannedPeakBytes <= changes.bufferBytes);
    const { evaluations } = crossValidation![0]!;
    // A model that never saw the fold takes the feature for a small one, of weight 1.
    for (const [fold, { rows, rmse }] of evaluations!.entries()) {
      assert.ok(rows === 750, `${rows}`);
      assert.ok(rmse! > 7, `${JSON.stringify(changes)}, fold ${fold}: rmse ${rmse}`);
    }
  }
});

describe('sparse rows', () => {
  for (const [loss, task] of [
    ['logistic', 'classification'],
    ['softmax', 'classification'],
    ['ridge', 'regression'],
  ] as const) {
    for (const changes of [{ reg: 4 }, { optimizer: 'adagrad', reg: 0, batch: 1 }] as const) {
      test(`${loss}, ${JSON.stringify(changes)}: as the same rows stored dense`, async () => {
        const problem = sparseProblem(400, 60, 5, { task, k: 3 });
        const options = {
          ...given,
          scale: 'none',
          momentum: 0,
          loss,
          folds: FOLDS,
          algo: 'none',
          ...changes,
        } as const;
        const dense = await run('ssgd', await openAsDense(problem), options);
        const sparse = await run('ssgd', await openSparseRows(problem), options);
        const wanted = dense.crossValidation![0]!.evaluations!;
        for (const [fold, found] of sparse.crossValidation![0]!.evaluations!.entries()) {
          assert.equal(found.rows, wanted[fold]!.rows);
          assert.ok(Math.abs(found.loss - wanted[fold]!.loss) < 2e-4 * Math.max(1, wanted[fold]!.loss));
        }
      });
    }
  }

  test('in memory, through the disk and in one pass: the same folds; the model on all rows is that without folds', async () => {
    const problem = sparseProblem(2000, 50, 6, { k: 3 });
    const dataset = await openSparseRows(problem);
    const losses: number[][] = [];
    for (const changes of [
      { bufferBytes: 1e6 },
      { bufferBytes: 60e3 },
      { bufferBytes: 60e3, reshuffle: 'once' },
    ] as const) {
      const options = { ...given, loss: 'softmax', reg: 1, ...changes } as const;
      const { model, crossValidation, plan } = await run('ssgd', dataset, { ...options, folds: FOLDS });
      if (changes.bufferBytes === 1e6)
        assert.deepEqual(model.weights, (await run('ssgd', dataset, options)).model.weights);
      else assert.ok(plan.scratchBytes > 0);
      losses.push(crossValidation![0]!.evaluations!.map(({ loss }) => loss));
      assert.deepEqual(
        crossValidation![0]!.evaluations!.map(({ rows }) => rows),
        [500, 500, 500, 500],
      );
    }
    for (const other of losses.slice(1))
      for (const [fold, loss] of other.entries()) assert.ok(Math.abs(loss - losses[0]![fold]!) < 0.05 * loss);
  });
});

describe('with a sweep', () => {
  test('each model has its folds, the best by its mean is kept, trained on all rows', async () => {
    const dataset = await makeDataset({ train: clouds(900, 6, 3, 1, 3), test: clouds(90, 6, 3, 2, 3) });
    const sweep = { loss: ['ridge', 'softmax'], reg: [1e5, 0.1] } as const;
    const { crossValidation, model, plan, events, ...rest } = await run('ssgd', dataset, {
      ...given,
      sweep,
      folds: 3,
    });
    assert.equal(crossValidation!.length, 4);
    assert.equal('sweep' in rest, false);
    assert.deepEqual(crossValidation!.map((each) => each.model).sort(), [0, 1, 2, 3]);
    const accuracies = crossValidation!.map(({ mean }) => mean!.accuracy!);
    assert.deepEqual(
      accuracies,
      [...accuracies].sort((a, b) => b - a),
    );
    const best = crossValidation![0]!;
    assert.equal(best.options['reg'], 0.1);
    for (const each of crossValidation!) {
      const options = { ...given, ...each.options, folds: 3 } as Partial<TrainOptions>;
      const alone = await run('ssgd', dataset, options);
      assert.deepEqual(alone.crossValidation![0]!.evaluations, each.evaluations);
      if (each !== best) continue;
      assert.deepEqual(alone.model.weights, model.weights);
      assert.deepEqual(alone.test, rest.test);
    }
    assert.ok(plan.notes.some((note) => note.startsWith('16 models trained from one stream')));
    const told = events.filter((event) => event.type === 'folds');
    assert.deepEqual(told, [{ type: 'folds', folds: 3, models: crossValidation }]);
    const numbers = events.flatMap((event) => (event.type === 'rate' ? [event.model] : []));
    assert.deepEqual(numbers, [0, 1, 2, 3], 'models that leave out a fold tell of trouble only');
  });

  test('a model that diverges is out with all its folds', async () => {
    const dataset = await makeDataset({ train: clouds(900, 6, 3, 1, 3) });
    const sweep = { eta0: [1e30, 0.01] };
    const { crossValidation } = await run('ssgd', dataset, { ...given, sweep, folds: 3 });
    assert.deepEqual(
      crossValidation!.map(({ model, fate }) => [model, fate]),
      [
        [1, 'trained'],
        [0, 'diverged'],
      ],
    );
    assert.equal(crossValidation![1]!.evaluations, undefined);
    await assert.rejects(run('ssgd', dataset, { ...given, eta0: 1e30, folds: 3 }), { code: 'MLML_DIVERGED' });
  });
});

test('scored in one pass or, where memory is short, one after another: the same figures', async () => {
  const dataset = await makeDataset({ train: clouds(300, 200, 3, 1, 3), dtype: 'float32' });
  const options = { ...given, algo: 'none', folds: 5, loss: 'softmax' } as const;
  const refused = await run('ssgd', dataset, { ...options, bufferBytes: 1000 }).catch((error) => error);
  assert.equal(refused.code, 'MLML_BUDGET_TOO_SMALL');
  const words = /6 models of 3 outputs needs at least ([\d.]+) MB/.exec(refused.message);
  const bufferBytes = 1e6 * Number(words![1]);
  const small = await run('ssgd', dataset, { ...options, bufferBytes });
  const large = await run('ssgd', dataset, options);
  const held = ({ plan }: typeof small) => plan.regions.find(({ name }) => name === 'score weights')!.bytes;
  assert.equal(held(large), 6 * held(small));
  assert.deepEqual(small.model.weights, large.model.weights);
  assert.deepEqual(small.crossValidation, large.crossValidation);
});

test('as few rows as folds, and rows of a few only in the first block', async () => {
  const dataset = await makeDataset({ task: 'regression', train: linearTargets(5, 2), dtype: 'float32' });
  const { crossValidation } = await run('ssgd', dataset, { folds: 5, epochs: 1 });
  assert.deepEqual(
    crossValidation![0]!.evaluations!.map(({ rows }) => rows),
    [1, 1, 1, 1, 1],
  );
});

test('a model whose rows come later takes nothing from those that have learnt already', async () => {
  const { features, labels } = linearTargets(3000, 6);
  // In the first blocks one row counts, and one model leaves it out.
  const rows = { labels, features: features.map((row, i) => [i === 0 || i > 2900 ? 1 : 0, ...row]) };
  const dataset = await makeDataset({ task: 'regression', train: rows, dtype: 'float32' });
  const options = { bufferBytes: 24e3, algo: 'none', weightColumn: 0, epochs: 1 } as const;
  const alone = await run('ssgd', dataset, options);
  const { model } = await run('ssgd', dataset, { ...options, folds: FOLDS });
  assert.deepEqual(model.weights, alone.model.weights);
});

test('first blocks of a row or two, which a start from their median fits, are nothing that later rows are measured by', async () => {
  const { features, labels } = linearTargets(1500, 70, 111386, 0.5);
  const three = { features, labels: labels.flatMap((y) => [y, 2 * y, y / 2 - 1]) };
  const dataset = await makeDataset({ task: 'regression', k: 3, train: three });
  const options = { loss: 'huber', optimizer: 'adagrad', algo: 'none', batch: 7, scale: 'none' } as const;
  const small = { ...options, bufferBytes: 60e3, seed: 111386, epochs: 2, folds: 7 };
  const { crossValidation, events } = await run('ssgd', dataset, small);
  assert.deepEqual(
    events.filter(({ type }) => type === 'warning'),
    [],
  );
  for (const { r2 } of crossValidation![0]!.evaluations!) assert.ok(r2! > 0.3, `${r2}`);
});

describe('what does not go together is one usage error', () => {
  test('closed on sparse rows', async () => {
    const { description } = await openSparseRows(sparseProblem(30, 10, 3));
    assert.throws(() => planTraining('closed', description, { ...defaultOptions, folds: 5 }), {
      code: 'MLML_USAGE',
      message:
        /--folds=5: closed cross-validates on dense rows, .* sparse rows; use ssgd, or import the rows with --dense$/,
    });
  });

  const cases: readonly (readonly [Verb, Partial<TrainOptions>, RegExp])[] = [
    ['ssgd', { folds: 1 }, /--folds=1: must be a whole number from 2 to 100/],
    ['ssgd', { folds: 2.5 }, /--folds=2.5: must be a whole number/],
    ['sgd', { folds: 101 }, /--folds=101/],
    ['ssgd', { folds: 31 }, /--folds=31: there are only 30 training rows/],
    ['ssgd', { folds: 11, subset: 10 }, /only 10 training rows/],
    ['hsgd', { folds: 5 }, /--folds=5: hsgd trains one model at a time; ssgd, sgd and closed/],
    ['gd', { folds: 5 }, /--folds=5: gd trains one model at a time/],
    ['ssgd', { folds: 5, holdout: 0.1 }, /--holdout=0.1: with --folds/],
    ['ssgd', { folds: 5, patience: 2 }, /--patience=2/],
    ['ssgd', { folds: 5, halving: true, sweep: { reg: [1, 2] } }, /--halving/],
    ['ssgd', { folds: 5, init: 'runs/old' }, /--init=runs\/old: has learnt from rows/],
  ];
  for (const [verb, options, message] of cases) {
    test(`${verb} ${JSON.stringify(options)}`, async () => {
      const { description } = await makeDataset({ train: clouds(30, 3, 2) });
      assert.throws(() => planTraining(verb, description, { ...defaultOptions, ...options }), {
        code: 'MLML_USAGE',
        message,
      });
    });
  }
});
