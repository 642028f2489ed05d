import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trained } from '../../test/support/kernelTraining.js';
import { listTable } from '../../test/support/listTable.js';
import { openAsDense, openSparseRows, sparseProblem } from '../../test/support/sparseFixture.js';
import type { RowFile } from '../data/rowFile.js';
import type { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import type { KernelModel } from '../kernel/kernelModel.js';
import { pruneModel } from '../kernel/prune.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';
import { evaluate } from './evaluation/evaluate.js';
import { exportModel } from './export/exportModel.js';
import { loadModel } from './loadModel.js';
import { openPredictor } from './predictor/predictor.js';
import { saveModel } from './saveModel.js';
import { leastBytes, scoreModel } from './scoreModel.js';
import { scoreTable } from './table/scoreTable.js';
import { fitTable } from './table/tableFit.js';

const D = 40;
const problem = sparseProblem(80, D, 6, { k: 3 });
const changes = { kernel: 'rbf', sigma: 3, reg: [0.5], scale: 'standard', centers: 30, tol: 1e-9 } as const;
/** Of scores: models are trained on kernels in single precision. */
const TOLERANCE = 2e-4;

/** Data sets of the same rows, sparse and dense, and a model of each. */
async function world(solver: 'cg' | 'nystrom' = 'cg') {
  const storage = new MemoryStorage();
  const sparse = await openSparseRows(problem, 'float32', storage);
  const dense = await openAsDense(problem, storage);
  const ofSparse = (await trained(solver, storage, sparse, changes)).result.model;
  const ofDense = (await trained(solver, storage, dense, changes)).result.model;
  return { storage, sparse, dense, ofSparse, ofDense };
}

async function scores(
  storage: MemoryStorage,
  model: KernelModel,
  file: RowFile | SparseRowFile,
  bufferBytes = 4e6,
) {
  const all: number[] = [];
  for await (const block of scoreModel(storage, model, file, { bufferBytes, nthreads: 1 }))
    all.push(...block.scores.subarray(0, block.rows * model.k));
  return all;
}

function compare(a: readonly number[], b: readonly number[], most = TOLERANCE) {
  assert.equal(a.length, b.length);
  for (const [i, x] of a.entries()) assert.ok(Math.abs(x - b[i]!) <= most, `${i}: ${x}, not ${b[i]}`);
}

describe('kernel models of sparse rows', () => {
  test('score sparse and dense rows alike, and so do those of dense rows', async () => {
    const { storage, sparse, dense, ofSparse, ofDense } = await world();
    const wanted = await scores(storage, ofDense, dense.test);
    assert.ok(wanted.some((score) => Math.abs(score) > 0.1));
    for (const model of [ofSparse, ofDense]) {
      for (const file of [sparse.test, dense.test]) {
        compare(await scores(storage, model, file), wanted);
        // As much memory as it says it takes, no less.
        const least = leastBytes(model, file, 1);
        compare(await scores(storage, model, file, least), wanted);
        await assert.rejects(scores(storage, model, file, least - 20_000), { code: 'MLML_BUDGET_TOO_SMALL' });
      }
    }
    const options = { bufferBytes: 4e6, nthreads: 1 };
    const [a, b] = [
      await evaluate(storage, ofSparse, sparse.test, options),
      await evaluate(storage, ofDense, dense.test, options),
    ];
    assert.equal(a.accuracy, b.accuracy);
  });

  for (const solver of ['cg', 'nystrom'] as const) {
    for (const copyRows of [false, true]) {
      test(`come back from disk: ${solver}, ${copyRows ? 'with' : 'without'} a copy of their rows`, async () => {
        const { storage, sparse, dense, ofSparse } = await world(solver);
        await saveModel(storage, '/m', ofSparse, { copyRows });
        const loaded = (await loadModel(storage, '/m')) as KernelModel;
        assert.deepEqual(loaded.geometry, ofSparse.geometry);
        const wanted = await scores(storage, ofSparse, sparse.test);
        assert.deepEqual(await scores(storage, loaded, sparse.test), wanted);
        if (copyRows) await storage.rename('/data/sparse', '/elsewhere');
        else await saveModel(storage, '/pruned', pruneModel(loaded, { keep: 0.5 }), {});
        compare(await scores(storage, loaded, dense.test), wanted);
      });
    }
  }

  test('score tables, whose rows are dense', async () => {
    const { storage, sparse, ofSparse } = await world();
    const columns = Array.from({ length: D }, (_, j) => `c${j}`);
    const rows = problem.test!.map(({ pairs }) => {
      const values = new Map(pairs);
      return columns.map((_, j) => String(values.get(j) ?? 0));
    });
    const table = listTable(columns, rows);
    const scored = async (bufferBytes: number, budgetBytes = bufferBytes) => {
      const all: number[] = [];
      const options = { bufferBytes, budgetBytes, nthreads: 1 };
      for await (const block of scoreTable(storage, ofSparse, table, fitTable(ofSparse, table), options))
        all.push(...block.scores.subarray(0, block.rows * ofSparse.k));
      return all;
    };
    const wanted = await scores(storage, ofSparse, sparse.test);
    compare(await scored(4e6), wanted);
    // The budget that an error names is that of which scoring has a share, and is enough.
    const { message } = await scored(1e4, 2e4).then(
      () => assert.fail('10 kB are enough'),
      (error: Error) => error,
    );
    const named = /needs at least ([\d.]+) MB; --buffer is 0.02 MB$/.exec(message);
    const needed = 1e6 * Number(named?.[1]);
    compare(await scored(needed / 2), wanted);
    await assert.rejects(scored(needed / 2 - 10_000), { code: 'MLML_BUDGET_TOO_SMALL' });
  });

  test('answer rows given in memory', async () => {
    const { storage, dense, sparse, ofSparse } = await world();
    const wanted = await scores(storage, ofSparse, sparse.test);
    const predictor = await openPredictor(storage, ofSparse, { bufferBytes: 4e6, nthreads: 1 });
    const rows = problem.test!.map(({ pairs }) => {
      const row = new Array<number>(D).fill(0);
      for (const [j, x] of pairs) row[j] = x;
      return row;
    });
    const predictions = await predictor.predict(rows);
    for (const [i, prediction] of predictions.entries()) {
      const three = wanted.slice(3 * i, 3 * i + 3);
      assert.equal(prediction.class, three.indexOf(Math.max(...three)));
    }
    await predictor.close();
    await dense.close();
  });

  test('refuse a row in memory with more that is not 0 than there is room for, by its number', async () => {
    const storage = new MemoryStorage();
    const d = 4200;
    const wide = await openSparseRows(sparseProblem(20, d, 6), 'float32', storage);
    const { model } = (await trained('cg', storage, wide, { kernel: 'rbf', sigma: 3, reg: [0.5] })).result;
    const predictor = await openPredictor(storage, model, { bufferBytes: 8e6, nthreads: 1 });
    const rows = Array.from({ length: 70 }, (_, i) => new Array<number>(d).fill(i === 66 ? 1 : 0));
    assert.equal((await predictor.predict(rows.slice(0, 66))).length, 66);
    await assert.rejects(predictor.predict(rows, { firstRow: 100 }), {
      code: 'MLML_BAD_DATA',
      row: 166,
      message: /^row 166: has 4200 features that are not 0, more than the 4096 that/,
    });
    await predictor.close();
  });

  test('are exported with whole rows', async () => {
    const { storage, ofSparse, ofDense } = await world('nystrom');
    for (const [model, name] of [
      [ofSparse, 'sparse'],
      [ofDense, 'dense'],
    ] as const)
      await exportModel(storage, model, `/${name}.json`, { format: 'json' });
    const read = (name: string) => JSON.parse(new TextDecoder().decode(storage.bytesOf(`/${name}.json`)));
    const [sparse, dense] = [read('sparse'), read('dense')];
    assert.deepEqual(Object.keys(sparse), Object.keys(dense));
    const rowsOf = (content: Record<string, unknown>) =>
      Object.values(content).find(
        (value) => Array.isArray(value) && value.length === 30 && value[0].length === D,
      );
    assert.ok(rowsOf(sparse) !== undefined);
    assert.deepEqual(rowsOf(sparse), rowsOf(dense));
    for (const format of ['onnx', 'npz', 'js'] as const) {
      const path = format === 'js' ? '/m.mjs' : `/m.${format}`;
      const { files } = await exportModel(storage, ofSparse, path, { format });
      assert.ok(files.every(({ bytes }) => bytes > 0));
    }
  });

  test('refuse what they cannot compare, and files that cannot be right', async () => {
    const { storage, ofSparse, ofDense, sparse } = await world();
    const wide = await openSparseRows(problem, 'float64', storage, '/data/wide');
    // Doubles beside floats: both are read as doubles.
    compare(await scores(storage, ofSparse, wide.test), await scores(storage, ofSparse, sparse.test));
    await assert.rejects(scores(storage, ofDense, wide.test), {
      code: 'MLML_MISMATCH',
      message: /--dtype=float32/,
    });
    await saveModel(storage, '/m', ofSparse, { copyRows: true });
    const text = new TextDecoder().decode(storage.bytesOf('/m/model.json'));
    for (const [from, to, field] of [
      [/"longest": \d+/, '"longest": 0', /longest/],
      [/"longest": \d+/, '"longest": 41', /longest/],
      [/"dtype": "float32"/, '"dtype": "int16"', /dtype/],
      [/"labelDtype": "float64"/, '"labelDtype": "uint8"', /labelDtype/],
    ] as const) {
      assert.match(text, from);
      await replaceFile(storage, '/m/model.json', new TextEncoder().encode(text.replace(from, to)));
      await assert.rejects(loadModel(storage, '/m'), { code: 'MLML_BAD_FILE', message: field });
    }
  });
});
