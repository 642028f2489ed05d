import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openAsDense, openSparseRows, sparseProblem } from '../../../test/support/sparseFixture.js';
import { linearTargets } from '../../../test/support/tinyDataset.js';
import { openAnyDataset } from '../../data/dataset.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import type { SparseDtype } from '../../data/sparse/sparseRecord.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions, type Verb } from '../options.js';
import { planTraining, train } from '../train.js';

const D = 40;

/** Trains, and gives the weights and intercept on features as they are stored. */
async function fit(
  verb: Verb,
  data: 'sparse' | 'dense',
  given: Partial<TrainOptions>,
  problem = sparseProblem(300, D, 6, { k: 3 }),
  dtype: SparseDtype = 'float32',
) {
  const storage = new MemoryStorage();
  const dataset = await (data === 'sparse'
    ? openSparseRows(problem, dtype, storage)
    : openAsDense(problem, storage));
  const options = { ...defaultOptions, bufferBytes: 4e6, reg: 0.5, nthreads: 1, ...given } as TrainOptions;
  const events: TrainEvent[] = [];
  const result = await train(verb, dataset, options, {
    storage,
    scratchFolder: '/scratch',
    onEvent: (event) => events.push(event),
  });
  const { weights, intercept, scaling, d, k } = result.model;
  const numbers: number[] = [];
  for (let c = 0; c < k; c++) {
    let constant = intercept[c]!;
    for (let j = 0; j < d; j++) {
      numbers.push(weights[c * d + j]! * scaling.multiply[j]!);
      constant += weights[c * d + j]! * scaling.add[j]!;
    }
    numbers.push(constant);
  }
  return { result, numbers, events };
}

function compare(a: readonly number[], b: readonly number[], most: number, what = '') {
  assert.equal(a.length, b.length);
  const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
  assert.ok(worst <= most, `${what}: ${worst}`);
}

