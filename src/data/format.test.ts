import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put } from '../../test/support/originalFiles.js';
import { makeDataset } from '../../test/support/tinyDataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { openDataset } from './dataset.js';
import { checkDescription } from './format.js';
import { RowFile } from './rowFile.js';
import { rowLayout } from './rowLayout.js';

// biome-ignore lint/suspicious/noExplicitAny: the descriptions here are damaged on purpose
type Loose = any;

async function goodDescription(): Promise<Loose> {
  const train = {
    features: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    labels: [0, 1, 1],
  };
  const dataset = await makeDataset({ train, test: { features: [[7, 8]], labels: [0] } });
  await dataset.close();
  return structuredClone(dataset.description);
}

test('a written description is accepted as it is', async () => {
  const description = await goodDescription();
  assert.equal(checkDescription(description, 'x'), description);
});

test('each damaged field is named with what was found', async () => {
  const cases: [(description: Loose) => void, RegExp][] = [
    [(x) => (x.format = 'other'), /field 'format' is "other"; expected "mlml-dataset"/],
    [(x) => delete x.version, /field 'version' is undefined; expected 1/],
    [(x) => (x.version = 0), /field 'version' is 0/],
    [(x) => (x.d = 0), /field 'd' is 0; expected a positive integer/],
    [(x) => (x.d = 1e300), /field 'd'/],
    [(x) => (x.k = '2'), /field 'k' is "2"/],
    [(x) => (x.dtype = 'toString'), /field 'dtype' is "toString"; expected one of uint8/],
    [(x) => (x.labelDtype = null), /field 'labelDtype' is null/],
    [(x) => (x.task = 'ranking'), /field 'task'/],
    [(x) => (x.name = 3), /field 'name'/],
    [(x) => delete x.fingerprint, /field 'fingerprint'/],
    [(x) => delete x.statistics, /field 'statistics.mean'/],
    [(x) => x.statistics.variance.pop(), /field 'statistics.variance' is "\[1 values\]"; expected 2 numbers/],
    [(x) => (x.statistics.min[0] = null), /field 'statistics.min'/],
    [(x) => delete x.statistics.maxRowNorm, /field 'statistics.maxRowNorm'/],
    [(x) => (x.classCounts = {}), /field 'classCounts'/],
    [(x) => (x.classNames = 'ab'), /field 'classNames'/],
    [(x) => delete x.parts, /field 'parts.train'/],
    [(x) => delete x.parts.test, /field 'parts.test'/],
    [(x) => (x.parts.train.n = 4), /field 'parts.train.n' is 4; expected the sum of its shards' rows, 3/],
    [(x) => (x.parts.train.shards[0].rows = -1), /field 'parts.train.shards'/],
    [(x) => (x.parts.train.shards[0].file = '../../secret'), /expected a file name without folders/],
    [(x) => (x.parts.test.shards[0].checksums = 'a/b'), /expected a file name without folders/],
    [(x) => (x.parts.train = { n: 0, shards: [] }), /at least one training row/],
  ];
  for (const [damage, message] of cases) {
    const description = await goodDescription();
    damage(description);
    assert.throws(
      () => checkDescription(description, '/set/dataset.json'),
      (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'MLML_BAD_FILE');
        assert.match(error.message, /^\/set\/dataset.json: field /);
        assert.match(error.message, message);
        return true;
      },
    );
  }
  for (const value of [null, 3, 'text', []])
    assert.throws(() => checkDescription(value, 'x'), { code: 'MLML_BAD_FILE', message: /field 'format'/ });
});

test('a newer version asks for an update', async () => {
  const description = { ...(await goodDescription()), version: 4 };
  assert.throws(() => checkDescription(description, 'x'), { code: 'MLML_VERSION', message: /update mlml/ });
});

test('folders that are no data set, cut descriptions and wrong sizes are refused when opening', async () => {
  const storage = new MemoryStorage();
  const train = {
    features: [
      [1, 2],
      [3, 4],
    ],
    labels: [0, 1],
  };
  await (await makeDataset({ train }, storage, '/set')).close();
  await assert.rejects(openDataset(storage, '/nowhere'), {
    code: 'MLML_NOT_FOUND',
    message: /\/nowhere: is not a data set folder/,
  });
  const json = storage.bytesOf('/set/dataset.json');
  await put(storage, '/set/dataset.json', json.subarray(0, json.length >> 1));
  await assert.rejects(openDataset(storage, '/set'), { code: 'MLML_BAD_FILE', message: /is not JSON/ });
  await put(storage, '/set/dataset.json', json);
  const rows = storage.bytesOf('/set/train.rows');
  for (const changed of [rows.subarray(1), new Uint8Array([...rows, 0])]) {
    await put(storage, '/set/train.rows', changed);
    await assert.rejects(openDataset(storage, '/set'), {
      code: 'MLML_BAD_FILE',
      message: new RegExp(`train.rows: has ${changed.length} bytes; 2 rows .* are 48 bytes`),
    });
  }
});

test('rows are read across shards in order', async () => {
  const storage = new MemoryStorage();
  const layout = rowLayout(2, 'uint8');
  const all = Uint8Array.from({ length: 30 }, (_, i) => i);
  const shards = [
    { path: '/a', rows: 3 },
    { path: '/b', rows: 0 },
    { path: '/c', rows: 6 },
    { path: '/d', rows: 1 },
  ];
  let from = 0;
  for (const { path, rows } of shards) {
    await put(storage, path, all.subarray(3 * from, 3 * (from + rows)));
    from += rows;
  }
  const file = await RowFile.open(storage, layout, shards);
  assert.equal(file.rows, 10);
  for (let first = 0; first < 10; first++) {
    for (let count = 0; first + count <= 10; count++) {
      const target = new Uint8Array(3 * count);
      await file.readRows(target, first, count);
      assert.deepEqual(target, all.slice(3 * first, 3 * (first + count)));
      file.readRowsNow(target.fill(0), first, count);
      assert.deepEqual(target, all.slice(3 * first, 3 * (first + count)));
    }
  }
  await file.close();
  await assert.rejects(RowFile.open(storage, layout, [{ path: '/a', rows: 2 ** 53 }]), {
    code: 'MLML_BAD_FILE',
  });
});

test('several labels have a version of their own, and names', async () => {
  const { checksum: _, ...good } = await goodDescription();
  const several = {
    ...good,
    ...{ version: 3, task: 'regression', k: 2, labelNames: ['a', 'b'], classCounts: [], classNames: [] },
  };
  assert.deepEqual(checkDescription(several, 'x').labelNames, ['a', 'b']);
  for (const [change, message] of [
    [{ version: 1 }, /field 'version' is 1; expected 3, as k is above 1 in a regression/],
    [{ version: 2 }, /field 'version' is 2; expected 3/],
    [{ k: 1 }, /field 'version' is 3; expected 1/],
    [{ k: 1, version: 1 }, /field 'labelNames'/],
    [{ k: 3 }, /expected 3 different names/],
    [{ labelNames: ['a', 'a'] }, /expected 2 different names/],
    [{ labelNames: ['a', ''] }, /expected 2 different names/],
    [{ labelNames: undefined }, /expected 2 different names/],
    [
      { columns: { features: [], label: { column: 'a', kind: 'number' } } },
      /field 'columns.label.others' is undefined; expected the names of 1 columns/,
    ],
  ] as const)
    assert.throws(() => checkDescription({ ...several, ...change }, 'x'), { code: 'MLML_BAD_FILE', message });
});
