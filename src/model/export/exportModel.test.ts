import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomKernel, randomLinear } from '../../../test/support/exportedModels.js';
import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';
import { FaultyStorage, type Operation } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { exportFormats, exportModel } from './exportModel.js';
import { onnxFile } from './onnx/onnxFile.js';

const regression = { task: 'regression', k: 1 } as const;
const random = () => Random.of(1);

for (const format of exportFormats) {
  const path = `/m.${format}`;
  describe(`--${format}`, () => {
    for (const kind of ['create', 'write', 'sync', 'rename', 'read'] as Operation['kind'][])
      test(`a failing ${kind} leaves nothing, and an older file as it was`, async () => {
        for (const older of [false, true]) {
          const storage = new MemoryStorage();
          const kernel = { kind: 'linear' } as const;
          const { model } = await randomKernel(random(), storage, kernel, 50, 3, regression);
          const before = Uint8Array.of(1, 2, 3);
          if (older) {
            const file = await storage.create(path);
            await file.write(before, 0);
            await file.close();
          }
          let calls = 0;
          const faulty = new FaultyStorage(storage, (operation) => {
            // Not the first write of a file in pieces, and the first of everything else.
            if (operation.kind === kind && (kind !== 'write' || ++calls === (format === 'json' ? 1 : 3)))
              throw new MlmlError('MLML_DISK_FULL', 'full');
          });
          await assert.rejects(exportModel(faulty, model, path, { format }), { code: 'MLML_DISK_FULL' });
          assert.deepEqual(storage.paths(), older ? [path, '/rows.bin'] : ['/rows.bin']);
          if (older) assert.deepEqual(storage.bytesOf(path), before);
        }
      });

    test('a folder in the way, rows that are gone, and a signal', async () => {
      const storage = new MemoryStorage();
      await storage.makeFolder(`/folder.${format}`);
      const { model } = await randomKernel(random(), storage, { kind: 'linear' }, 5, 3, regression);
      await assert.rejects(exportModel(storage, model, `/folder.${format}`, { format }), {
        code: 'MLML_EXISTS',
        message: `/folder.${format}: is a folder; give the name of a file`,
      });
      const signal = AbortSignal.abort(new MlmlError('MLML_INTERRUPTED', 'stopped'));
      await assert.rejects(exportModel(storage, model, path, { format, signal }), {
        code: 'MLML_INTERRUPTED',
      });
      await storage.remove('/rows.bin');
      await assert.rejects(exportModel(storage, model, path, { format }), { code: 'MLML_NOT_FOUND' });
      assert.deepEqual(storage.paths(), []);
    });

    test('the same model makes the same bytes', async () => {
      const storage = new MemoryStorage();
      const made = randomLinear(random(), 5, { task: 'classification', loss: 'softmax', k: 3 });
      await exportModel(storage, made, `/a.${format}`, { format });
      await exportModel(storage, made, `/b.${format}`, { format });
      assert.deepEqual(storage.bytesOf(`/a.${format}`), storage.bytesOf(`/b.${format}`));
    });
  });
}

test('an ONNX file of more than 2 GiB is refused before anything is written', async () => {
  const storage = new MemoryStorage();
  const { model } = await randomKernel(random(), storage, { kind: 'linear' }, 2, 3, regression);
  const rows = { rows: 4e8, readRows: () => assert.fail('rows are read') };
  const many = { ...model, n: 2e8, coefficients: new Float64Array(2) };
  assert.throws(() => onnxFile({ kind: 'kernel', model: many, rows }, 'float64'), {
    code: 'MLML_USAGE',
    message:
      '--onnx: the file would have 2.40 GB, an ONNX file has at most 2.15 GB; --npz has no such limit, --precision=float32 makes weights half as large',
  });
});
