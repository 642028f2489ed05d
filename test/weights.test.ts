// Class weights and a column of weights, in every linear verb: against the closed form, against rows repeated, and
// against scikit-learn where it is installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { Dtype } from '../src/arithmetic/dtype.js';
import type { Dataset } from '../src/data/dataset.js';
import { Random } from '../src/memory/random.js';
import { loadModel } from '../src/model/loadModel.js';
import { saveModel } from '../src/model/saveModel.js';
import type { LinearModel } from '../src/ssgd/linearModel.js';
import { defaultOptions, type LossName, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { scoreRows } from '../src/ssgd/score.js';
import { planTraining, train } from '../src/ssgd/train.js';
import { MemoryStorage } from '../src/storage/memoryStorage.js';
import { denseLinear, targetsOf } from './support/denseLinear.js';
import { rowsOf } from './support/kernelRidge.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from './support/tinyDataset.js';

/** Whole batches: rows of a last, shorter one would count more. */
const N = 96;
const D = 4;
/** Where the weight of a row lies among its features. */
const COLUMN = 2;
const REG = 0.5;

/** Puts a weight in front of feature COLUMN: whole numbers from 0 to 3, so that rows can be repeated instead. */
function withWeights({ features, labels }: TinyRows, seed = 3): { rows: TinyRows; weights: number[] } {
  const random = Random.of(seed);
  const weights = features.map(() => random.below(4));
  const widened = features.map((row, i) => [...row.slice(0, COLUMN), weights[i]!, ...row.slice(COLUMN)]);
  return { rows: { features: widened, labels }, weights };
}

const asBytes = (rows: TinyRows): TinyRows => ({
  labels: rows.labels,
  features: rows.features.map((row) => row.map((x) => Math.max(0, Math.min(255, Math.round(128 + 25 * x))))),
});

async function trained(verb: Verb, dataset: Dataset, changes: Partial<TrainOptions>): Promise<LinearModel> {
  const passes = { iters: verb === 'gd' ? 4000 : 30_000, epochs: 400 };
  const options = { ...defaultOptions, bufferBytes: 2e6, reg: REG, ...passes, ...changes };
  const { model } = await train(verb, dataset, options, {
    storage: new MemoryStorage(),
    scratchFolder: '/s',
  });
  return model;
}

async function scores(model: LinearModel, dataset: Dataset): Promise<number[][]> {
  const all: number[][] = [];
  for await (const block of scoreRows(model, dataset.train, { bufferBytes: 1e6 })) {
    for (let i = 0; i < block.rows; i++)
      all.push(Array.from(block.scores.subarray(i * model.k, (i + 1) * model.k)));
  }
  return all;
}

function difference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  let most = 0;
  for (const [i, row] of a.entries())
    for (const [c, x] of row.entries()) most = Math.max(most, Math.abs(x - b[i]![c]!));
  return most;
}

const kinds = ['classes', 'bytes', 'regression'] as const;

/** A data set whose column COLUMN holds weights. */
async function weighted(kind: (typeof kinds)[number]) {
  const plain = kind === 'regression' ? linearTargets(N, D) : clouds(N, D, 3);
  const { rows, weights } = withWeights(kind === 'bytes' ? asBytes(plain) : plain);
  const dtype: Dtype = kind === 'bytes' ? 'uint8' : 'float64';
  const task = kind === 'regression' ? 'regression' : 'classification';
  return { dataset: await makeDataset({ task, dtype, train: rows }), weights };
}

/** The exact weighted solution, on the features without the column. */
async function exactScores(
  dataset: Dataset,
  rowWeights: readonly number[],
  column: number | undefined,
  bias: boolean,
) {
  const { features, labels } = await rowsOf(dataset, 'train', 'auto');
  const used = features.map((row) => row.filter((_, j) => j !== column));
  const fit = denseLinear(used, targetsOf(dataset, labels), REG, { rowWeights, bias });
  return used.map(fit.score);
}

const verbs: readonly (readonly [Verb, number, Partial<TrainOptions>])[] = [
  ['closed', 1e-9, {}],
  ['gd', 1e-6, {}],
  ['sgd', 0.03, {}],
  ['ssgd', 0.03, {}],
  ['ssgd', 0.03, { average: true }],
  ['ssgd', 0.03, { optimizer: 'adam' }],
  // Several threads without locks end a little elsewhere each time.
  ['hsgd', 0.03, { nthreads: 1 }],
];

