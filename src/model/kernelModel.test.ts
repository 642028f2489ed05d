import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { largestDifference, modelScores } from '../../test/support/kernelRidge.js';
import { classes, targets, trained } from '../../test/support/kernelTraining.js';
import { openDataset } from '../data/dataset.js';
import { MlmlError } from '../errors.js';
import type { KernelModel } from '../kernel/kernelModel.js';
import { pruneModel } from '../kernel/prune.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';
import { evaluate } from './evaluation/evaluate.js';
import { verifyModelRows } from './kernelModelFile.js';
import type { KernelModelDescription } from './kernelModelFormat.js';
import { loadModel, readModelDescription } from './loadModel.js';
import { isKernelModel, saveModel } from './saveModel.js';

const given = { kernel: 'rbf', sigma: 2, reg: [0.3] };

/** A model trained on 60 of 90 rows of 6 features, 3 classes; or on chosen ones (nystrom). */
async function model(solver: 'cg' | 'nystrom' = 'cg', storage = new MemoryStorage()) {
  const dataset = await classes(storage, 3, 'float32');
  const { result } = await trained(solver, storage, dataset, { ...given, subset: 60, centers: 20 });
  return { storage, dataset, model: result.model, test: result.test! };
}

async function loaded(storage: MemoryStorage, folder = '/m'): Promise<KernelModel> {
  const found = await loadModel(storage, folder);
  assert.ok(isKernelModel(found));
  return found;
}

describe('a kernel model comes back', () => {
  for (const solver of ['cg', 'nystrom'] as const) {
    for (const copyRows of [false, true]) {
      for (const prune of [false, true]) {
        const name = [solver, prune ? 'pruned' : 'whole', copyRows ? 'with its rows' : 'with a reference'];
        test(name.join(', '), async () => {
          const { storage, dataset, model: made, test: quality } = await model(solver);
          const before = prune ? pruneModel(made, { keep: 0.5 }) : made;
          await saveModel(storage, '/m', before, { copyRows });
          const after = await loaded(storage);
          const { rows: from, ...rest } = before;
          const { rows: to, ...found } = after;
          assert.deepEqual(found, rest);
          if (copyRows) assert.deepEqual(to, { kind: 'file', path: '/m/rows.bin' });
          else assert.deepEqual(to, from);
          const [a, b] = [
            await modelScores(storage, before, dataset.test),
            await modelScores(storage, after, dataset.test),
          ];
          assert.deepEqual(b, a);
          const evaluation = await evaluate(storage, after, dataset.test, { bufferBytes: 4e6, nthreads: 2 });
          if (!prune) assert.equal(evaluation.accuracy, quality.accuracy);
          assert.equal(evaluation.rows, 40);
          // With its rows it needs no data set.
          if (copyRows) {
            const { layout } = dataset;
            assert.equal(storage.bytesOf('/m/rows.bin').length, after.n * layout.rowBytes);
            await storage.rename('/data/tiny', '/elsewhere');
            assert.deepEqual(await modelScores(storage, after, dataset.test), a);
          }
        });
      }
    }
  }

  test('saved with a copy, pruned, and saved again', async () => {
    const { storage, dataset, model: made } = await model();
    await saveModel(storage, '/m', made, { copyRows: true });
    const half = pruneModel(await loaded(storage), { keep: 0.5 });
    await saveModel(storage, '/half', half);
    await storage.remove('/m');
    const wanted = pruneModel(made, { keep: 0.5 });
    const [a, b] = [
      await modelScores(storage, wanted, dataset.test),
      await modelScores(storage, await loaded(storage, '/half'), dataset.test),
    ];
    assert.deepEqual(b, a);
  });

  test('regression', async () => {
    const storage = new MemoryStorage();
    const dataset = await targets(storage, 'float32');
    const { result } = await trained('cg', storage, dataset, given);
    await saveModel(storage, '/m', result.model, { copyRows: true });
    const evaluation = await evaluate(storage, await loaded(storage), dataset.test, { bufferBytes: 4e6 });
    assert.ok(Math.abs(evaluation.rmse! - result.test!.rmse!) < 1e-9);
    assert.ok(Math.abs(evaluation.r2! - result.test!.r2!) < 1e-9);
  });
});

test('copying the rows of a model can be stopped, and leaves nothing', async () => {
  const { storage, model: made } = await model();
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(saveModel(storage, '/copy', made, { copyRows: true, signal }), { message: 'enough' });
  assert.equal(await storage.status('/copy'), undefined);
  assert.deepEqual(
    storage.paths().filter((path) => path.includes('.mlml')),
    [],
  );
});

