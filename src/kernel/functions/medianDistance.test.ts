import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeNumber } from '../../arithmetic/dtype.js';
import { RowFile } from '../../data/rowFile.js';
import { rowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { medianDistance } from './medianDistance.js';

async function rowFile(rows: readonly (readonly number[])[]): Promise<RowFile> {
  const layout = rowLayout(rows[0]!.length, 'float32');
  const bytes = new Uint8Array(rows.length * layout.rowBytes);
  const view = new DataView(bytes.buffer);
  for (const [i, row] of rows.entries())
    for (const [j, x] of row.entries()) writeNumber(view, i * layout.rowBytes + 4 * j, 'float32', x);
  const storage = new MemoryStorage();
  const file = await storage.create('/rows');
  await file.write(bytes, 0);
  await file.close();
  return RowFile.open(storage, layout, [{ path: '/rows', rows: rows.length }]);
}

const scaling = { multiply: Float64Array.of(2, 1), add: Float64Array.of(1, 0) };

test('the median over all pairs of few rows, after scaling, for each measure', async () => {
  // Scaled: (1, 0) (1, 4) (7, 0). Distances: 4, 6, √52; 4, 6, 10; 4, 36/8, 36/8 + 4.
  const file = await rowFile([
    [0, 0],
    [0, 4],
    [3, 0],
  ]);
  assert.equal(await medianDistance(file, scaling, 'l2', 0), 6);
  assert.equal(await medianDistance(file, scaling, 'l1', 0), 6);
  assert.equal(await medianDistance(file, scaling, 'chi2', 0), 4.5);
});

test('drawn pairs of many rows: the same for a seed, near the median of all', async () => {
  const random = Random.of(9);
  const file = await rowFile(Array.from({ length: 3000 }, () => [random.normal(), random.normal()]));
  const same = { multiply: Float64Array.of(1, 1), add: new Float64Array(2) };
  const found = await medianDistance(file, same, 'l2', 1);
  // ‖x−y‖²/4 of standard normals in the plane is exponential: the median distance is √(4·ln 2).
  assert.ok(Math.abs(found - Math.sqrt(4 * Math.log(2))) < 0.1, String(found));
  assert.equal(await medianDistance(file, same, 'l2', 1), found);
  assert.notEqual(await medianDistance(file, same, 'l2', 2), found);
  assert.equal(found, Number(found.toPrecision(4)));
});

test('equal rows are left out when they are half of the pairs; nothing but equal rows is refused', async () => {
  const file = await rowFile([
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 7],
  ]);
  assert.equal(await medianDistance(file, scaling, 'l2', 0), 7);
  for (const rows of [
    [[1, 2]],
    [
      [1, 2],
      [1, 2],
    ],
  ]) {
    await assert.rejects(
      medianDistance(await rowFile(rows), scaling, 'l1', 0),
      (error) =>
        error instanceof MlmlError &&
        error.code === 'MLML_USAGE' &&
        /no two different rows/.test(error.message),
    );
  }
});
