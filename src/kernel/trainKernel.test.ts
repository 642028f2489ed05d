import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { denseRidge, largestDifference, modelScores } from '../../test/support/kernelRidge.js';
import { classes, targets, trained } from '../../test/support/kernelTraining.js';
import { makeDataset } from '../../test/support/tinyDataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { customKernel } from './functions/customKernel.js';
import type { KernelFunction } from './functions/kernelFunction.js';
import type { KernelTrainOptions, SolverName } from './options.js';

const rbf: KernelFunction = { kind: 'rbf', lengthscale: 2 };
/** Several tiles, the last of them smaller. */
const rbfOptions = { kernel: 'rbf', sigma: 2, tile: 32 };

/**
 * How far scores may be from those of the dense solution. Entries are floats (float64 where asked for), the residual 1e-9;
 * bcd goes on to the residual it is given, ssgd stops where its passes end.
 */
const cases: readonly (readonly [SolverName, boolean, Partial<KernelTrainOptions>, number])[] = [
  ['cg', false, {}, 2e-5],
  ['cg', true, {}, 2e-5],
  ['cg', false, { rank: 0 }, 2e-5],
  ['cg', false, { dtype: 'float64' }, 2e-5],
  ['cg', true, { dtype: 'float16' }, 2e-2],
  ['bcd', false, { tol: 1e-7 }, 2e-5],
  ['bcd', true, { tol: 1e-7, block: 32 }, 2e-5],
  ['closed', true, {}, 2e-5],
  ['closed', true, { dtype: 'float64' }, 2e-5],
  ['nystrom', false, { centers: 90 }, 1e-3],
  ['krr', false, {}, 2e-5],
];

describe('scores are those of the dense solution', () => {
  for (const [solver, store, changes, tolerance] of cases) {
    const name = `${solver}${store ? ' on a stored kernel' : ''} ${JSON.stringify(changes)}`;
    for (const [k, dtype] of [
      [2, 'float32'],
      [10, 'uint8'],
    ] as const) {
      test(`${name}, ${k} classes of ${dtype} rows`, async () => {
        const storage = new MemoryStorage();
        const dataset = await classes(storage, k, dtype);
        const sigma = dtype === 'uint8' ? 0.25 : 2;
        const options = { ...rbfOptions, sigma, reg: [0.3], ...changes };
        const { result } = await trained(solver, storage, dataset, options, store);
        const reference = await denseRidge(dataset, { ...rbf, lengthscale: sigma }, 0.3);
        const scores = await modelScores(storage, result.model, dataset.test);
        const difference = largestDifference(scores, await reference.scores('test'));
        assert.ok(difference < tolerance, `scores differ by ${difference}`);
        assert.equal(result.test?.accuracy, await reference.quality('test'));
        assert.equal(result.train, undefined);
        assert.equal(result.model.k, k);
        assert.ok(result.plan.plannedPeakBytes <= 4e6);
      });
    }
    test(`${name}, regression`, async () => {
      const storage = new MemoryStorage();
      const dataset = await targets(storage);
      const { result } = await trained(
        solver,
        storage,
        dataset,
        { ...rbfOptions, reg: [0.3], simulated: true, ...changes },
        store,
      );
      const reference = await denseRidge(dataset, rbf, 0.3);
      const scores = await modelScores(storage, result.model, dataset.test);
      const wanted = await reference.scores('test');
      // Targets are some units large.
      const difference = largestDifference(scores, wanted);
      assert.ok(difference < 5 * tolerance, `scores differ by ${difference}`);
      for (const part of ['train', 'test'] as const) {
        const rmse = await reference.quality(part);
        assert.ok(
          Math.abs(result[part]!.rmse! - rmse) < 5 * tolerance,
          `${part}: ${result[part]?.rmse}, ${rmse}`,
        );
        assert.equal(result[part]!.rows, part === 'train' ? 90 : 40);
      }
    });
  }
});

test('ssgd comes near the dense solution', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'float64');
  const { result } = await trained('ssgd', storage, dataset, { ...rbfOptions, reg: [1], epochs: 300 });
  const reference = await denseRidge(dataset, rbf, 1);
  const scores = await modelScores(storage, result.model, dataset.test);
  const difference = largestDifference(scores, await reference.scores('test'));
  assert.ok(difference < 0.02, `scores differ by ${difference}`);
  assert.ok(Math.abs(result.test!.accuracy! - (await reference.quality('test'))) <= 1 / 40);
});