describe('ridge regression is the weighted closed form', () => {
  for (const kind of kinds) {
    for (const bias of [true, false]) {
      test(`${kind}, ${bias ? 'with' : 'without'} an intercept`, async () => {
        const { dataset, weights } = await weighted(kind);
        const byColumn = await exactScores(dataset, weights, COLUMN, bias);
        for (const [verb, tolerance, changes] of verbs) {
          // Without an intercept features are not centred and steps are small.
          if (!bias && tolerance > 0.01) continue;
          const model = await trained(verb, dataset, { ...changes, bias, weightColumn: COLUMN });
          const error = difference(await scores(model, dataset), byColumn);
          assert.ok(error < tolerance, `${verb} ${JSON.stringify(changes)}: ${error}`);
          for (let c = 0; c < model.k; c++) assert.equal(model.weights[c * (D + 1) + COLUMN], 0);
          assert.equal(model.weightColumn, COLUMN);
        }
      });
    }
  }

  test('class weights, and both together', async () => {
    for (const kind of ['classes', 'bytes'] as const) {
      const { dataset, weights } = await weighted(kind);
      const { labels } = await rowsOf(dataset, 'train', 'auto');
      const byClass = labels.map((label) => [2, 1, 0.25][label]!);
      const both = byClass.map((weight, i) => weight * weights[i]!);
      const classWeight = '2:0.25,0:2';
      for (const [verb, tolerance, changes] of verbs) {
        const alone = await trained(verb, dataset, { ...changes, classWeight });
        const first = difference(
          await scores(alone, dataset),
          await exactScores(dataset, byClass, undefined, true),
        );
        assert.ok(first < tolerance, `${verb}, ${kind}: ${first}`);
        const model = await trained(verb, dataset, { ...changes, classWeight, weightColumn: COLUMN });
        const second = difference(
          await scores(model, dataset),
          await exactScores(dataset, both, COLUMN, true),
        );
        assert.ok(second < tolerance, `${verb}, ${kind}, with a column: ${second}`);
      }
    }
  });

  test('balanced: every class has the same sum of weights', async () => {
    const { dataset } = await weighted('classes');
    const { labels } = await rowsOf(dataset, 'train', 'auto');
    const rowWeights = labels.map((label) => N / (3 * labels.filter((other) => other === label).length));
    const exact = await exactScores(dataset, rowWeights, undefined, true);
    for (const verb of ['closed', 'gd'] as const) {
      const model = await trained(verb, dataset, { classWeight: 'balanced' });
      assert.ok(difference(await scores(model, dataset), exact) < 1e-6, verb);
    }
  });

  test('conjugate gradients', async () => {
    const d = 120;
    for (const bias of [true, false]) {
      const { rows, weights } = withWeights(linearTargets(90, d));
      const dataset = await makeDataset({ task: 'regression', train: rows });
      const options = { bufferBytes: 90_000, bias, weightColumn: COLUMN };
      const plan = planTraining('closed', dataset.description, { ...defaultOptions, ...options });
      assert.match(plan.notes.join(), /conjugate gradients/);
      const { features, labels } = await rowsOf(dataset, 'train', 'auto');
      const used = features.map((row) => row.filter((_, j) => j !== COLUMN));
      const exact = denseLinear(used, targetsOf(dataset, labels), REG, { rowWeights: weights, bias });
      const model = await trained('closed', dataset, options);
      const error = difference(await scores(model, dataset), used.map(exact.score));
      assert.ok(error < 1e-4, `${error}`);
    }
  });

  test('closed without reg: the column does not make the system singular', async () => {
    const { dataset, weights } = await weighted('regression');
    const { features, labels } = await rowsOf(dataset, 'train', 'auto');
    const used = features.map((row) => row.filter((_, j) => j !== COLUMN));
    const exact = denseLinear(used, targetsOf(dataset, labels), 0, { rowWeights: weights });
    const model = await trained('closed', dataset, { reg: 0, weightColumn: COLUMN });
    assert.ok(difference(await scores(model, dataset), used.map(exact.score)) < 1e-8);
  });
});

describe('a weight of 3 is a row three times, a weight of 0 is no row', () => {
  for (const loss of ['softmax', 'logistic', 'hinge', 'squared_hinge', 'huber'] as const) {
    test(loss, async () => {
      const { dataset, weights } = await weighted('classes');
      const { features, labels } = await rowsOf(dataset, 'train', 'none');
      const repeat = <T>(values: readonly T[]) =>
        values.flatMap((value, i) => new Array<T>(weights[i]!).fill(value));
      const repeated = await makeDataset({
        k: 3,
        train: { features: repeat(features), labels: repeat(labels) },
      });
      const smooth = loss !== 'hinge';
      // Steps of either are noisy at a kink.
      const limits: readonly (readonly [Verb, number])[] = [
        ['gd', smooth ? 1e-4 : 0.2],
        ['ssgd', smooth ? 0.3 : 0.5],
        ['sgd', smooth ? 0.3 : 0.5],
        ['hsgd', smooth ? 0.3 : 0.5],
      ];
      // Scaled alike: the statistics of the two data sets differ.
      const common = { loss, scale: 'none', reg: 2 } as const;
      const wanted = await trained('gd', repeated, { ...common, weightColumn: COLUMN, iters: 4000 }).catch(
        () => undefined,
      );
      // In the repeated set the column must not count again.
      const ones = repeat(features).map((row) => row.map((x, j) => (j === COLUMN ? 1 : x)));
      const reference = await makeDataset({ k: 3, train: { features: ones, labels: repeat(labels) } });
      const exact = await trained('gd', reference, { ...common, weightColumn: COLUMN, iters: 4000 });
      assert.notDeepEqual(wanted?.weights, exact.weights);
      const expected = await scores(exact, dataset);
      for (const [verb, limit] of limits) {
        const model = await trained(verb, dataset, { ...common, weightColumn: COLUMN, nthreads: 1 });
        const error = difference(await scores(model, dataset), expected);
        assert.ok(error < limit, `${verb}: ${error}`);
      }
    });
  }
});

