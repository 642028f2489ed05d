import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datasetOf, randomRows } from '../../../test/support/solverDatasets.js';
import { panelIndex } from '../../arithmetic/normalProduct.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { defaultOptions } from '../options.js';
import { problemSize } from './fit.js';
import { planCholesky, planConjugateGradients } from './planClosed.js';
import { SmallSolver } from './smallSolve.js';
import { solveClosed } from './solveClosed.js';

test('blocks wider than the problem, one row, empty classes: the answer of Cholesky to 1e-5', async () => {
  const storage = new MemoryStorage();
  for (const n of [1, 2, 7, 40]) {
    for (const d of [1, 2, 5]) {
      for (const k of [1, 2, 6]) {
        const labelDtype = k === 1 ? ('float64' as const) : ('float32' as const);
        const rows = randomRows(n, d, k, 'float32', 31);
        const data = await datasetOf(storage, `${n}-${d}-${k}`, rows, { dtype: 'float32', labelDtype, k });
        for (const bias of [true, false]) {
          const options = { ...defaultOptions, bias, scale: 'none' } as const;
          const size = problemSize(data.description, options, data.layout.rowBytes);
          const direct = await solveClosed(
            planCholesky(size, { bufferBytes: 1e6, nthreads: 1 }),
            data,
            options,
            { storage },
          );
          const plan = planConjugateGradients(size, { bufferBytes: 1e6, nthreads: 1 });
          const passes = await solveClosed(plan, data, options, { storage });
          assert.ok(passes.residual! <= 1e-6);
          for (const [i, weight] of direct.weights.entries())
            assert.ok(
              Math.abs(passes.weights[i]! - weight) < 1e-5 * (1 + Math.abs(weight)),
              `n ${n}, d ${d}, k ${k}`,
            );
        }
      }
    }
  }
});

/** AᵀA in panels for random A with `rank` independent columns; column `rank + i` repeats column i. */
function gramOf(w: number, rank: number): { matrix: Float64Array; columns: number[][] } {
  const random = Random.of(41, w, rank);
  const columns: number[][] = [];
  for (let c = 0; c < w; c++)
    columns.push(c < rank ? Array.from({ length: 20 }, () => random.normal()) : columns[c - rank]!);
  const matrix = new Float64Array(w * w);
  for (let i = 0; i < w; i++) {
    for (let j = 0; j < w; j++)
      matrix[panelIndex(w, i, j)] = columns[i]!.reduce((sum, x, r) => sum + x * columns[j]![r]!, 0);
  }
  return { matrix, columns };
}

test('small systems: solutions, and repeated directions are dropped', () => {
  for (const [w, rank] of [
    [4, 4],
    [8, 8],
    [8, 5],
    [12, 1],
  ] as const) {
    const { matrix, columns } = gramOf(w, rank);
    const solver = new SmallSolver(w, new Float64Array(w * w));
    assert.equal(solver.factorise(matrix, 1e-10), rank);
    // M·(M⁻¹·M) = M, dropped unknowns 0.
    const solution = new Float64Array(w * w);
    solver.solve(matrix, 1, solution);
    for (let i = 0; i < w; i++) {
      for (let c = 0; c < w; c++) {
        let product = 0;
        for (let j = 0; j < w; j++) product += matrix[panelIndex(w, i, j)]! * solution[panelIndex(w, j, c)]!;
        assert.ok(Math.abs(product - matrix[panelIndex(w, i, c)]!) < 1e-9);
        if (i >= rank) assert.equal(solution[panelIndex(w, i, c)], 0);
      }
    }
    // A·S·L⁻ᵀ has orthonormal columns, the dropped ones 0.
    const transform = new Float64Array(w * w);
    solver.inverseTransposed(transform);
    const made = Array.from({ length: w }, (_, c) =>
      Array.from({ length: 20 }, (_, r) =>
        columns.reduce((sum, column, i) => sum + column[r]! * transform[panelIndex(w, i, c)]!, 0),
      ),
    );
    for (let i = 0; i < w; i++) {
      for (let j = 0; j < w; j++) {
        const product = made[i]!.reduce((sum, x, r) => sum + x * made[j]![r]!, 0);
        assert.ok(Math.abs(product - (i === j && i < rank ? 1 : 0)) < 1e-9);
      }
    }
  }
});
