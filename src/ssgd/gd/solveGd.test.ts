import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { datasetOf, randomRows } from '../../../test/support/solverDatasets.js';
import type { Dtype } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import type { DatasetDescription } from '../../data/format.js';
import { MlmlError } from '../../errors.js';
import { layOut } from '../../memory/plan.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { problemSize, type SolveContext } from '../closed/fit.js';
import { planClosed } from '../closed/planClosed.js';
import { solveClosed } from '../closed/solveClosed.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { type GdPlan, planGd, planStreaming } from './planGd.js';
import { solveGd } from './solveGd.js';

const storage = new MemoryStorage();
let made = 0;

function dataset(rows: number[][], dtype: Dtype, k: number): Promise<Dataset> {
  const labelDtype = k === 1 ? 'float64' : dtype;
  return datasetOf(storage, `gd-${made++}`, rows, { dtype, labelDtype, k });
}

function options(given: Partial<TrainOptions>): TrainOptions {
  return { ...defaultOptions, reg: 1, ...given };
}

/** A run that streams, though the Gram matrix would fit. */
function stream(data: Dataset, given: TrainOptions, context: Partial<SolveContext> = {}) {
  const plan = planStreaming(problemSize(data.description, given, data.layout.rowBytes), given);
  assert.equal(plan.method, 'streaming');
  return solve(data, given, context, plan);
}

function solve(data: Dataset, given: TrainOptions, context: Partial<SolveContext> = {}, plan?: GdPlan) {
  return solveGd(plan ?? planGd(data.description, given), data, given, { storage, ...context });
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}

test("gd goes to closed's minimiser, to 1e-6, by Gram matrix and by streaming", async () => {
  for (const [dtype, k] of [
    ['uint8', 3],
    ['float32', 1],
  ] as const) {
    const data = await dataset(randomRows(120, 30, k, dtype, 21), dtype, k);
    for (const bias of [true, false]) {
      for (const optimizer of ['sgd', 'nesterov'] as const) {
        const given = options({ bias, optimizer, iters: 20000 });
        const exact = await solveClosed(planClosed(data.description, given), data, given, { storage });
        const gram = await solve(data, given);
        assert.equal((gram.plan as GdPlan).method, 'gram');
        assert.equal(gram.passes, 1);
        assert.ok(gram.converged, `residual ${gram.residual}`);
        const streamed = await stream(data, given);
        assert.ok(streamed.converged, `residual ${streamed.residual}`);
        assert.equal(streamed.bytesRead, streamed.passes * 120 * data.layout.rowBytes);
        for (const fit of [gram, streamed]) {
          assert.ok(distance(fit.weights, exact.weights) < 1e-6);
          assert.ok(distance(fit.intercept, exact.intercept) < 1e-6);
          assert.ok(Math.abs(fit.objective - exact.objective) < 1e-9);
        }
      }
    }
  }
});

test('the update rule with literal numbers: rate, damping, momentum, reg/n', async () => {
  // Two rows, one feature: x = 1, 3; y = 2, 4. g(w) = ((1 + 9)·w − 14 + reg·w)/2 = 6w − 7 for reg = 2.
  const data = await dataset(
    [
      [1, 2],
      [3, 4],
    ],
    'float64',
    1,
  );
  const given = { scale: 'none', bias: false, reg: 2, eta0: 0.1, damp: 0.5, step: 2, momentum: 0.5 } as const;
  // i = 0: α = 0.1,  Δ = −0.7,                       w = 0.7
  // i = 1: α = 0.1,  g = −2.8, Δ = −0.28 − 0.35,     w = 1.33
  // i = 2: α = 0.05, g = 0.98, Δ = 0.049 − 0.315,    w = 1.596
  for (const [iters, w] of [
    [1, 0.7],
    [2, 1.33],
    [3, 1.596],
  ] as const) {
    const chosen = options({ ...given, iters });
    for (const fit of [await solve(data, chosen), await stream(data, chosen)])
      assert.ok(Math.abs(fit.weights[0]! - w) < 1e-14, `after ${iters}: ${fit.weights[0]}`);
  }
  // Nesterov, i = 1: g(0.7 + 0.35) = −0.7, Δ = −0.07 − 0.35, w = 1.12
  const nesterov = await solve(data, options({ ...given, iters: 2, optimizer: 'nesterov' }));
  assert.ok(Math.abs(nesterov.weights[0]! - 1.12) < 1e-14);
  // l1, i = 0: w = soft(0.7, 0.1·4/2) = 0.5
  const sparse = await solve(data, options({ ...given, iters: 1, l1: 4 }));
  assert.ok(Math.abs(sparse.weights[0]! - 0.5) < 1e-14);
});