test('the column is stored, and prediction ignores what it holds', async () => {
  const storage = new MemoryStorage();
  const { dataset } = await weighted('classes');
  const model = await trained('ssgd', dataset, { weightColumn: COLUMN, epochs: 3 });
  await saveModel(storage, '/model', model);
  const loaded = (await loadModel(storage, '/model')) as LinearModel;
  assert.equal(loaded.weightColumn, COLUMN);
  const { features, labels } = await rowsOf(dataset, 'train', 'none');
  const other = features.map((row) => row.map((x, j) => (j === COLUMN ? 1e6 : x)));
  const changed = await makeDataset({ k: 3, train: { features: other, labels } });
  assert.deepEqual(await scores(loaded, changed), await scores(model, dataset));
});

test('rows that do not count', async () => {
  const { dataset } = await weighted('classes');
  const rows = await rowsOf(dataset, 'train', 'none');
  const features = rows.features.map((row, i) => row.map((x, j) => (j === COLUMN ? Number(i >= 10) : x)));
  const made = await makeDataset({ k: 3, train: { features, labels: rows.labels } });
  for (const verb of ['closed', 'gd'] as const) {
    await assert.rejects(trained(verb, made, { weightColumn: COLUMN, subset: 10, sample: 'first' }), {
      code: 'MLML_BAD_DATA',
      message: 'the weight of every training row used is 0',
    });
  }
  await assert.rejects(
    trained('gd', made, { weightColumn: COLUMN, subset: 10, sample: 'first', loss: 'softmax' }),
    {
      message: 'the weight of every training row used is 0',
    },
  );
  const { weights } = await trained('ssgd', made, {
    weightColumn: COLUMN,
    subset: 10,
    sample: 'first',
    epochs: 2,
  });
  assert.ok(weights.every((weight) => weight === 0));
});

const python = spawnSync('python3', ['-c', 'import sklearn'], { encoding: 'utf8' });
const skip = python.status === 0 ? false : 'python3 with scikit-learn is not installed';

describe('scikit-learn', { skip }, () => {
  /** Runs a script that reads JSON and prints JSON. */
  const run = (script: string, input: unknown) => {
    const code = `import json, sys\nimport numpy as np\ngiven = json.load(sys.stdin)\nX = np.array(given['x'])\ny = np.array(given['y'])\n${script}`;
    const { status, stdout, stderr } = spawnSync('python3', ['-c', code], {
      input: JSON.stringify(input),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as number[][];
  };

  test('Ridge(sample_weight)', async () => {
    const { dataset, weights } = await weighted('regression');
    const { features, labels } = await rowsOf(dataset, 'train', 'auto');
    const x = features.map((row) => row.filter((_, j) => j !== COLUMN));
    const script = `
from sklearn.linear_model import Ridge
model = Ridge(alpha=${REG}).fit(X, y, sample_weight=given['w'])
print(json.dumps([[s] for s in model.predict(X)]))`;
    const wanted = run(script, { x, y: labels, w: weights });
    const model = await trained('closed', dataset, { weightColumn: COLUMN });
    assert.ok(difference(await scores(model, dataset), wanted) < 1e-8);
  });

  for (const [loss, classWeight, text] of [
    ['softmax', "'balanced'", 'balanced'],
    ['softmax', '{0: 2, 1: 1, 2: 0.25}', '0:2,2:0.25'],
  ] as const) {
    test(`LogisticRegression(class_weight=${classWeight})`, async () => {
      const { dataset } = await weighted('classes');
      const { features, labels } = await rowsOf(dataset, 'train', 'auto');
      const script = `
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(C=${1 / REG}, class_weight=${classWeight}, tol=1e-10, max_iter=10000).fit(X, y)
print(json.dumps(model.predict_proba(X).tolist()))`;
      const wanted = run(script, { x: features, y: labels });
      const model = await trained('gd', dataset, {
        loss: loss as LossName,
        classWeight: text,
        iters: 4000,
      });
      const found = (await scores(model, dataset)).map((row) => {
        const powers = row.map(Math.exp);
        const sum = powers.reduce((a, b) => a + b, 0);
        return powers.map((power) => power / sum);
      });
      const error = difference(found, wanted);
      assert.ok(error < 1e-4, `${error}`);
    });
  }
});
