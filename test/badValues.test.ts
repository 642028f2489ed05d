// NaN and infinities that come into a stored data set after its import, or past it: every verb names the place.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Dtype, dtypeBytes, writeNumber } from '../src/arithmetic/dtype.js';
import { type Dataset, openDataset } from '../src/data/dataset.js';
import { generateKernel } from '../src/kernel/job/generateKernel.js';
import type { SolverName } from '../src/kernel/options.js';
import { evaluate } from '../src/model/evaluation/evaluate.js';
import { predict } from '../src/model/predict.js';
import { defaultOptions, type LossName, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { MemoryStorage } from '../src/storage/memoryStorage.js';
import { jobContext, jobOptions, trained } from './support/kernelTraining.js';
import { clouds, linearTargets, makeDataset } from './support/tinyDataset.js';

const D = 5;

async function dataset(
  storage: MemoryStorage,
  dtype: Dtype,
  task: 'classification' | 'regression' = 'classification',
) {
  const rows = (n: number, seed: number) =>
    task === 'regression' ? linearTargets(n, D, seed) : clouds(n, D, 3, seed);
  return await makeDataset({ task, dtype, train: rows(200, 1), test: rows(50, 2) }, storage);
}

/** Writes a value over a feature (or the label, j = D) of a stored row. */
async function spoil(
  storage: MemoryStorage,
  { layout }: Dataset,
  part: 'train' | 'test',
  row: number,
  j: number,
  value: number,
) {
  const bytes = new Uint8Array(dtypeBytes[layout.dtype]);
  writeNumber(new DataView(bytes.buffer), 0, layout.dtype, value);
  const path = `/data/tiny/${part}.rows`;
  const file = await storage.openRead(path);
  const all = new Uint8Array(file.byteLength);
  await file.readInto(all, 0);
  await file.close();
  all.set(bytes, row * layout.rowBytes + j * bytes.length);
  const target = await storage.create(path);
  await target.write(all, 0);
  await target.close();
  return await openDataset(storage, '/data/tiny');
}

const context = (storage: MemoryStorage) => ({ storage, scratchFolder: '/scratch' });
const bad = (place: string) => ({
  code: 'MLML_BAD_DATA',
  message: new RegExp(`^${place}: .* is not a finite number; import the rows again, with --on-nan=zero or`),
});

const linear: readonly (readonly [Verb, LossName, Partial<typeof defaultOptions>])[] = [
  ['closed', 'ridge', {}],
  // Too small for the Gram matrix of 5 features: conjugate gradients.
  ...(['gd', 'sgd', 'ssgd', 'hsgd'] as const).flatMap((verb) =>
    (['ridge', 'softmax', 'logistic', 'hinge', 'squared_hinge', 'huber'] as const).map(
      (loss) => [verb, loss, {}] as const,
    ),
  ),
  ['ssgd', 'ridge', { eta0: 1e-3 }],
  ['ssgd', 'hinge', { eta0: 1e-3 }],
];

describe('linear verbs', () => {
  for (const dtype of ['float16', 'float32', 'float64'] as const) {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      test(`${value} in ${dtype}`, async () => {
        for (const [verb, loss, changes] of linear) {
          const storage = new MemoryStorage();
          const made = await dataset(storage, dtype);
          const data = await spoil(storage, made, 'train', 137, 2, value);
          const options = { ...defaultOptions, loss, iters: 60, ...changes };
          await assert.rejects(
            train(verb, data, options, context(storage)),
            bad('train row 137: feature 2'),
            `${verb} ${loss}`,
          );
        }
      });
    }
  }

  test('conjugate gradients of closed', async () => {
    const storage = new MemoryStorage();
    const rows = clouds(60, 300, 3);
    const made = await makeDataset({ dtype: 'float32', train: rows }, storage);
    const data = await spoil(storage, made, 'train', 7, 299, Number.NaN);
    const options = { ...defaultOptions, bufferBytes: 250_000 };
    const { planTraining } = await import('../src/ssgd/train.js');
    assert.match(planTraining('closed', data.description, options).notes.join(), /conjugate gradients/);
    for (const reg of [0, 0.1]) {
      const job = train('closed', data, { ...options, reg }, context(storage));
      await assert.rejects(job, bad('train row 7: feature 299'));
    }
  });

  test('a target', async () => {
    for (const verb of ['closed', 'gd', 'sgd', 'ssgd', 'hsgd'] as const) {
      const storage = new MemoryStorage();
      const made = await dataset(storage, 'float32', 'regression');
      const data = await spoil(storage, made, 'train', 41, D, Number.NaN);
      const job = train(verb, data, { ...defaultOptions, iters: 60 }, context(storage));
      await assert.rejects(job, bad('train row 41: the label'), verb);
    }
  });

  test('a test row', async () => {
    for (const verb of ['closed', 'gd', 'sgd', 'ssgd', 'hsgd'] as const) {
      const storage = new MemoryStorage();
      const made = await dataset(storage, 'float32');
      const data = await spoil(storage, made, 'test', 49, 4, Number.NEGATIVE_INFINITY);
      const job = train(verb, data, { ...defaultOptions, iters: 60 }, context(storage));
      await assert.rejects(job, bad('test row 49: feature 4'), verb);
    }
  });

  test('rows that are not used do no harm', async () => {
    const storage = new MemoryStorage();
    const made = await dataset(storage, 'float32');
    const data = await spoil(storage, made, 'train', 150, 4, Number.NaN);
    const { test: score } = await train(
      'ssgd',
      data,
      { ...defaultOptions, subset: 150, sample: 'first' },
      context(storage),
    );
    assert.ok(score!.accuracy! > 0.5);
  });
});

