import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tableFromArrays, tableToIPC, vectorFromArray } from 'apache-arrow';
import { arrowFile, arrowStream } from '../../../../test/support/arrowFiles.js';
import { rowsIn } from '../../../../test/support/fuzz/rowsIn.js';
import { put } from '../../../../test/support/originalFiles.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { importDataset } from '../../import/importDataset.js';
import type { ImportOptions } from '../../import/importOptions.js';
import { verifyDataset } from '../../verify.js';
import { openTable } from '../openTable.js';

async function tableOf(name: string, bytes: Uint8Array, bufferBytes = 64e6) {
  const storage = new MemoryStorage();
  await put(storage, `/${name}`, bytes);
  return await openTable(storage, `/${name}`, { bufferBytes });
}

async function imported(
  name: string,
  bytes: Uint8Array,
  table: ImportOptions['table'],
  options: Partial<ImportOptions> = {},
) {
  const storage = new MemoryStorage();
  await put(storage, `/${name}`, bytes);
  const description = await importDataset(storage, `/${name}`, {
    out: '/out',
    percentage: 1,
    table: table!,
    ...options,
  });
  await verifyDataset(storage, '/out');
  return { description, train: await rowsIn(storage, '/out', 'train') };
}

test('streams and files of another program: every type, missing values, several batches', async () => {
  const date = Date.UTC(2026, 0, 31);
  const files: [string, Uint8Array][] = [
    ['a.arrows', arrowStream],
    ['a.arrow', arrowFile],
    ['a.feather', arrowFile],
    ['a.arrows.gz', new Uint8Array(gzipSync(arrowStream))],
  ];
  for (const [name, bytes] of files) {
    const table = await tableOf(name, bytes);
    assert.deepEqual(table.columns, ['x', 'i', 'h', 'b', 'd', 't', 'm', 's', 'c', 'y']);
    assert.deepEqual(table.types, [
      'number',
      'number',
      'number',
      'boolean',
      'date',
      'date',
      'number',
      'text',
      'text',
      'number',
    ]);
    for (let pass = 0; pass < 2; pass++) {
      const rows: unknown[][] = [];
      const places: string[] = [];
      const ys: number[] = [];
      for await (const batch of table.batches()) {
        const numbers = new Float64Array(batch.rows);
        batch.numbersOf!(9, 0, batch.rows, numbers);
        ys.push(...numbers);
        for (let row = 0; row < batch.rows; row++) {
          places.push(batch.place(row));
          rows.push(table.columns.map((_, column) => batch.cell(row, column)));
        }
      }
      const [day, time] = [new Date(date), new Date(date + 12.5 * 3600e3)];
      assert.deepEqual(rows, [
        [1.5, 1n, 0.5, true, day, time, -1.25, 'Ulm', 'u', 0.25],
        [null, 2n ** 40n, 1, false, day, time, -1.25, 'Bern', 'v', 0.5],
        [-2, -3n, 2, null, day, time, -1.25, null, 'u', 0.75],
        [4, 4n, 3, true, day, time, -1.25, 'Zürich', 'v', 1],
      ]);
      assert.deepEqual(ys, [0.25, 0.5, 0.75, 1]);
      assert.equal(places[3], `/${name}: row 4`);
    }
    assert.equal((await table.records())[0]!.name, name);
    await table.close();
  }
});

test('a table becomes a data set, numbers as they are', async () => {
  const { description, train } = await imported(
    'a.arrow',
    arrowFile,
    { label: 'y', keep: ['x', 'i', 'h', 'c'] },
    { dtype: 'float64' },
  );
  assert.deepEqual(train, {
    features: [
      [1.5, 1, 0.5, 1, 0],
      [3.5 / 3, 2 ** 40, 1, 0, 1],
      [-2, -3, 2, 1, 0],
      [4, 4, 3, 0, 1],
    ],
    labels: [0.25, 0.5, 0.75, 1],
  });
  assert.equal(description.task, 'regression');
});

test('more rows than a batch has, written by the other library', async () => {
  const n = 5000;
  const columns = {
    a: Float32Array.from({ length: n }, (_, i) => i / 8),
    b: Uint16Array.from({ length: n }, (_, i) => i * 7),
    y: Int32Array.from({ length: n }, (_, i) => i % 3),
  };
  const bytes = tableToIPC(tableFromArrays(columns), 'stream');
  const { train } = await imported('a.arrows', bytes, { label: 'y' }, { dtype: 'float64' });
  assert.deepEqual(train.features[4321], [4321 / 8, (4321 * 7) % 65536]);
  assert.deepEqual(train.labels.slice(0, 4), [0, 1, 2, 0]);
});

test('what cannot be read is refused in one line', async () => {
  const cut = (length: number) => arrowStream.subarray(0, length);
  const nested = tableToIPC(
    tableFromArrays({ a: [1, 2], y: vectorFromArray([[1], [2]]) as never }),
    'stream',
  );
  const cases: [Uint8Array, string, RegExp][] = [
    [new Uint8Array(0), 'MLML_BAD_FILE', /Arrow: there is nothing in it/],
    [Uint8Array.of(1, 2), 'MLML_BAD_FILE', /byte 0: Arrow: the stream ends inside the length/],
    [
      new TextEncoder().encode('a,b,c\n1,2,3\n'),
      'MLML_BAD_FILE',
      /byte 0: Arrow: a message whose metadata have \d+ bytes/,
    ],
    [arrowStream.with(4, 255), 'MLML_BAD_FILE', /Arrow|cut short/],
    [arrowStream.with(9, 200), 'MLML_BAD_FILE', /Arrow: its metadata are damaged/],
    [cut(arrowStream.length - 300), 'MLML_BAD_FILE', /cut short/],
    // The library's own files have their schema only behind the batches.
    [
      tableToIPC(tableFromArrays({ y: new Float64Array(9) }), 'file'),
      'MLML_BAD_FILE',
      /does not begin with a schema; write it as an Arrow stream/,
    ],
    [nested, 'MLML_BAD_DATA', /column y: is of the type List<.*>; columns of numbers/],
  ];
  const read = async (bytes: Uint8Array, bufferBytes?: number) => {
    const table = await tableOf('a.arrows', bytes, bufferBytes);
    for await (const batch of table.batches()) for (let row = 0; row < batch.rows; row++) batch.cell(row, 0);
  };
  for (const [bytes, code, message] of cases)
    await assert.rejects(read(bytes), { code, message }, `${message}`);
  const large = tableToIPC(tableFromArrays({ y: new Float64Array(100_000) }), 'stream');
  await assert.rejects(read(large, 1e6), {
    code: 'MLML_BAD_DATA',
    message: /a batch of 8000\d\d bytes; at most 250000 are read at once: give a larger --buffer/,
  });
});
