import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomKernel } from '../../../test/support/exportedModels.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openModelRows } from '../kernelRows.js';
import { jsonFile } from './jsonFile.js';
import { featuresBlob, type ModelSource, numbersBlob } from './modelSource.js';
import { npzFile } from './npz/npzFile.js';
import { onnxFile } from './onnx/onnxFile.js';
import { chunksOf } from './pieces.js';
import { scriptFile } from './script/scriptFile.js';

const MOST = 1 << 19;

/** A model of a megabyte of rows and half a megabyte of coefficients. */
async function largeModel(): Promise<
  ModelSource & { kind: 'kernel'; rows: { calls: number; most: number } }
> {
  const storage = new MemoryStorage();
  const meaning = { task: 'classification', k: 20 } as const;
  const { model } = await randomKernel(
    Random.of(1),
    storage,
    { kind: 'linear' },
    3000,
    90,
    meaning,
    'float32',
  );
  const { rows } = await openModelRows(storage, model);
  const watched = {
    rows: rows.rows,
    calls: 0,
    most: 0,
    async readRows(target: Uint8Array, first: number, count: number) {
      watched.calls++;
      watched.most = Math.max(watched.most, count * model.geometry.layout.rowBytes);
      await rows.readRows(target, first, count);
    },
  };
  return { kind: 'kernel', model, rows: watched };
}

for (const [format, partsOf] of Object.entries({
  onnx: (source: ModelSource) => onnxFile(source, 'float64').pieces,
  npz: (source: ModelSource) => npzFile(source),
  json: (source: ModelSource) => [jsonFile(source)],
  js: (source: ModelSource) => [scriptFile(source)],
}))
  test(`${format}: rows are read once, a little at a time, and written in small chunks`, async () => {
    const source = await largeModel();
    const parts = partsOf(source);
    assert.equal(source.rows.calls, 0);
    let largest = 0;
    let total = 0;
    for (const part of parts)
      for await (const chunk of chunksOf(part)) {
        largest = Math.max(largest, chunk.length);
        total += chunk.length;
      }
    assert.ok(total > 3000 * 90 * 4 + 3000 * 20 * 8, `${total} bytes`);
    assert.ok(largest <= MOST, `${largest} bytes at once`);
    assert.ok(source.rows.most <= MOST, `${source.rows.most} bytes read at once`);
    assert.equal(source.rows.calls, Math.ceil(3000 / Math.floor(2 ** 18 / (91 * 4))));
  });

test('blobs can be read again, and know their length', async () => {
  const { model, rows } = await largeModel();
  for (const blob of [
    featuresBlob(model, rows),
    numbersBlob(model.coefficients, 'float32'),
    numbersBlob(new Float64Array(0), 'float64'),
  ])
    for (let time = 0; time < 2; time++) {
      let total = 0;
      for await (const chunk of chunksOf(blob)) total += chunk.length;
      assert.equal(total, blob.byteLength);
    }
});
