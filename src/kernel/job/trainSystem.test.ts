import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { denseRidge, largestDifference, modelScores, rowsOf } from '../../../test/support/kernelRidge.js';
import { classes, jobContext, jobOptions, targets, trained } from '../../../test/support/kernelTraining.js';
import { datasetOf, randomRows } from '../../../test/support/solverDatasets.js';
import { makeDataset } from '../../../test/support/tinyDataset.js';
import { writeNumber } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import { openDataset } from '../../data/dataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { KernelFunction } from '../functions/kernelFunction.js';
import type { KernelTrainOptions, SolverName } from '../options.js';
import { trainKernel } from '../trainKernel.js';
import { generateKernel } from './generateKernel.js';
import { markHeldOut } from './heldOutRows.js';

const rbf: KernelFunction = { kind: 'rbf', lengthscale: 2 };
const given = { kernel: 'rbf', sigma: 2, tile: 32 };
const REGS = [100, 0.5, 0.01];
const near = (found: number | undefined, wanted: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(found! - wanted) <= tolerance, `${what}: ${found} instead of ${wanted}`);

/** Numbers of the rows a job learns from, and of those it holds out. */
function split(n: number, options: Pick<KernelTrainOptions, 'holdout' | 'seed'>) {
  const marks = new Uint8Array(n);
  markHeldOut(marks, options);
  const rows = Array.from(marks, (_, i) => i);
  return { learnt: rows.filter((i) => marks[i] === 0), held: rows.filter((i) => marks[i] === 1) };
}

test('nystrom by itself takes 1000 rows, or all when there are fewer; too many that were asked for are refused', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'uint8');
  assert.equal((await trained('nystrom', storage, dataset, { ...given })).result.model.n, 90);
  const learnt = { ...given, reg: [1, 0.1], holdout: 0.2 };
  assert.equal((await trained('nystrom', storage, dataset, learnt)).result.model.n, 72);
  await assert.rejects(trained('nystrom', storage, dataset, { ...given, centers: 91 }), {
    code: 'MLML_USAGE',
    message: '--centers=91: there are only 90 rows to learn from',
  });
});

describe('several regularizations, the best on held-out rows', () => {
  const cases: readonly (readonly [SolverName, boolean, Partial<KernelTrainOptions>])[] = [
    ['cg', false, { refit: false }],
    ['cg', true, { refit: true }],
    ['bcd', false, { tol: 1e-7 }],
    ['nystrom', false, { centers: 72 }],
  ];
  for (const [solver, store, changes] of cases) {
    for (const task of ['classification', 'regression'] as const) {
      test(`${solver} ${JSON.stringify(changes)}, ${task}`, async () => {
        const storage = new MemoryStorage();
        const dataset = task === 'regression' ? await targets(storage) : await classes(storage, 3, 'float32');
        const options = { ...given, reg: REGS, holdout: 0.2, seed: 5, ...changes };
        const { result } = await trained(solver, storage, dataset, options, store);
        const { learnt, held } = split(90, options);
        assert.equal(held.length, 18);
        const scores: number[] = [];
        for (const [l, { regularization, residual, validation }] of result.regularizations.entries()) {
          assert.equal(regularization, REGS[l]);
          assert.ok(residual < 1e-4, `residual ${residual}`);
          const reference = await denseRidge(dataset, rbf, regularization, { rows: learnt });
          const wanted = await reference.quality('train', held);
          // One toss-up of 18 rows at most.
          near(validation, wanted, task === 'regression' ? 1e-3 * wanted : 0.056, `reg ${regularization}`);
          scores.push(validation!);
        }
        const wanted = task === 'regression' ? Math.min(...scores) : Math.max(...scores);
        const best = result.regularizations.find(({ validation }) => validation === wanted)!;
        assert.equal(result.model.regularization, best.regularization);
        const rows = changes.refit === true ? {} : { rows: learnt };
        const reference = await denseRidge(dataset, rbf, best.regularization, rows);
        const found = await modelScores(storage, result.model, dataset.test);
        const difference = largestDifference(found, await reference.scores('test'));
        assert.ok(difference < 5e-3, `scores differ by ${difference}`);
      });
    }
  }

  test('closed chooses by leaving one out', async () => {
    const storage = new MemoryStorage();
    const dataset = await targets(storage, 'float64', 30);
    const { result } = await trained('closed', storage, dataset, { ...given, reg: REGS });
    const everyRow = Array.from({ length: 30 }, (_, i) => i);
    for (const { regularization, validation } of result.regularizations) {
      let sum = 0;
      for (const out of everyRow) {
        const rows = everyRow.filter((i) => i !== out);
        const reference = await denseRidge(dataset, rbf, regularization, { rows });
        sum += (await reference.quality('train', [out])) ** 2;
      }
      const wanted = Math.sqrt(sum / 30);
      near(validation, wanted, 1e-4 * wanted, `reg ${regularization}`);
    }
    const least = Math.min(...result.regularizations.map(({ validation }) => validation!));
    assert.equal(result.leaveOneOut, least);
    assert.equal(
      result.model.regularization,
      result.regularizations.find(({ validation }) => validation === least)!.regularization,
    );
  });

  test('patience holds rows out with one regularization too', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32');
    const { result } = await trained('cg', storage, dataset, {
      ...given,
      rank: 0,
      patience: 2,
      refit: false,
    });
    assert.equal(result.stopped, 'patience');
    assert.ok(result.regularizations[0]!.validation! > 0.5);
  });
});

