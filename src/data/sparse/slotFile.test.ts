import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSparseRows, type SparseProblem, sparseProblem } from '../../../test/support/sparseFixture.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openAnyDataset } from '../dataset.js';
import { rowLayout } from '../rowLayout.js';
import { commonDtype, rowsAs } from './rowViews.js';
import { openSlots, slotLayout } from './slotFile.js';
import type { SparseDataset } from './sparseDataset.js';
import { RecordView } from './sparseRecord.js';

const problem: SparseProblem = {
  ...sparseProblem(40, 30, 5),
  test: [
    { label: 1, pairs: [] },
    { label: 0, pairs: Array.from({ length: 30 }, (_, j) => [j, j + 1] as const) },
  ],
};

async function slots() {
  const storage = new MemoryStorage();
  const sparse = await openSparseRows(problem, 'float32', storage);
  return { storage, sparse, dataset: await openSlots(sparse) };
}

function readBack(bytes: Uint8Array, rowBytes: number) {
  const view = new RecordView(bytes, 'float32');
  return Array.from({ length: bytes.length / rowBytes }, (_, i) => {
    const word = (i * rowBytes) / 4;
    const pairs = Array.from(
      { length: view.nonzeros(word) },
      (_, t) => [view.index(word, t), view.value(word, t)] as const,
    );
    return { label: view.label(word), pairs };
  });
}

test('rows lie in slots as long as the longest, in any piece, at once and later', async () => {
  const { dataset } = await slots();
  const { layout, train } = dataset;
  assert.deepEqual(layout, slotLayout(30, 'float32', 30));
  for (const [first, count] of [
    [0, 40],
    [7, 1],
    [39, 1],
    [11, 20],
  ] as const) {
    const later = new Uint8Array(count * layout.rowBytes).fill(0xff);
    await train.readRows(later, first, count);
    assert.deepEqual(readBack(later, layout.rowBytes), problem.train.slice(first, first + count));
    // With room before and behind that stays as it is.
    const now = new Uint8Array((count + 1) * layout.rowBytes).fill(0xff);
    train.readRowsNow(now, first, count);
    assert.deepEqual(now.subarray(0, later.length), later);
    assert.ok(now.subarray(later.length).every((byte) => byte === 0xff));
    // What follows a record is zero: a copy of rows has the same bytes every time.
    const used = 12 + 8 * problem.train[first]!.pairs.length;
    assert.ok(later.subarray(used, layout.rowBytes).every((byte) => byte === 0));
  }
  await dataset.close();
});

test('rows become dense ones, wider ones and sparse ones again', async () => {
  const { dataset } = await slots();
  const dense = rowsAs(dataset.test, rowLayout(30, 'float64', 'uint8'));
  const bytes = new Uint8Array(2 * dense.layout.rowBytes);
  await dense.readRows(bytes, 0, 2);
  const view = new DataView(bytes.buffer);
  for (let j = 0; j < 30; j++) {
    assert.equal(view.getFloat64(8 * j, true), 0);
    assert.equal(view.getFloat64(dense.layout.rowBytes + 8 * j, true), j + 1);
  }
  assert.deepEqual([bytes[240], bytes[dense.layout.rowBytes + 240]], [1, 0]);
  const again = rowsAs(dense, slotLayout(30, 'float64', 30));
  const there = new Uint8Array(2 * again.layout.rowBytes);
  await again.readRows(there, 0, 2);
  const record = new RecordView(there, 'float64');
  assert.deepEqual([record.nonzeros(0), record.label(0)], [0, 1]);
  const second = again.layout.rowBytes / 4;
  assert.deepEqual(
    Array.from({ length: record.nonzeros(second) }, (_, t) => [
      record.index(second, t),
      record.value(second, t),
    ]),
    problem.test![1]!.pairs.map((pair) => [...pair]),
  );
  assert.equal(rowsAs(dataset.test, dataset.layout), dataset.test);
  assert.deepEqual(
    [commonDtype('uint8', 'float32'), commonDtype('float64', 'uint8'), commonDtype('int8', 'uint8')],
    ['float32', 'float64', undefined],
  );
  await dataset.close();
});

test('a label that the type of the model does not hold is named', async () => {
  const regression = sparseProblem(10, 8, 3, { task: 'regression' });
  const dataset = await openSlots(await openSparseRows(regression));
  const dense = rowsAs(dataset.train, rowLayout(8, 'float32', 'uint8'));
  const bytes = new Uint8Array(10 * dense.layout.rowBytes);
  await assert.rejects(dense.readRows(bytes, 0, 10), { code: 'MLML_MISMATCH', message: /uint8/ });
  await dataset.close();
});

for (const [what, change, message] of [
  [
    'an index beyond the features',
    (v: DataView) => v.setUint32(12, 999, true),
    /feature that is not below 30/,
  ],
  ['features that do not rise', (v: DataView) => v.setUint32(16, 0, true), /do not rise/],
  ['a row longer than any', (v: DataView) => v.setUint32(0, 31, true), /cut short/],
  ['a row of another length', (v: DataView) => v.setUint32(0, v.getUint32(0, true) - 1, true), /damaged/],
] as const) {
  test(`a damaged file is told from others: ${what}`, async () => {
    const { storage, dataset } = await slots();
    await dataset.close();
    const bytes = storage.bytesOf('/data/sparse/train.rows').slice();
    assert.ok(problem.train[0]!.pairs.length >= 2);
    change(new DataView(bytes.buffer, bytes.byteOffset));
    const file = await storage.create('/data/sparse/train.rows');
    await file.write(bytes, 0);
    await file.close();
    const damaged = await openSlots((await openAnyDataset(storage, '/data/sparse')) as SparseDataset);
    const target = new Uint8Array(40 * damaged.layout.rowBytes);
    await assert.rejects(damaged.train.readRows(target, 0, 40), { code: 'MLML_BAD_FILE', message });
    assert.throws(() => damaged.train.readRowsNow(target, 0, 40), { code: 'MLML_BAD_FILE', message });
    await damaged.close();
  });
}