test('a data set that was moved, or another in its place', async () => {
  const { storage, dataset, model: made } = await model();
  await saveModel(storage, '/m', made);
  const after = await loaded(storage);
  await storage.rename('/data/tiny', '/elsewhere');
  await assert.rejects(modelScores(storage, after, dataset.test), {
    code: 'MLML_NOT_FOUND',
    message: /\/data\/tiny.* put it back \(fingerprint .*--copy-rows/,
  });
  const other = await classes(storage, 3, 'float32', 91);
  await assert.rejects(modelScores(storage, after, dataset.test), {
    code: 'MLML_MISMATCH',
    message: new RegExp(
      `has fingerprint ${other.description.fingerprint}.* of fingerprint ${made.fingerprint}`,
    ),
  });
  const copying = saveModel(storage, '/copy', after, { copyRows: true });
  await assert.rejects(copying, { code: 'MLML_MISMATCH' });
  assert.equal(await storage.status('/copy'), undefined);
});

describe('scoring in little memory', () => {
  test('gives the same scores, and a budget too small is named', async () => {
    const { storage, dataset, model: made } = await model();
    const wanted = await modelScores(storage, made, dataset.test);
    const need = async (bufferBytes: number) => {
      try {
        await modelScores(storage, made, dataset.test, bufferBytes);
      } catch (error) {
        assert.ok(error instanceof MlmlError && error.code === 'MLML_BUDGET_TOO_SMALL', String(error));
        const megabytes = /needs at least ([0-9.]+) MB; --buffer is/.exec(error.message)![1];
        return Math.round(Number(megabytes) * 1e6);
      }
      throw new Error('it was enough');
    };
    const least = await need(1000);
    assert.equal(await need(least - 20_000), least);
    const found = await modelScores(storage, made, dataset.test, least);
    // Sums over blocks of columns are taken in another order.
    assert.ok(largestDifference(found, wanted) < 1e-12);
    for (const bufferBytes of [least + 5000, 2 * least])
      assert.ok(
        largestDifference(await modelScores(storage, made, dataset.test, bufferBytes), wanted) < 1e-12,
      );
  });
});

async function saved(copyRows: boolean) {
  const { storage, model: made } = await model('nystrom');
  await saveModel(storage, '/m', made, { copyRows });
  const description = (await readModelDescription(storage, '/m')) as KernelModelDescription;
  return { storage, description };
}

describe('a damaged kernel model is refused', () => {
  type Damage = (description: KernelModelDescription) => object;
  const damages: readonly (readonly [boolean, Damage, string, string])[] = [
    [false, () => ({ kernel: undefined }), 'MLML_BAD_FILE', 'kernel'],
    [false, () => ({ kernel: { kind: 'magic' } }), 'MLML_BAD_FILE', 'magic'],
    [false, () => ({ kernel: { kind: 'rbf' } }), 'MLML_BAD_FILE', 'lengthscale'],
    [false, () => ({ kernel: { kind: 'rbf', lengthscale: -1 } }), 'MLML_BAD_FILE', '-1'],
    [false, () => ({ n: 0 }), 'MLML_BAD_FILE', "'n' is 0"],
    [false, () => ({ n: 21 }), 'MLML_BAD_FILE', "'weights.bytes'"],
    [
      false,
      ({ weights, d, k }) => ({
        n: 2 ** 40,
        weights: { ...weights, bytes: 8 * (2 ** 40 * (k + 1) + 3 * d) },
      }),
      'MLML_BAD_FILE',
      '/m/weights.bin: has 784 bytes',
    ],
    [false, () => ({ n: 2 ** 52 }), 'MLML_BAD_FILE', 'a size that can be stored'],
    [false, () => ({ d: 7 }), 'MLML_BAD_FILE', "'weights.bytes'"],
    [false, () => ({ k: 2 }), 'MLML_BAD_FILE', "'weights.bytes'"],
    [false, () => ({ regularization: -1 }), 'MLML_BAD_FILE', "'regularization' is -1"],
    [false, () => ({ regularization: null }), 'MLML_BAD_FILE', "'regularization' is null"],
    [false, () => ({ maxNorm: 'long' }), 'MLML_BAD_FILE', "'maxNorm'"],
    [false, () => ({ maxCentredNorm: -2 }), 'MLML_BAD_FILE', "'maxCentredNorm'"],
    [false, () => ({ dtype: 'int64' }), 'MLML_BAD_FILE', '\'dtype\' is "int64"'],
    [false, () => ({ labelDtype: undefined }), 'MLML_BAD_FILE', "'labelDtype'"],
    [false, () => ({ scaling: 'auto' }), 'MLML_BAD_FILE', "'scaling'"],
    [false, () => ({ task: 'clustering' }), 'MLML_BAD_FILE', "'task'"],
    [false, () => ({ classNames: 'a' }), 'MLML_BAD_FILE', "'classNames'"],
    [false, () => ({ fingerprint: 3 }), 'MLML_BAD_FILE', "'fingerprint'"],
    [false, () => ({ rows: undefined }), 'MLML_BAD_FILE', "'rows.kind'"],
    [
      false,
      () => ({ rows: { kind: 'web', path: 'x', selected: false } }),
      'MLML_BAD_FILE',
      '\'rows.kind\' is "web"',
    ],
    [false, ({ rows }) => ({ rows: { ...rows, path: '' } }), 'MLML_BAD_FILE', "'rows.path'"],
    [false, ({ rows }) => ({ rows: { ...rows, selected: 1 } }), 'MLML_BAD_FILE', "'rows.selected'"],
    [false, ({ rows }) => ({ rows: { ...rows, selected: false } }), 'MLML_BAD_FILE', "'weights.bytes'"],
    [true, ({ rows }) => ({ rows: { ...rows, path: '../rows.bin' } }), 'MLML_BAD_FILE', 'without folders'],
    [true, ({ rows }) => ({ rows: { ...rows, path: '..' } }), 'MLML_BAD_FILE', "'rows.path'"],
    [true, ({ rows }) => ({ rows: { ...rows, selected: true } }), 'MLML_BAD_FILE', "'rows.selected'"],
    [true, ({ rows }) => ({ rows: { ...rows, sha256: 'abc' } }), 'MLML_BAD_FILE', "'rows.sha256'"],
    [
      false,
      ({ weights }) => ({ weights: { ...weights, bytes: 8 } }),
      'MLML_BAD_FILE',
      "'weights.bytes' is 8",
    ],
    [
      false,
      ({ weights }) => ({ weights: { ...weights, sha256: '0'.repeat(64) } }),
      'MLML_CHECKSUM',
      'sha256',
    ],
    [false, ({ weights }) => ({ weights: { ...weights, file: 'gone' } }), 'MLML_NOT_FOUND', 'gone'],
    [false, () => ({ kind: 'forest' }), 'MLML_BAD_FILE', "'kind'"],
    [false, () => ({ version: 9 }), 'MLML_VERSION', 'newer'],
  ];
  for (const [copyRows, damage, code, word] of damages) {
    test(`model.json: ${damage.toString().replace(/\s+/g, ' ')}`, async () => {
      const { storage, description } = await saved(copyRows);
      const changed = JSON.stringify({ ...description, checksum: undefined, ...damage(description) });
      await replaceFile(storage, '/m/model.json', changed);
      await assert.rejects(loadModel(storage, '/m'), (error) => {
        assert.ok(error instanceof MlmlError, String(error));
        assert.equal(error.code, code, error.message);
        assert.ok(error.message.includes(word), error.message);
        return true;
      });
    });
  }

  test('weights that are cut, over-long or have one flipped bit', async () => {
    const { storage } = await saved(false);
    const bytes = storage.bytesOf('/m/weights.bin');
    const flipped = bytes.slice();
    flipped[20]! ^= 1;
    for (const [content, code] of [
      [bytes.slice(0, -1), 'MLML_BAD_FILE'],
      [new Uint8Array(bytes.length + 8), 'MLML_BAD_FILE'],
      [flipped, 'MLML_CHECKSUM'],
    ] as const) {
      await replaceFile(storage, '/m/weights.bin', content);
      await assert.rejects(loadModel(storage, '/m'), { code });
    }
  });

  test('rows that are cut or gone are noticed when the model is used, a flipped bit when it is verified', async () => {
    const { storage, description } = await saved(true);
    const dataset = await openDataset(storage, '/data/tiny');
    const bytes = storage.bytesOf('/m/rows.bin');
    await verifyModelRows(storage, '/m', description);
    const after = await loaded(storage);
    const flipped = bytes.slice();
    flipped[5]! ^= 1;
    await replaceFile(storage, '/m/rows.bin', flipped);
    await assert.rejects(verifyModelRows(storage, '/m', description), {
      code: 'MLML_CHECKSUM',
      message: /\/m\/rows.bin/,
    });
    for (const content of [bytes.slice(0, -1), new Uint8Array(bytes.length + 1)]) {
      await replaceFile(storage, '/m/rows.bin', content);
      await assert.rejects(modelScores(storage, after, dataset.test), { code: 'MLML_BAD_FILE' });
      await assert.rejects(verifyModelRows(storage, '/m', description), { code: 'MLML_CHECKSUM' });
    }
    await storage.remove('/m/rows.bin');
    await assert.rejects(modelScores(storage, after, dataset.test), { code: 'MLML_NOT_FOUND' });
    await assert.rejects(verifyModelRows(storage, '/m', description), { code: 'MLML_NOT_FOUND' });
  });

  test('a disk that fails leaves no folder', async () => {
    const { storage, model: made } = await model();
    const before = storage.paths();
    for (const kind of ['create', 'write', 'sync', 'rename'] as const) {
      const faulty = new FaultyStorage(storage, (operation) => {
        if (operation.kind === kind) throw new MlmlError('MLML_DISK_FULL', 'full');
      });
      await assert.rejects(saveModel(faulty, '/m', made, { copyRows: true }), { code: 'MLML_DISK_FULL' });
      assert.deepEqual(storage.paths(), before);
    }
  });
});