test('--simulated scores the training rows of a subset', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'float32');
  const all = Array.from({ length: 50 }, (_, i) => i);
  for (const solver of ['cg', 'closed', 'nystrom'] as const) {
    const options = {
      ...given,
      subset: 50,
      sample: 'first' as const,
      simulated: true,
      centers: 50,
      reg: [0.5],
    };
    const { result, events } = await trained(solver, storage, dataset, options);
    const reference = await denseRidge(dataset, rbf, 0.5, { n: 50 });
    assert.equal(result.train?.rows, 50);
    assert.equal(result.train?.accuracy, await reference.quality('train', all), solver);
    assert.equal(result.test?.accuracy, await reference.quality('test'), solver);
    const parts = events.flatMap((event) => (event.type === 'evaluation' ? [event.part] : []));
    assert.deepEqual(parts, ['test', 'train']);
  }
});

test('regression on rows of bytes, whose targets have a type of their own', async () => {
  const storage = new MemoryStorage();
  const dataset = await datasetOf(storage, '/data/bytes', randomRows(80, 5, 1, 'uint8', 3), {
    dtype: 'uint8',
    labelDtype: 'float32',
    k: 1,
  });
  const options = { kernel: 'rbf', sigma: 0.3, tile: 32, centers: 80, reg: [0.1], simulated: true };
  for (const solver of ['cg', 'closed', 'nystrom'] as const) {
    const { result } = await trained(solver, storage, dataset, options);
    assert.equal(result.test, undefined);
    const reference = await denseRidge(dataset, { kind: 'rbf', lengthscale: 0.3 }, 0.1);
    const rmse = await reference.quality('train');
    near(result.train?.rmse, rmse, 1e-3, solver);
    const scores = await modelScores(storage, result.model, dataset.train);
    assert.ok(largestDifference(scores, await reference.scores('train')) < 2e-3);
  }
});

test('threads and budget do not change the scores beyond rounding, threads not a bit', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'uint8', 150);
  const options = { kernel: 'rbf', sigma: 0.25, reg: [0.5] };
  const one = await trained('cg', storage, dataset, options);
  const three = await trained('cg', storage, dataset, { ...options, nthreads: 3 });
  assert.deepEqual(three.result.model.coefficients, one.result.model.coefficients);
  const small = await trained('cg', storage, dataset, { ...options, bufferBytes: 300_000 });
  assert.ok(small.result.plan.plannedPeakBytes <= 300_000);
  const [a, b] = [
    await modelScores(storage, one.result.model, dataset.test),
    await modelScores(storage, small.result.model, dataset.test),
  ];
  assert.ok(largestDifference(a, b) < 1e-5);
});

test('two labels of three classes, two labels only', async () => {
  for (const k of [3, 2]) {
    const storage = new MemoryStorage();
    const train = { features: [[0], [1], [2], [3], [4], [5]], labels: [0, 0, 0, 1, 1, 1] };
    const dataset = await makeDataset({ k, train, test: train, dtype: 'float32' }, storage);
    const { result } = await trained('cg', storage, dataset, { ...given, sigma: 1 });
    assert.equal(result.model.k, k);
    assert.equal(result.test?.accuracy, 1);
    for (const row of await modelScores(storage, result.model, dataset.test))
      if (k === 3) assert.equal(row[2], 0);
  }
});

/** The data set with the label of a training row overwritten, checksums and all else left. */
async function damaged(storage: MemoryStorage, dataset: Dataset, row: number, label: number) {
  const { rowBytes, labelOffset, labelDtype } = dataset.layout;
  const shard = storage.paths().find((path) => path.startsWith(`${dataset.path}/train`))!;
  const bytes = new Uint8Array(8);
  writeNumber(new DataView(bytes.buffer), 0, labelDtype, label);
  const file = await storage.openWrite(shard);
  await file.write(bytes.subarray(0, rowBytes - labelOffset), row * rowBytes + labelOffset);
  return await openDataset(storage, dataset.path);
}

