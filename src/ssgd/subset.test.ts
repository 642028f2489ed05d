import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSparseRows, sparseProblem } from '../../test/support/sparseFixture.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from '../../test/support/tinyDataset.js';
import { RowSample } from '../data/rowSample.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { defaultOptions, type TrainOptions, verbs } from './options.js';
import { planTraining, type TrainResult, train } from './train.js';

const given: Partial<TrainOptions> = { scale: 'none', bias: false, bufferBytes: 1e6, nthreads: 1 };

function numbersOf(rows: number, size: number, seed: number): number[] {
  const sample = new RowSample(rows, size, seed);
  return Array.from({ length: size }, (_, i) => sample.rowAt(i));
}

const pick = <T>(all: readonly T[], numbers: readonly number[]) => numbers.map((row) => all[row]!);

function chosen({ features, labels }: TinyRows, numbers: readonly number[]): TinyRows {
  return { features: pick(features, numbers), labels: pick(labels, numbers) };
}

/** closed and gd sum around the mean of all training rows: the last digits differ. */
function assertSame(of: TrainResult, expected: TrainResult): void {
  assert.equal(of.samples, expected.samples);
  for (const [j, weight] of of.model.weights.entries())
    assert.ok(Math.abs(weight - expected.model.weights[j]!) < 1e-6, `weight ${j}: ${weight}`);
  for (const part of ['train', 'test'] as const)
    assert.ok(Math.abs(of[part]!.loss - expected[part]!.loss) < 1e-6, `${part}: ${of[part]!.loss}`);
}

for (const verb of verbs)
  test(`${verb} on a subset is ${verb} on a data set of just those rows, drawn by the seed`, async () => {
    const rows = verb === 'closed' ? linearTargets(3000, 4) : clouds(3000, 4, 3);
    const task = verb === 'closed' ? 'regression' : 'classification';
    const storage = new MemoryStorage();
    const test = clouds(200, 4, 3, 2);
    const whole = await makeDataset({ task, train: rows, test }, storage, '/whole');
    const trained = async (
      seed: number,
      subset: number,
      dataset = whole,
      more: Partial<TrainOptions> = {},
    ) => {
      const options = { ...defaultOptions, ...given, simulated: true, seed, subset, ...more };
      return await train(verb, dataset, options, { storage, scratchFolder: '/scratch' });
    };
    for (const seed of [0, 5]) {
      const numbers = numbersOf(3000, 400, seed);
      const alone = await makeDataset({ task, train: chosen(rows, numbers), test }, storage, `/alone${seed}`);
      const [of, expected] = [await trained(seed, 400), await trained(seed, 0, alone)];
      assertSame(of, expected);
      assert.equal(of.model.fingerprint, whole.description.fingerprint);
      assert.ok(of.plan.notes.some((note) => note.startsWith('400 of 3000 rows drawn at random')));
    }
    const first = await makeDataset(
      { task, train: chosen(rows, [...Array(400).keys()]), test },
      storage,
      '/first',
    );
    const [of, expected] = [await trained(0, 400, whole, { sample: 'first' }), await trained(0, 0, first)];
    assertSame(of, expected);
  });

test('held-out rows are held out of the subset', async () => {
  const rows = clouds(3000, 4, 3);
  const storage = new MemoryStorage();
  const whole = await makeDataset({ train: rows }, storage, '/whole');
  const alone = await makeDataset({ train: chosen(rows, numbersOf(3000, 500, 2)) }, storage, '/alone');
  const run = async (dataset: typeof whole, subset: number) => {
    const options = { ...defaultOptions, ...given, seed: 2, subset, holdout: 0.2 };
    return await train('ssgd', dataset, options, { storage, scratchFolder: '/scratch' });
  };
  const [of, expected] = [await run(whole, 500), await run(alone, 0)];
  assert.equal(of.heldOut!.rows, 100);
  assert.deepEqual(of.heldOut, expected.heldOut);
});

test('sparse rows of a subset are copied to scratch, which is empty afterwards', async () => {
  const problem = sparseProblem(2000, 50, 6);
  for (const dtype of ['float32', 'float64'] as const) {
    const storage = new MemoryStorage();
    const whole = await openSparseRows(problem, dtype, storage);
    const numbers = numbersOf(2000, 300, 1);
    const alone = await openSparseRows({ ...problem, train: pick(problem.train, numbers) }, dtype);
    const options: TrainOptions = { ...defaultOptions, ...given, loss: 'logistic', seed: 1, eta0: 0.1 };
    // The bytes of a subset are bounded, not known: the same plan is had where rows are handed over as they lie.
    const run = async (dataset: typeof whole, subset: number) =>
      await train(
        'ssgd',
        dataset,
        { ...options, subset, algo: 'none' },
        { storage, scratchFolder: '/scratch' },
      );
    const [of, expected] = [await run(whole, 300), await run(alone, 0)];
    assert.deepEqual([...of.model.weights], [...expected.model.weights]);
    assert.deepEqual(await storage.list('/scratch'), []);
    const plan = planTraining('ssgd', whole.description, { ...options, subset: 300 });
    assert.ok(plan.neededScratchBytes! > 0);
    assert.match(plan.notes.at(-1)!, /^300 of 2000 rows drawn at random, copied to scratch/);
    const shuffled = await train(
      'ssgd',
      whole,
      { ...options, subset: 300 },
      { storage, scratchFolder: '/scratch' },
    );
    assert.equal(shuffled.samples, 900);
  }
});

test('a value that is no number is named by its row in the file', async () => {
  const storage = new MemoryStorage();
  const rows = clouds(1000, 3, 2);
  const dataset = await makeDataset({ train: rows, dtype: 'float64' }, storage, '/bad');
  const [row] = numbersOf(1000, 100, 0).slice(37);
  const file = await storage.openWrite('/bad/train.rows');
  await file.write(new Uint8Array(Float64Array.of(Number.NaN).buffer), row! * 32 + 8);
  await file.close();
  const options = { ...defaultOptions, ...given, subset: 100 };
  await assert.rejects(train('closed', dataset, options, { storage, scratchFolder: '/scratch' }), {
    code: 'MLML_BAD_DATA',
    message: new RegExp(`^train row ${row}: feature 1`),
  });
});
