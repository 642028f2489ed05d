import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denseRidge, largestDifference, modelScores } from '../../../test/support/kernelRidge.js';
import { classes, jobContext, jobOptions, trained } from '../../../test/support/kernelTraining.js';
import { RowSample } from '../../data/rowSample.js';
import { loadModel } from '../../model/loadModel.js';
import { saveModel } from '../../model/saveModel.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { KernelModel } from '../kernelModel.js';
import { findKernel } from '../store/storeList.js';
import { planKernelTraining, trainKernel } from '../trainKernel.js';
import { generateKernel } from './generateKernel.js';

const rbf = { kind: 'rbf', lengthscale: 0.5 } as const;
const given = { kernel: 'rbf', sigma: 0.5, reg: [0.3], subset: 60, seed: 4 } as const;

function numbersOf(rows: number, size: number, seed: number): number[] {
  const sample = new RowSample(rows, size, seed);
  return Array.from({ length: size }, (_, i) => sample.rowAt(i));
}

for (const solver of ['cg', 'bcd', 'closed', 'ssgd', 'nystrom', 'krr'] as const)
  test(`${solver} on a subset learns from the rows drawn, and its model finds them again`, async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float64', 600);
    const numbers = numbersOf(600, 60, 4);
    const { result } = await trained(solver, storage, dataset, { ...given, centers: 60, epochs: 200 });
    const reference = await denseRidge(dataset, rbf, 0.3, { rows: numbers });
    const { model } = result;
    assert.deepEqual(
      [...model.rows.indices!].sort((a, b) => a - b),
      numbers,
    );
    const tolerance = { ssgd: 0.02, nystrom: 1e-4, bcd: 1e-4 }[solver as string] ?? 1e-5;
    const scores = await reference.scores('test');
    assert.ok(largestDifference(await modelScores(storage, model, dataset.test), scores) < tolerance);
    // Read again, with and without rows of its own.
    for (const copyRows of [false, true]) {
      await saveModel(storage, `/model-${copyRows}`, model, { copyRows });
      const read = (await loadModel(storage, `/model-${copyRows}`)) as KernelModel;
      assert.ok(largestDifference(await modelScores(storage, read, dataset.test), scores) < tolerance);
    }
  });

test('a stored kernel of a subset is told by its seed, and solved with that whatever the seed of the solver', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'float64', 600);
  const { context } = jobContext(storage);
  const options = jobOptions(given);
  const made = [];
  for (const change of [{}, { seed: 5 }, { sample: 'first' }] as const)
    made.push((await generateKernel(dataset, { ...options, ...change }, context)).memId);
  assert.equal(new Set(made).size, 3);
  const [memId] = made as [string, ...string[]];
  assert.deepEqual((await findKernel(storage, '/kernels', memId)).dataset, {
    name: 'tiny',
    fingerprint: dataset.description.fingerprint,
    subset: 60,
    sampleSeed: 4,
  });
  const { model } = await trainKernel('cg', dataset, { ...options, memId, seed: 9, sampleSeed: 4 }, context);
  assert.deepEqual([...model.rows.indices!], numbersOf(600, 60, 4));
  for (const [change, message] of [
    [{ seed: 5 }, /its rows are drawn by seed 4, not drawn by seed 5/],
    [{ sample: 'first' }, /drawn by seed 4, not the first \(--sample, --seed\)/],
  ] as const)
    await assert.rejects(trainKernel('cg', dataset, { ...options, memId, ...change }, context), {
      code: 'MLML_MISMATCH',
      message,
    });
});

test('a plan of a subset says so, and touches nothing', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'uint8', 600);
  const { context } = jobContext(storage);
  for (const solver of ['cg', 'nystrom', 'krr'] as const) {
    const plan = await planKernelTraining(solver, dataset, jobOptions(given), context);
    assert.match(plan.notes.at(-1)!, /^60 of 600 rows drawn at random, read where they lie/);
  }
  assert.deepEqual(await storage.list('/scratch'), []);
});