describe('targets that cannot be used', () => {
  const solvers = ['cg', 'nystrom', 'krr'] as const;
  for (const solver of solvers) {
    test(`${solver}: a label out of range`, async () => {
      const storage = new MemoryStorage();
      const dataset = await damaged(storage, await classes(storage, 3, 'uint8'), 70, 7);
      const job = trained(solver, storage, dataset, { ...given, centers: 20 });
      await assert.rejects(job, { code: 'MLML_BAD_DATA', message: /label 7.* from 0 to 2/ });
    });

    test(`${solver}: a target that is not a number`, async () => {
      const storage = new MemoryStorage();
      const dataset = await damaged(storage, await targets(storage), 70, Number.NaN);
      const job = trained(solver, storage, dataset, { ...given, centers: 20 });
      await assert.rejects(job, {
        code: 'MLML_BAD_DATA',
        message: /^train row 70: the label: NaN is not a finite/,
      });
    });
  }
});

describe('options that make no sense', () => {
  const wrong: readonly (readonly [Partial<KernelTrainOptions>, RegExp])[] = [
    [{ reg: [-1] }, /--reg=-1/],
    [{ reg: [0.1, Number.NaN] }, /--reg=0.1,NaN/],
    [{ reg: [Number.POSITIVE_INFINITY] }, /--reg=Infinity/],
    [{ reg: [] }, /--reg/],
    [{ sigma: 2, gamma: 1 }, /--sigma=2 and --gamma=1/],
    [{ sigma: 0 }, /--sigma=0/],
    [{ sigma: Number.NaN }, /--sigma=NaN/],
    [{ reg: [1, 2], holdout: 0 }, /--holdout=0/],
    [{ reg: [1, 2], holdout: 1 }, /--holdout=1/],
    [{ reg: [1, 2], holdout: -0.5 }, /--holdout=-0.5/],
    [{ reg: [1, 2], holdout: Number.NaN }, /--holdout=NaN/],
    [{ reg: [1, 2], holdout: 0.01 }, /leaves 20 of 20 rows to learn from and 0/],
    [{ reg: [1, 2], holdout: 0.99 }, /leaves 0 of 20 rows/],
    [{ reg: [1, 2], subset: 1 }, /1 rows to learn from|of 1 rows/],
    [{ tol: 0 }, /--tol=0/],
    [{ tol: Number.NaN }, /--tol=NaN/],
    [{ passes: 0 }, /--passes=0/],
    [{ subset: -1 }, /--subset=-1/],
    [{ subset: 1.5 }, /--subset=1.5/],
    [{ nthreads: 0 }, /--nthreads=0/],
    [{ bufferBytes: Number.NaN }, /bufferBytes NaN/],
    [{ seed: -1 }, /--seed=-1/],
    [{ momentum: 1 }, /--momentum=1/],
    [{ eta0: 0 }, /--eta0=0/],
    [{ centers: 0 }, /--centers=0/],
    [{ kernel: 'rbff' }, /did you mean 'rbf'/],
  ];
  for (const [changes, message] of wrong) {
    test(
      JSON.stringify(changes, (_, value) =>
        Number.isFinite(value) || typeof value !== 'number' ? value : String(value),
      ),
      async () => {
        const storage = new MemoryStorage();
        const dataset = await classes(storage, 3, 'uint8', 20);
        const { context } = jobContext(storage);
        for (const solver of ['cg', 'bcd', 'nystrom', 'krr'] as const) {
          const options = jobOptions({ kernel: 'rbf', sigma: 0.25, centers: 5, ...changes });
          await assert.rejects(trainKernel(solver, dataset, options, context), {
            code: 'MLML_USAGE',
            message,
          });
        }
      },
    );
  }

  test('reg 0 is an interpolation', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float64', 40);
    const options = { ...given, sigma: 1, reg: [0], dtype: 'float64', simulated: true } as const;
    for (const solver of ['cg', 'closed', 'nystrom'] as const) {
      const { result } = await trained(solver, storage, dataset, { ...options, centers: 40 });
      assert.equal(result.train?.accuracy, 1);
      const { labels } = await rowsOf(dataset, 'train', 'auto');
      for (const [i, row] of (await modelScores(storage, result.model, dataset.train)).entries())
        near(row[labels[i]!], 1, 1e-3, `${solver}, row ${i}`);
    }
  });
});

test('rounding of the entries is told where it shows beside the regularization', async () => {
  const told = async (dtype: 'float16' | 'float32', reg: number) => {
    const storage = new MemoryStorage();
    const changes = { ...given, dtype, reg: [reg], tol: 1e-4 };
    const { warnings } = await trained('cg', storage, await targets(storage), changes, true);
    return warnings().filter((message) => message.startsWith('rounding of the kernel'));
  };
  const [message] = await told('float16', 0.005);
  assert.match(message!, /float16 entries .* regularization of 0.005: .*--dtype=float32 keeps it smaller/);
  assert.deepEqual(await told('float16', 0.01), []);
  assert.deepEqual(await told('float32', 0.005), []);
});

test('a matrix is refused beside a kernel function', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 2, 'float64');
  const { context } = jobContext(storage);
  await assert.rejects(generateKernel(dataset, { ...jobOptions(given), matrix: 'K.npy' }, context), {
    code: 'MLML_USAGE',
    message: /--matrix=K.npy: is for --kernel=precomputed/,
  });
});