describe('other kernels', () => {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>, from = 0, other = 0, d = x.length) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += x[from + j]! * y[other + j]!;
    return sum;
  };
  const named: readonly (readonly [string, Partial<KernelTrainOptions>, KernelFunction])[] = [
    ['arc_cosine', { depth: 2 }, { kind: 'arc_cosine', depth: 2 }],
    ['chi2', { gamma: 0.5 }, { kind: 'chi2', gamma: 0.5 }],
    ['laplacian_l1', { gamma: 0.2 }, { kind: 'laplacian_l1', gamma: 0.2 }],
    [
      'rbf+0.5*linear',
      { sigma: 3 },
      {
        kind: 'sum',
        terms: [
          { kind: 'rbf', lengthscale: 3 },
          { kind: 'scale', factor: 0.5, of: { kind: 'linear' } },
        ],
      },
    ],
    [
      'rbf*cosine',
      { sigma: 3 },
      { kind: 'product', factors: [{ kind: 'rbf', lengthscale: 3 }, { kind: 'cosine' }] },
    ],
  ];
  for (const [kernel, changes, wanted] of named) {
    for (const solver of ['cg', 'closed', 'nystrom'] as const) {
      test(`${solver} with ${kernel}`, async () => {
        const storage = new MemoryStorage();
        // Bytes stay non-negative, as chi2 wants them.
        const dataset = await classes(storage, 3, kernel === 'chi2' ? 'uint8' : 'float32', 70);
        const given = { kernel, reg: [0.5], tile: 32, centers: 70, ...changes };
        const { result } = await trained(solver, storage, dataset, given);
        assert.deepEqual(result.model.kernel, wanted);
        const reference = await denseRidge(dataset, wanted, 0.5);
        const scores = await modelScores(storage, result.model, dataset.test);
        const difference = largestDifference(scores, await reference.scores('test'));
        assert.ok(difference < (solver === 'nystrom' ? 1e-3 : 1e-4), `scores differ by ${difference}`);
      });
    }
  }

  test('one that the program brings, on several threads asked for', async () => {
    customKernel('squared_product', (x, y, rows, columns, d, target) => {
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) target[r * columns + c] = (1 + dot(x, y, r * d, c * d, d) / d) ** 2;
    });
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'float32', 70);
    const given = { kernel: 'custom:squared_product', reg: [0.5], tile: 32, nthreads: 3 };
    const reference = await denseRidge(dataset, (x, y) => (1 + dot(x, y) / x.length) ** 2, 0.5);
    for (const solver of ['cg', 'closed'] as const) {
      const { result } = await trained(solver, storage, dataset, given);
      const scores = await modelScores(storage, result.model, dataset.test);
      const difference = largestDifference(scores, await reference.scores('test'));
      assert.ok(difference < 1e-4, `${solver}: scores differ by ${difference}`);
    }
    const unknown = trained('cg', storage, dataset, { ...given, kernel: 'custom:unknown' });
    await assert.rejects(unknown, { code: 'MLML_USAGE', message: /customKernel\('unknown'/ });
  });
});

describe('few rows', () => {
  for (const solver of ['cg', 'bcd', 'closed', 'ssgd', 'nystrom', 'krr'] as const) {
    for (const [rows, subset, nthreads] of [
      [90, 1, 1],
      [90, 2, 3],
      [3, 0, 4],
      [17, 0, 2],
    ] as const) {
      test(`${solver} on ${subset || rows} of ${rows} rows with ${nthreads} threads`, async () => {
        const storage = new MemoryStorage();
        const dataset = await classes(storage, 3, 'uint8', rows);
        const n = subset || rows;
        const given = {
          kernel: 'rbf',
          sigma: 0.25,
          reg: [1],
          subset,
          sample: 'first' as const,
          nthreads,
          centers: n,
          epochs: 100,
        };
        const { result } = await trained(solver, storage, dataset, given);
        assert.equal(result.model.n, n);
        const reference = await denseRidge(dataset, { kind: 'rbf', lengthscale: 0.25 }, 1, { n });
        const scores = await modelScores(storage, result.model, dataset.test);
        const difference = largestDifference(scores, await reference.scores('test'));
        const tolerance = { ssgd: 0.02, nystrom: 1e-4 }[solver as string] ?? 1e-5;
        assert.ok(difference < tolerance, `scores differ by ${difference}`);
      });
    }
  }

  test('a subset larger than the data set is named', async () => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'uint8', 20);
    for (const solver of ['cg', 'nystrom', 'krr'] as const) {
      const wrong = trained(solver, storage, dataset, { ...rbfOptions, subset: 21 });
      await assert.rejects(wrong, { code: 'MLML_USAGE', message: /--subset=21: tiny has only 20/ });
    }
  });

  test('one row, or equal rows, have no median distance; with a lengthscale they train', async () => {
    const storage = new MemoryStorage();
    const equal = { features: Array.from({ length: 3 }, () => [1, 2]), labels: [0, 1, 1] };
    const dataset = await makeDataset({ train: equal, test: equal, dtype: 'float32' }, storage);
    const wanted = { code: 'MLML_USAGE', message: /no two different rows among \d; give .*--sigma/ };
    await assert.rejects(trained('cg', storage, dataset, { subset: 1 }), wanted);
    await assert.rejects(trained('cg', storage, dataset, {}), wanted);
    const { result } = await trained('cg', storage, dataset, { reg: [1], sigma: 1 });
    // K is a matrix of ones: A = (K + I)^-1 Y scores each row with sum(Y)/(n + 1).
    const [first] = await modelScores(storage, result.model, dataset.test);
    assert.ok(Math.abs(first![0]! - 1 / 4) < 1e-6 && Math.abs(first![1]! - 2 / 4) < 1e-6, String(first));
  });
});
