import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jobContext, jobOptions, trained } from '../../../test/support/kernelTraining.js';
import {
  openAsDense,
  openSparseRows,
  type SparseProblem,
  sparseProblem,
} from '../../../test/support/sparseFixture.js';
import { storedEntries } from '../../../test/support/sparseKernels.js';
import type { ScalingName } from '../../data/scaling.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { customKernel } from '../functions/customKernel.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import type { GenerateOptions, SolverName } from '../options.js';
import { planGenerate } from './generateKernel.js';

/** 90 rows of 60 features, some of which are equal or have no feature at all. */
function rowsOf(values: 'floats' | 'bytes'): SparseProblem {
  const made = sparseProblem(90, 60, 7);
  const byte = (x: number) => Math.ceil(100 * x);
  const train = made.train.map((row, i) => {
    if (i % 10 === 3) return { ...row, pairs: [] };
    const { pairs } = i % 10 === 7 ? made.train[i - 1]! : row;
    return values === 'floats' ? row : { ...row, pairs: pairs.map(([j, x]) => [j, byte(x)] as const) };
  });
  return { ...made, train };
}

const kernels = [
  { kernel: 'rbf', sigma: 2 },
  { kernel: 'laplacian', sigma: 3 },
  { kernel: 'matern', sigma: 3, nu: 2.5 },
  { kernel: 'laplacian_l1', gamma: 0.05 },
  { kernel: 'chi2', gamma: 0.1 },
  { kernel: 'linear' },
  { kernel: 'polynomial', degree: 2 },
  { kernel: 'sigmoid' },
  { kernel: 'cosine' },
  { kernel: 'arc_cosine' },
  { kernel: 'ntk', depth: 2 },
  { kernel: '0.5*rbf*cosine+linear', sigma: 2 },
] as const;

/** Largest error of an entry, as a share of the largest entry; that of a root is largest where distances are next to 0. */
const tolerance: Readonly<Record<TileDtype, number>> = { float16: 1e-3, float32: 2e-6, float64: 1e-12 };

function compare(a: Float64Array, b: Float64Array, most: number, what: string) {
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
  assert.ok(worst <= most * largest, `${what}: ${worst} of ${largest}`);
}

describe('kernels of sparse rows are those of the same rows stored dense', () => {
  for (const choice of kernels) {
    for (const scale of ['none', 'standard'] as const) {
      const { kernel } = choice;
      if (kernel === 'chi2' && scale === 'standard') continue;
      test(`${kernel}, --scale=${scale}`, async () => {
        const problem = rowsOf('floats');
        for (const dtype of ['float16', 'float32', 'float64'] as const) {
          const options = {
            ...choice,
            scale: scale as ScalingName,
            dtype,
            tile: 32,
          } as Partial<GenerateOptions>;
          const sparse = await storedEntries(await openSparseRows(problem), options);
          const dense = await storedEntries(await openAsDense(problem), options);
          // 0 in doubles is some 10⁻⁸ under the root.
          const root = kernel === 'laplacian' || kernel === 'arc_cosine' || kernel === 'ntk';
          const most = root ? Math.max(1e-6, tolerance[dtype]) : tolerance[dtype];
          compare(sparse.entries, dense.entries, most, dtype);
        }
      });
    }
  }

  test('bytes are compared in integers: equal rows have distance 0, and entries are right to the last bit', async () => {
    const problem = rowsOf('bytes');
    const sigma = 500;
    const options = { kernel: 'rbf', sigma, scale: 'none', dtype: 'float64', tile: 32 } as const;
    const { entries } = await storedEntries(await openSparseRows(problem, 'uint8'), options);
    const features = problem.train.map(({ pairs }) => {
      const row = new Float64Array(problem.d);
      for (const [j, x] of pairs) row[j] = x;
      return row;
    });
    for (let i = 0; i < features.length; i++) {
      for (let j = 0; j <= i; j++) {
        const square = features[i]!.reduce((sum, x, f) => sum + (x - features[j]![f]!) ** 2, 0);
        const found = entries[(i * (i + 1)) / 2 + j]!;
        if (square === 0) assert.equal(found, 1);
        assert.ok(Math.abs(found - Math.exp(-square / (2 * sigma ** 2))) < 4e-16);
      }
    }
    assert.equal(entries[(17 * 18) / 2 + 16], 1);
  });

  test('the same bits for 1, 2 and 3 threads, and any budget: whole blocks, and rows that pass by', async () => {
    const problem = sparseProblem(400, 200, 20);
    const options = { kernel: 'rbf', sigma: 2, scale: 'standard', tile: 64 } as const;
    const one = await storedEntries(await openSparseRows(problem), options);
    assert.ok(one.plan.notes.some((note) => note.includes('all rows stay in memory')));
    for (const [nthreads, bufferBytes] of [
      [2, 4e6],
      [3, 4e6],
      [2, 1.2e6],
      [1, 0.45e6],
    ] as const) {
      const other = await storedEntries(await openSparseRows(problem), { ...options, nthreads, bufferBytes });
      if (bufferBytes < 1e6) assert.ok(other.plan.notes.some((note) => note.includes('pass')));
      assert.deepEqual(other.entries, one.entries);
    }
  });

  test('many features: memory grows with them by what is planned, not with rows × features', async () => {
    const d = 200_000;
    const problem = { ...sparseProblem(50, 40, 6), d };
    const wide = {
      ...problem,
      train: problem.train.map(({ label, pairs }) => ({
        label,
        pairs: pairs.map(([j, x]) => [j * 5000 + 17, x] as const),
      })),
      test: [],
    };
    const options = { kernel: 'rbf', sigma: 2, scale: 'none', bufferBytes: 30e6 } as const;
    const { entries, plan } = await storedEntries(await openSparseRows(wide), options);
    const { entries: narrow } = await storedEntries(await openSparseRows(problem), options);
    compare(entries, narrow, 1e-6, 'spread features');
    assert.ok(plan.plannedPeakBytes < 30e6);
  });

  test('the lengthscale is found, and a custom function refused', async () => {
    const problem = sparseProblem(60, 30, 5);
    const { context, events } = jobContext(new MemoryStorage());
    for (const data of [await openSparseRows(problem), await openAsDense(problem)])
      await planGenerate(data, { ...jobOptions({ scale: 'none' }) } as GenerateOptions, context);
    const [sparse, dense] = events.flatMap((event) => (event.type === 'kernel' ? [event.kernel] : []));
    assert.deepEqual(sparse, dense);
    customKernel('counting', (x) => x.length);
    await assert.rejects(
      async () =>
        planGenerate(
          await openSparseRows(problem),
          { ...jobOptions({ kernel: 'custom:counting' }) } as GenerateOptions,
          context,
        ),
      { code: 'MLML_USAGE', message: /--dense/ },
    );
  });
});