test('l1 reaches the optimality conditions of the lasso, by both ways', async () => {
  const rows = randomRows(100, 8, 1, 'float64', 22);
  const data = await dataset(rows, 'float64', 1);
  const given = options({ l1: 60, reg: 0.5, iters: 20000 });
  const { statistics } = data.description;
  const x = (row: number[], j: number) =>
    (row[j]! - statistics.mean[j]!) / Math.sqrt(statistics.variance[j]!);
  for (const fit of [await solve(data, given), await stream(data, given)]) {
    const zeros = fit.weights.filter((w) => w === 0).length;
    assert.ok(zeros > 0 && zeros < 8, `${zeros} zeros`);
    const slopes = new Float64Array(8);
    let biasSlope = 0;
    for (const row of rows) {
      let difference = fit.intercept[0]! - row[8]!;
      for (let j = 0; j < 8; j++) difference += fit.weights[j]! * x(row, j);
      for (let j = 0; j < 8; j++) slopes[j]! += difference * x(row, j);
      biasSlope += difference;
    }
    assert.ok(Math.abs(biasSlope) < 1e-5);
    for (const [j, w] of fit.weights.entries()) {
      const slope = slopes[j]! + given.reg * w;
      if (w === 0) assert.ok(Math.abs(slope) <= given.l1 + 1e-5);
      else assert.ok(Math.abs(slope + given.l1 * Math.sign(w)) < 1e-4, `slope ${slope} at ${w}`);
    }
  }
});

test('another loss is streamed: squared hinge of two classes in one column reaches a zero gradient', async () => {
  const rows = randomRows(90, 6, 2, 'float32', 23);
  const data = await dataset(rows, 'float32', 2);
  const given = options({ loss: 'squared_hinge', iters: 3000, optimizer: 'nesterov' });
  const fit = await solve(data, given, {}, planGd(data.description, given, 1));
  assert.equal(fit.weights.length, 6);
  assert.ok(fit.converged, `residual ${fit.residual}`);
  const { statistics } = data.description;
  const slopes = fit.weights.map((w) => given.reg * w);
  for (const row of rows) {
    const x = fit.weights.map((_, j) => (row[j]! - statistics.mean[j]!) / Math.sqrt(statistics.variance[j]!));
    const sign = row[6] === 1 ? 1 : -1;
    const score = x.reduce((sum, value, j) => sum + value * fit.weights[j]!, fit.intercept[0]!);
    const gap = Math.max(0, 1 - sign * score);
    for (let j = 0; j < 6; j++) slopes[j]! -= 2 * sign * gap * x[j]!;
  }
  assert.ok(Math.max(...slopes.map(Math.abs)) < 1e-6);
});

test('divergence at a given rate is an error with advice', async () => {
  const data = await dataset(randomRows(60, 20, 3, 'float32', 24), 'float32', 3);
  for (const run of [solve, stream]) {
    await assert.rejects(run(data, options({ eta0: 50, iters: 500 })), (error: MlmlError) => {
      assert.equal(error.code, 'MLML_DIVERGED');
      assert.match(error.message, /learning rate 50\.0: the objective per row went from .*smaller --eta0/);
      return true;
    });
  }
});

test('events: rate, rows at doubling iterations, progress', async () => {
  const data = await dataset(randomRows(60, 20, 3, 'float32', 25), 'float32', 3);
  for (const run of [solve, stream]) {
    const events: TrainEvent[] = [];
    await run(data, options({ iters: 20 }), { onEvent: (event) => events.push(event) });
    assert.equal(events.filter((event) => event.type === 'rate').length, 1);
    const rows = events.flatMap((event) => (event.type === 'row' ? [event] : []));
    assert.deepEqual(
      rows.map((row) => row.step),
      [1, 2, 4, 8, 16],
    );
    assert.ok(rows.at(-1)!.loss < rows[0]!.loss);
    const last = events.filter((event) => event.type === 'progress').at(-1)!;
    assert.ok(last.type === 'progress' && last.done <= last.total && last.done >= 20);
  }
});

test('what gd cannot do is MLML_USAGE', async () => {
  const data = await dataset(randomRows(20, 4, 3, 'float32', 26), 'float32', 3);
  assert.throws(
    () => planGd(data.description, options({ optimizer: 'adam' })),
    /--optimizer=adam is for sgd/,
  );
});

test('plans keep to the budget, and the minimum an error names works', () => {
  const sizes = fc.record({
    n: fc.integer({ min: 1, max: 1e9 }),
    d: fc.integer({ min: 1, max: 5000 }),
    k: fc.integer({ min: 2, max: 200 }),
    dtype: fc.constantFrom<Dtype[]>('uint8', 'float16', 'float64'),
    loss: fc.constantFrom<TrainOptions['loss'][]>('ridge', 'softmax'),
    bufferBytes: fc.integer({ min: 1000, max: 4e7 }),
  });
  fc.assert(
    fc.property(sizes, ({ n, d, k, dtype, loss, bufferBytes }) => {
      const parts = { train: { n, shards: [] }, test: { n: 0, shards: [] } };
      const given = { task: 'classification', d, k, dtype, labelDtype: dtype, parts };
      const description = given as unknown as DatasetDescription;
      let plan: GdPlan;
      try {
        plan = planGd(description, options({ loss, bufferBytes }));
      } catch (error) {
        assert.ok(error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL');
        const megabytes = Number(/needs at least ([0-9.]+) MB/.exec(error.message)![1]);
        plan = planGd(description, options({ loss, bufferBytes: Math.round(megabytes * 1e6) }));
      }
      assert.ok(plan.plannedPeakBytes <= plan.budgetBytes);
      assert.equal(plan.plannedPeakBytes, layOut(plan.regions).totalBytes);
    }),
    { numRuns: 150, seed: 2 },
  );
});