describe('closed on sparse rows is that on the same rows stored dense', () => {
  for (const task of ['classification', 'regression'] as const) {
    const made = sparseProblem(300, D, 6, { k: 3, task });
    // Labels as a dense row of floats holds them.
    const rounded = made.train.map((row) => ({ ...row, label: Math.fround(row.label) }));
    const problem = { ...made, train: rounded };
    for (const given of [
      { scale: 'none' },
      { scale: 'standard' },
      { scale: 'none', bias: false },
      { scale: 'none', subset: 100, sample: 'first' },
      ...(task === 'classification' ? [{ scale: 'none', classWeight: '0:3,2:0.5' }] : []),
    ] as readonly Partial<TrainOptions>[]) {
      test(`${task}, ${JSON.stringify(given)}`, async () => {
        const [sparse, dense] = [
          await fit('closed', 'sparse', given, problem),
          await fit('closed', 'dense', given, problem),
        ];
        assert.equal((sparse.result.plan as { method?: string }).method, 'cholesky');
        compare(sparse.numbers, dense.numbers, 1e-9, 'Cholesky');
        const quality = task === 'classification' ? 'accuracy' : 'rmse';
        assert.ok(Math.abs(sparse.result.test![quality]! - dense.result.test![quality]!) < 1e-6);
        // By passes of conjugate gradients, in memory that the Gram matrix would not fit in.
        const wide = 400;
        const widened = { ...problem, d: wide };
        const passes = await fit('closed', 'sparse', { ...given, bufferBytes: 400e3 }, widened);
        assert.equal((passes.result.plan as { method?: string }).method, 'cg');
        const direct = await fit('closed', 'sparse', { ...given, bufferBytes: 8e6 }, widened);
        assert.equal((direct.result.plan as { method?: string }).method, 'cholesky');
        compare(passes.numbers, direct.numbers, 1e-5, 'conjugate gradients');
      });
    }
  }

  test('bytes, and the same bits for any number of threads', async () => {
    const made = sparseProblem(2000, 300, 60, { k: 3 });
    const problem = {
      ...made,
      train: made.train.map((row) => ({
        ...row,
        pairs: row.pairs.map(([j, x]) => [j, Math.ceil(20 * x)] as const),
      })),
      test: [],
    };
    const one = await fit('closed', 'sparse', { reg: 5 }, problem, 'uint8');
    compare(one.numbers, (await fit('closed', 'dense', { reg: 5, scale: 'none' }, problem)).numbers, 1e-9);
    const given = { reg: 5, bufferBytes: 300e3 };
    const passes = await fit('closed', 'sparse', given, problem, 'uint8');
    assert.equal((passes.result.plan as { method?: string }).method, 'cg');
    compare(passes.numbers, one.numbers, 1e-6);
    for (const nthreads of [2, 3]) {
      assert.deepEqual(
        (await fit('closed', 'sparse', { reg: 5, nthreads }, problem, 'uint8')).numbers,
        one.numbers,
      );
      const more = await fit('closed', 'sparse', { ...given, nthreads }, problem, 'uint8');
      assert.deepEqual(more.numbers, passes.numbers);
    }
  });

  test('many features in little memory', async () => {
    const problem = { ...sparseProblem(300, D, 6), d: 30_000 };
    const { result } = await fit('closed', 'sparse', { bufferBytes: 20e6, reg: 1 }, problem);
    assert.ok(result.plan.plannedPeakBytes <= 20e6);
    assert.ok(result.test!.accuracy! > 0.7);
    await assert.rejects(fit('closed', 'sparse', { bufferBytes: 1e6 }, problem), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
  });

  test('what cannot be is refused, and a value that is no number is named', async () => {
    const problem = sparseProblem(60, D, 6);
    await assert.rejects(fit('closed', 'sparse', { loss: 'logistic' }, problem), { code: 'MLML_USAGE' });
    await assert.rejects(fit('closed', 'sparse', { weightColumn: 2 }, problem), {
      message: /--weight-column=2/,
    });
    await assert.rejects(fit('closed', 'sparse', { reg: 0 }, { ...problem, d: D + 1 }), {
      code: 'MLML_NOT_DEFINITE',
    });
    const storage = new MemoryStorage();
    await (await openSparseRows(problem, 'float32', storage)).close();
    const bytes = storage.bytesOf('/data/sparse/train.rows').slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const m = view.getUint32(0, true);
    view.setFloat32(12 + 4 * m, Number.NaN, true);
    const file = await storage.create('/data/sparse/train.rows');
    await file.write(bytes, 0);
    await file.close();
    const dataset = (await openAnyDataset(storage, '/data/sparse')) as SparseDataset;
    for (const verb of ['closed', 'gd'] as const) {
      const options = { ...defaultOptions, bufferBytes: 4e6, iters: 5 } as TrainOptions;
      const name = `feature ${problem.train[0]!.pairs[0]![0]}: NaN`;
      await assert.rejects(train(verb, dataset, options, { storage, scratchFolder: '/scratch' }), {
        code: 'MLML_BAD_DATA',
        message: new RegExp(`train row 0: ${name}`),
      });
    }
  });
});

describe('gd on sparse rows ends where it ends on the same rows stored dense', () => {
  for (const loss of ['ridge', 'softmax', 'logistic', 'squared_hinge'] as const) {
    test(loss, async () => {
      const problem = sparseProblem(300, D, 6, { k: 3 });
      // Dense rows are centred while they are read: the way there is another, its end is not.
      const given = { loss, reg: 20, iters: 3000, scale: 'none' } as const;
      const [sparse, dense] = [
        await fit('gd', 'sparse', given, problem),
        await fit('gd', 'dense', given, problem),
      ];
      compare(sparse.numbers, dense.numbers, 2e-4);
      assert.ok(Math.abs(sparse.result.test!.accuracy! - dense.result.test!.accuracy!) < 0.02);
    });
  }

  test('rows that all point the way of the intercept: the rate is one at which nesterov stays', async () => {
    const { features, labels } = linearTargets(500, D);
    const train = features.map((row, i) => {
      const pairs = row.map((x, j) => [j, (1 + 0.3 * x) / Math.sqrt(D)] as const);
      return { label: labels[i]!, pairs };
    });
    const given = { optimizer: 'nesterov', iters: 200, bufferBytes: 26e3 } as const;
    const { result, events } = await fit('gd', 'sparse', given, { task: 'regression', d: D, k: 1, train });
    assert.equal((result.plan as { method?: string }).method, 'streaming');
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    assert.deepEqual(
      warnings.filter((message) => message.includes('diverged')),
      [],
    );
  });

  test('plans are told, with the slots that rows take', () => {
    const storage = new MemoryStorage();
    return openSparseRows(sparseProblem(100, D, 6), 'float32', storage).then((dataset) => {
      const options = { ...defaultOptions, bufferBytes: 4e6 } as TrainOptions;
      for (const verb of ['closed', 'gd'] as const) {
        const plan = planTraining(verb, dataset.description, options);
        assert.ok(plan.plannedPeakBytes <= 4e6 && plan.bytesRead > 0);
      }
    });
  });
});