const kernels = { kernel: 'rbf', sigma: 2, centers: 50, tile: 64 };
const solvers: readonly SolverName[] = ['cg', 'bcd', 'closed', 'ssgd', 'nystrom', 'krr'];

describe('kernel verbs', () => {
  test('generate and every solver', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const storage = new MemoryStorage();
      const made = await dataset(storage, 'float32');
      const data = await spoil(storage, made, 'train', 3, 0, value);
      const wanted = bad('train row 3: feature 0');
      await assert.rejects(generateKernel(data, jobOptions(kernels), jobContext(storage).context), wanted);
      for (const solver of solvers)
        await assert.rejects(trained(solver, storage, data, kernels), wanted, solver);
      assert.deepEqual(
        storage.paths().filter((path) => path.startsWith('/kernels')),
        [],
      );
    }
  });

  test('test rows', async () => {
    const storage = new MemoryStorage();
    const made = await dataset(storage, 'float64');
    const data = await spoil(storage, made, 'test', 12, 1, Number.NaN);
    for (const solver of solvers)
      await assert.rejects(trained(solver, storage, data, kernels), bad('test row 12: feature 1'), solver);
  });
});

test('predict and evaluate, by linear and kernel models: nothing is left of the file', async () => {
  const storage = new MemoryStorage();
  const made = await dataset(storage, 'float32');
  const models = [
    (await train('closed', made, defaultOptions, context(storage))).model,
    (await trained('cg', storage, made, kernels)).result.model,
  ];
  const data = await spoil(storage, made, 'test', 33, 3, Number.POSITIVE_INFINITY);
  for (const model of models) {
    const wanted = bad('test row 33: feature 3');
    const options = { bufferBytes: 1e6, nthreads: 1 };
    await assert.rejects(evaluate(storage, model, data.test, options), wanted);
    for (const name of ['out.csv', 'out.npy'])
      await assert.rejects(predict(storage, model, data.test, `/${name}`, options), wanted);
  }
  assert.deepEqual(
    storage.paths().filter((path) => path.includes('out')),
    [],
  );
});
