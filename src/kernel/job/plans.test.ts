import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jobOptions } from '../../../test/support/kernelTraining.js';
import type { Dtype } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import type { DatasetDescription } from '../../data/format.js';
import { rowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';
import { layOut, type Plan, type Region } from '../../memory/plan.js';
import type { KernelFunction } from '../functions/kernelFunction.js';
import type { KernelTrainOptions } from '../options.js';
import { geometryOf } from '../rowGeometry.js';
import { vectorWidth } from '../solvers/solver.js';
import { describeKernel } from '../store/kernelDescription.js';
import { computedDtype, type Evaluation } from './evaluation.js';
import { describeGeneration } from './generateKernel.js';
import { kernelIdentity } from './kernelData.js';
import { planNystromJob } from './planNystromJob.js';
import { planSystem } from './trainSystem.js';

interface Sizes {
  readonly n: number;
  readonly d: number;
  readonly k: number;
  readonly rows: Dtype;
}

/** What plans look at of a data set that is nowhere. */
function dataset({ n, d, k, rows }: Sizes): Dataset {
  const part = (count: number) => ({ n: count, shards: [] });
  const [zeros, ones] = [new Array<number>(d).fill(0), new Array<number>(d).fill(1)];
  const description: DatasetDescription = {
    format: 'mlml-dataset',
    version: 1,
    name: 'sizes',
    task: k === 1 ? 'regression' : 'classification',
    d,
    k,
    dtype: rows,
    labelDtype: k === 1 ? 'float32' : rows,
    parts: { train: part(n), test: part(Math.floor(n / 6)) },
    statistics: { mean: zeros, variance: ones, min: zeros, max: ones, maxRowNorm: Math.sqrt(d) },
    classCounts: [],
    classNames: [],
    source: { description: '', files: [] },
    fingerprint: 'f',
  };
  const layout = rowLayout(d, rows, description.labelDtype);
  return { description, layout, path: '/data/sizes' } as unknown as Dataset;
}

const kernels: readonly KernelFunction[] = [
  { kind: 'rbf', lengthscale: 3 },
  { kind: 'arc_cosine', depth: 2 },
  { kind: 'laplacian_l1', gamma: 0.1 },
  { kind: 'sum', terms: [{ kind: 'rbf', lengthscale: 3 }, { kind: 'linear' }] },
];

const sizes = fc.record({
  n: fc.oneof(fc.integer({ min: 2, max: 3000 }), fc.integer({ min: 2, max: 200_000 })),
  d: fc.integer({ min: 1, max: 2000 }),
  k: fc.integer({ min: 1, max: 20 }),
  rows: fc.constantFrom<Dtype>('uint8', 'float32', 'float64'),
  kernel: fc.constantFrom(...kernels),
  dtype: fc.constantFrom('float16', 'float32', 'float64'),
  reg: fc.constantFrom([0.1], [1, 0.1], [1, 0.1, 0.01, 0.001]),
  bufferBytes: fc.oneof(fc.integer({ min: 1000, max: 2e6 }), fc.integer({ min: 1000, max: 1e9 })),
  nthreads: fc.integer({ min: 1, max: 16 }),
  patience: fc.constantFrom(0, 3),
  tile: fc.constantFrom(0, 0, 100, 512),
  rank: fc.constantFrom(-1, 0, 200),
  simulated: fc.boolean(),
  centers: fc.integer({ min: 1, max: 3000 }),
});
type Given = typeof sizes extends fc.Arbitrary<infer T> ? T : never;

function jobOf({ n, d, k, rows, kernel, ...given }: Given) {
  const data = dataset({ n, d, k, rows });
  const options = jobOptions({ ...(given as Partial<KernelTrainOptions>), holdout: 0.5 });
  const geometry = geometryOf(data, options.scale);
  const evaluation: Evaluation = { kernel, geometry, dtype: computedDtype(options.dtype) };
  return { data, options, evaluation };
}

/** Address and bytes of the regions that several layouts of one memory share must be the same in all. */
function sharedRegionsStay(layouts: readonly (readonly Region[])[], names: readonly string[]) {
  const offsets = layouts.map((regions) => layOut(regions).offsets);
  for (const name of names) {
    const addresses = offsets.flatMap((of) => (of.has(name) ? [of.get(name)!] : []));
    assert.ok(new Set(addresses).size <= 1, `${name} lies at ${addresses}`);
  }
}

function sensible(plan: Plan, layouts: readonly (readonly Region[])[], budget: number) {
  const totals = layouts.map((regions) => layOut(regions).totalBytes);
  assert.ok(plan.plannedPeakBytes <= budget, `${plan.plannedPeakBytes} of ${budget}`);
  assert.equal(plan.plannedPeakBytes, Math.max(...totals));
  assert.equal(
    layOut(plan.regions).totalBytes,
    plan.plannedPeakBytes,
    'the regions shown are the largest layout',
  );
  for (const { name, bytes } of layouts.flat())
    assert.ok(Number.isSafeInteger(bytes) && bytes >= 0, `${name}: ${bytes}`);
  for (const figure of [plan.passes, plan.bytesRead, plan.bytesWritten, plan.scratchBytes])
    assert.ok(Number.isFinite(figure) && figure >= 0, String(figure));
}

/** Runs a plan; when the budget is too small, again with the one the error names, which must do. Counts both. */
function planned<T>(
  budget: number,
  plan: (bufferBytes: number) => T,
  count: [number, number],
): T | undefined {
  try {
    const found = plan(budget);
    count[0]++;
    return found;
  } catch (error) {
    if (!(error instanceof MlmlError) || error.code !== 'MLML_BUDGET_TOO_SMALL') throw error;
    count[1]++;
    const needed = Number(/needs at least ([0-9.]+) MB/.exec(error.message)![1]) * 1e6;
    // What does not fit into an arena of 4 GiB cannot be asked for.
    if (needed > 4e9) return undefined;
    assert.ok(needed > budget, `${needed} is named, ${budget} was given`);
    return plan(Math.ceil(needed));
  }
}

for (const name of ['cg', 'bcd', 'closed', 'ssgd'] as const) {
  for (const store of [true, false]) {
    if (!store && (name === 'closed' || name === 'ssgd')) continue;
    test(`${name}${store ? ' on a stored kernel' : ''}: never beyond the budget, or the budget named does`, () => {
      const count: [number, number] = [0, 0];
      fc.assert(
        fc.property(sizes, fc.integer({ min: 1, max: 60 }), (given, sixteenths) => {
          const { data, options, evaluation } = jobOf(given);
          const identity = kernelIdentity(data, given.kernel, options.dtype, options);
          const stored = store ? describeKernel(identity, 16 * sixteenths) : undefined;
          const result = planned(
            options.bufferBytes,
            (bufferBytes) => {
              const given = { ...options, bufferBytes };
              return { budget: bufferBytes, ...planSystem(name, data, given, { evaluation, stored }) };
            },
            count,
          );
          if (result === undefined) return;
          const layouts = [result.readingLayout, result.solvingLayout, result.scoringLayout];
          sensible(result.plan, layouts, result.budget);
          assert.equal(result.bytes, result.plan.plannedPeakBytes);
          const threads = layouts[2]!.slice(0, 2).map(({ name }) => name);
          sharedRegionsStay(layouts, [...threads, 'coefficients', 'model', 'targets', 'held out']);
          for (const regions of layouts) {
            const { bytes } = regions.find((region) => region.name === 'coefficients')!;
            assert.equal(bytes, 8 * given.n * vectorWidth(result.size));
          }
        }),
        { numRuns: 120, seed: 7, includeErrorInReport: true },
      );
      assert.ok(count[0] > 20 && count[1] > 20, `${count[0]} fitted, ${count[1]} were refused`);
    });
  }
}

test('nystrom: never beyond the budget, or the budget named does', () => {
  const count: [number, number] = [0, 0];
  fc.assert(
    fc.property(sizes, (given) => {
      const { data, options, evaluation } = jobOf(given);
      const few = { ...options, centers: Math.max(1, Math.min(options.centers, Math.floor(given.n / 2))) };
      const result = planned(
        options.bufferBytes,
        (bufferBytes) => ({
          budget: bufferBytes,
          ...planNystromJob(data, evaluation, { ...few, bufferBytes }),
        }),
        count,
      );
      if (result === undefined) return;
      const layouts = [result.solvingLayout, result.scoringLayout];
      sensible(result.plan, layouts, result.budget);
      sharedRegionsStay(
        layouts,
        layouts[1]!.slice(0, 2).map(({ name }) => name),
      );
    }),
    { numRuns: 120, seed: 7, includeErrorInReport: true },
  );
  assert.ok(count[0] > 20 && count[1] > 20, `${count[0]} fitted, ${count[1]} were refused`);
});

test('generate: never beyond the budget, or the budget named does', () => {
  const count: [number, number] = [0, 0];
  fc.assert(
    fc.property(sizes, (given) => {
      const { data, options, evaluation } = jobOf(given);
      const result = planned(
        options.bufferBytes,
        (bufferBytes) => ({
          budget: bufferBytes,
          ...describeGeneration(data, { ...evaluation, dtype: options.dtype }, { ...options, bufferBytes }),
        }),
        count,
      );
      if (result === undefined) return;
      sensible(result.plan, [result.plan.regions], result.budget);
      assert.equal(result.description.rows, given.n);
    }),
    { numRuns: 120, seed: 7, includeErrorInReport: true },
  );
  assert.ok(count[0] > 20 && count[1] > 20, `${count[0]} fitted, ${count[1]} were refused`);
});
