import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { datasetOf, randomRows } from '../../test/support/solverDatasets.js';
import type { Dtype } from '../arithmetic/dtype.js';
import type { Dataset } from '../data/dataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { type Fit, problemSize } from './closed/fit.js';
import { planCholesky, planConjugateGradients } from './closed/planClosed.js';
import { solveClosed } from './closed/solveClosed.js';
import { planGd, planStreaming } from './gd/planGd.js';
import { solveGd } from './gd/solveGd.js';
import { defaultOptions, type TrainOptions } from './options.js';

const storage = new MemoryStorage();
const COUNTS = [1, 2, 3, 5];

function assertSameBits(fits: readonly Fit[]): void {
  const bits = (fit: Fit) => [...new BigInt64Array(Float64Array.of(...fit.weights, ...fit.intercept).buffer)];
  for (const fit of fits) {
    assert.deepEqual(bits(fit), bits(fits[0]!));
    assert.equal(fit.objective, fits[0]!.objective);
  }
}

for (const [dtype, d, k, classWeight = 'none'] of [
  ['uint8', 133, 3],
  ['uint8', 70, 3, '0:2,1:0.3'],
  ['uint8', 70, 1],
  ['float32', 150, 3],
  ['float64', 21, 1],
] as const satisfies readonly (readonly [Dtype, number, number, string?])[]) {
  describe(`the same bits with 1, 2, 3 and 5 threads: ${d} features, ${dtype}, k=${k}, class weights ${classWeight}`, () => {
    let data!: Dataset;
    const options: TrainOptions = {
      ...defaultOptions,
      classWeight,
      reg: 1,
      bufferBytes: 4e6,
      nthreads: 1,
      iters: 25,
    };
    before(async () => {
      const rows = randomRows(700, d, k, dtype, 31);
      data = await datasetOf(storage, `${dtype}-${d}-${k}`, rows, {
        dtype,
        labelDtype: k === 1 ? 'float64' : dtype,
        k,
      });
    });
    after(() => data.close());
    const size = () => problemSize(data.description, options, data.layout.rowBytes);
    const runs: readonly (readonly [string, (threads: number) => Promise<Fit>])[] = [
      [
        'closed by Cholesky',
        (threads) => solveClosed({ ...planCholesky(size(), options), threads }, data, options, { storage }),
      ],
      [
        'closed without each of three folds',
        async (threads) => {
          const folded = { ...options, folds: 3 };
          const plan = planCholesky(size(), folded, [
            { name: 'score weights', bytes: 8 * 3 * k * d },
            { name: 'score intercept', bytes: 8 * 3 * k },
          ]);
          const fit = await solveClosed({ ...plan, threads }, data, folded, { storage });
          return { ...fit, weights: fit.arena.float64('score weights').slice() };
        },
      ],
      [
        'closed by conjugate gradients',
        (threads) =>
          solveClosed({ ...planConjugateGradients(size(), options), threads }, data, options, { storage }),
      ],
      [
        'gd by the Gram matrix',
        (threads) => solveGd({ ...planGd(data.description, options), threads }, data, options, { storage }),
      ],
      [
        'gd by passes',
        (threads) => solveGd({ ...planStreaming(size(), options), threads }, data, options, { storage }),
      ],
    ];
    for (const [name, run] of runs) {
      test(name, async () => {
        const fits: Fit[] = [];
        for (const threads of COUNTS) fits.push(await run(threads));
        assertSameBits(fits);
      });
    }
  });
}

test('threads are started where each has enough to do, and the plan says so', async () => {
  const data = await datasetOf(storage, 'small', randomRows(50, 5, 2, 'uint8', 3), { dtype: 'uint8', k: 2 });
  const options = { ...defaultOptions, nthreads: 4 };
  for (const plan of [
    planCholesky(problemSize(data.description, options, 6), options),
    planGd(data.description, options),
  ]) {
    assert.equal(plan.threads, 1);
    assert.ok(plan.notes.includes('one thread: there is too little arithmetic to share'));
  }
  const large = { n: 60_000, d: 784, k: 10, labels: 1, rowBytes: 785, bytes: true };
  for (const plan of [planCholesky(large, options), planConjugateGradients(large, options)]) {
    assert.equal(plan.threads, 4);
    assert.ok(plan.notes.includes('4 threads share the arithmetic'));
  }
  assert.equal(planCholesky(large, { ...options, nthreads: 1 }).threads, 1);
  await data.close();
});

test('sizes, and with them the bits, do not depend on the number of threads', () => {
  for (const bytes of [true, false]) {
    for (const bufferBytes of [1e6, 4e6, 2e7]) {
      const size = { n: 60_000, d: 784, k: 10, labels: 1, rowBytes: 785, bytes };
      for (const plan of [planCholesky, planConjugateGradients]) {
        const [one, many] = [1, 64].map((nthreads) => plan(size, { bufferBytes, nthreads }));
        assert.deepEqual(many!.regions, one!.regions);
      }
    }
  }
});