describe('solvers on sparse rows', () => {
  for (const solver of ['cg', 'closed', 'bcd', 'nystrom', 'krr'] as const) {
    for (const task of ['classification', 'regression'] as const) {
      test(`${solver}, ${task}: the coefficients of the same rows stored dense`, async () => {
        const problem = sparseProblem(80, 40, 6, { task });
        const changes = {
          kernel: 'rbf',
          sigma: 3,
          reg: [0.5],
          scale: 'standard',
          centers: 20,
          tol: 1e-8,
          passes: 500,
        } as const;
        const run = async (data: 'sparse' | 'dense', solver: SolverName) => {
          const storage = new MemoryStorage();
          const dataset = await (data === 'sparse'
            ? openSparseRows(problem, 'float32', storage)
            : openAsDense(problem, storage));
          return (await trained(solver, storage, dataset, changes)).result;
        };
        const [sparse, dense] = [await run('sparse', solver), await run('dense', solver)];
        // What krr picks goes by speeds.
        if (sparse.solver === dense.solver)
          compare(sparse.model.coefficients, dense.model.coefficients, 2e-5, 'coefficients');
        const quality = task === 'classification' ? 'accuracy' : 'rmse';
        assert.ok(Math.abs(sparse.test![quality]! - dense.test![quality]!) < 1e-4);
        assert.equal(sparse.model.geometry.layout.longest !== undefined, true);
      });
    }
  }

  test('a random sample of rows is that of the same rows stored dense, and nothing is copied for it', async () => {
    const problem = sparseProblem(600, 40, 6);
    const changes = { kernel: 'rbf', sigma: 3, reg: [0.5], scale: 'none', subset: 60, tol: 1e-8 } as const;
    const results = [];
    for (const data of ['sparse', 'dense'] as const) {
      const storage = new MemoryStorage();
      const dataset = await (data === 'sparse'
        ? openSparseRows(problem, 'float32', storage)
        : openAsDense(problem, storage));
      results.push((await trained('cg', storage, dataset, changes)).result);
    }
    const [sparse, dense] = [results[0]!, results[1]!];
    assert.deepEqual(sparse.model.rows.indices, dense.model.rows.indices);
    assert.equal(sparse.model.rows.indices!.length, 60);
    compare(sparse.model.coefficients, dense.model.coefficients, 2e-5, 'coefficients');
    assert.equal(sparse.plan.scratchBytes, 0);
    assert.ok(
      sparse.plan.notes.some((note) => note.includes('60 of 600 rows drawn at random, read where they lie')),
    );
  });
});
