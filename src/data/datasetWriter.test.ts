import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { put } from '../../test/support/originalFiles.js';
import { crc32c } from '../storage/crc32c.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { Storage } from '../storage/storage.js';
import { openDataset } from './dataset.js';
import { DatasetWriter, type NewDataset } from './datasetWriter.js';
import type { DatasetDescription, PartName } from './format.js';
import { verifyDataset } from './verify.js';

const D = 1000;
const ROW = D + 1;
const given: NewDataset = { name: 'made', task: 'classification', d: D, k: 3, dtype: 'uint8' };
const source = { description: 'made for a test', files: [] };

function rowsOf(count: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: count * ROW }, (_, i) => {
    const row = first + Math.floor(i / ROW);
    return i % ROW === D ? row % 3 : (row * 13 + (i % ROW)) % 256;
  });
}

/** 2500 training rows (2.5 MB: three checksum blocks) and 7 test rows, in the given batches. */
async function make(
  storage: Storage,
  folder: string,
  order: readonly (readonly [PartName, number])[],
): Promise<DatasetDescription> {
  const writer = await DatasetWriter.create(storage, folder, given);
  const done = { train: 0, test: 0 };
  for (const [part, count] of order) {
    await writer.append(part, rowsOf(count, done[part]), count);
    done[part] += count;
  }
  return await writer.finish(source);
}

const inOrder = [
  ['train', 2500],
  ['test', 7],
] as const;
const mixed = [
  ['test', 3],
  ['train', 1],
  ['train', 1048],
  ['test', 4],
  ['train', 1451],
] as const;

test('rows, description and checksums do not depend on how the rows arrive', async () => {
  const storage = new MemoryStorage();
  const description = await make(storage, '/one', inOrder);
  const again = await make(storage, '/two', mixed);
  assert.deepEqual(again, description);
  assert.deepEqual(await storage.list('/one'), [
    'dataset.json',
    'test.rows',
    'test.rows.crc32c',
    'train.rows',
    'train.rows.crc32c',
  ]);
  assert.deepEqual(storage.bytesOf('/two/train.rows'), rowsOf(2500));
  assert.deepEqual(storage.bytesOf('/two/test.rows'), rowsOf(7));
  const checksums = storage.bytesOf('/two/train.rows.crc32c');
  const view = new DataView(checksums.buffer);
  assert.equal(checksums.length, 12);
  for (let block = 0; block < 3; block++) {
    const bytes = rowsOf(2500).subarray(block * 2 ** 20, (block + 1) * 2 ** 20);
    assert.equal(view.getUint32(4 * block, true), crc32c(bytes));
  }
  assert.deepEqual(description.classCounts, [834, 833, 833]);
  assert.deepEqual(
    storage.paths().filter((path) => path.includes('.mlml-import')),
    [],
  );
});

test('the fingerprint changes with any byte, the order, the split and the meaning', async () => {
  const storage = new MemoryStorage();
  let made = 0;
  const fingerprint = async (change: Partial<NewDataset>, train: Uint8Array, test: Uint8Array) => {
    const writer = await DatasetWriter.create(storage, `/set${made++}`, { ...given, ...change });
    await writer.append('train', train, train.length / ROW);
    await writer.append('test', test, test.length / ROW);
    return (await writer.finish(source)).fingerprint;
  };
  const changedByte = rowsOf(5);
  changedByte[17]!++;
  const swapped = new Uint8Array([...rowsOf(1, 1), ...rowsOf(1, 0), ...rowsOf(3, 2)]);
  const fingerprints = [
    await fingerprint({}, rowsOf(5), rowsOf(2, 5)),
    await fingerprint({}, changedByte, rowsOf(2, 5)),
    await fingerprint({}, swapped, rowsOf(2, 5)),
    await fingerprint({}, rowsOf(6), rowsOf(1, 6)),
    await fingerprint({ k: 4 }, rowsOf(5), rowsOf(2, 5)),
  ];
  assert.equal(new Set(fingerprints).size, fingerprints.length);
  assert.equal(await fingerprint({ name: 'other' }, rowsOf(5), rowsOf(2, 5)), fingerprints[0]);
  for (const text of fingerprints) assert.match(text, /^[0-9a-f]{32}$/);
});

test('an opened data set reads any rows; a prefix shares its files', async () => {
  const storage = new MemoryStorage();
  await make(storage, '/set', inOrder);
  const dataset = await openDataset(storage, '/set');
  const target = new Uint8Array(20 * ROW);
  await dataset.train.readRows(target, 2480, 20);
  assert.deepEqual(target, rowsOf(20, 2480));
  const first = dataset.train.first(100);
  assert.deepEqual([first.rows, dataset.train.first(9999).rows], [100, 2500]);
  await first.readRows(target, 80, 20);
  assert.deepEqual(target, rowsOf(20, 80));
  await dataset.close();
});

test('bad labels and values are refused with part and row', async () => {
  const storage = new MemoryStorage();
  const writer = await DatasetWriter.create(storage, '/set', given);
  await writer.append('test', rowsOf(4), 4);
  const bad = rowsOf(3);
  bad[2 * ROW + D] = 3;
  await assert.rejects(writer.append('test', bad, 3), {
    code: 'MLML_BAD_DATA',
    message: 'test row 6: label 3 is not a class number from 0 to 2',
  });
  await assert.rejects(writer.append('train', rowsOf(3), 2), { code: 'MLML_INTERNAL' });
  await writer.discard();
  for (const part of ['train', 'test'] as const) {
    const floats = await DatasetWriter.create(storage, '/set', {
      ...given,
      d: 1,
      k: 1,
      task: 'regression',
      dtype: 'float32',
    });
    const bytes = new Uint8Array(Float32Array.of(1, 2, NaN, 3).buffer);
    await assert.rejects(floats.append(part, bytes, 2), {
      code: 'MLML_BAD_DATA',
      message: `${part} row 1: feature 0: NaN is not a finite number`,
    });
    const target = new Uint8Array(Float32Array.of(1, 2, 3, Infinity).buffer);
    await assert.rejects(floats.append(part, target, 2), /row 1: target Infinity is not a finite number/);
    await floats.discard();
  }
  assert.deepEqual(storage.paths(), []);
});

test('a data set without training rows is refused', async () => {
  const writer = await DatasetWriter.create(new MemoryStorage(), '/set', given);
  await writer.append('test', rowsOf(4), 4);
  await assert.rejects(writer.finish(source), { code: 'MLML_BAD_DATA', message: /no training row/ });
});

test('nothing bears the final name before the end, whatever fails', async () => {
  for (const kind of ['create', 'write', 'sync', 'rename'] as const) {
    for (const occurrence of [1, 2, 3]) {
      const memory = new MemoryStorage();
      let count = 0;
      const storage = new FaultyStorage(memory, (operation) => {
        if (operation.kind === kind && ++count === occurrence) throw new Error(`no ${kind}`);
      });
      const writer = await DatasetWriter.create(storage, '/set', given).catch(() => undefined);
      if (writer === undefined) {
        assert.deepEqual(memory.paths(), []);
        continue;
      }
      try {
        await writer.append('train', rowsOf(2500), 2500);
        await writer.append('test', rowsOf(7), 7);
        await writer.finish(source);
        assert.ok(kind === 'rename' && occurrence === 3, `${kind} ${occurrence} did not fail`);
      } catch {
        assert.equal(await memory.status('/set'), undefined);
        await writer.discard();
        assert.deepEqual(memory.paths(), []);
      }
    }
  }
});

test('existing folders are kept; leftovers of dead processes are removed, those of living ones are not', async () => {
  const storage = new MemoryStorage();
  const named = (pid: number) => `.mlml-import-${hostname()}-${pid}-0-0`;
  const mine = '.mlml-import-notes';
  for (const name of [named(999999999), named(process.ppid), mine]) {
    await put(storage, `/data/${name}/train.rows`, new Uint8Array(3));
  }
  await make(storage, '/data/set', [['train', 5]]);
  assert.deepEqual(await storage.list('/data'), [named(process.ppid), mine, 'set'].sort());
  await assert.rejects(DatasetWriter.create(storage, '/data/set', given), {
    code: 'MLML_EXISTS',
    message: /\/data\/set: exists already/,
  });
});

test('verification finds the MiB, the bytes and the rows of a flipped bit', async () => {
  const storage = new MemoryStorage();
  await make(storage, '/set', inOrder);
  const progress: number[] = [];
  const total = 2507 * ROW;
  assert.equal(await verifyDataset(storage, '/set', (done) => progress.push(done)), total);
  const stopped = verifyDataset(storage, '/set', undefined, AbortSignal.abort(new Error('enough')));
  await assert.rejects(stopped, { message: 'enough' });
  assert.deepEqual(progress, [2 ** 20, 2 ** 21, 2500 * ROW, total]);
  const rows = storage.bytesOf('/set/train.rows');
  rows[2 ** 20 + 5]! ^= 16;
  await put(storage, '/set/train.rows', rows);
  await assert.rejects(verifyDataset(storage, '/set'), {
    code: 'MLML_CHECKSUM',
    message:
      /\/set\/train.rows: MiB 1 \(bytes 1048576 to 2097151, rows 1047 to 2095\) has CRC32C [0-9a-f]{8} instead of/,
  });
});

test('verification refuses cut row files and cut checksum files', async () => {
  const storage = new MemoryStorage();
  await make(storage, '/set', inOrder);
  const checksums = storage.bytesOf('/set/train.rows.crc32c');
  await put(storage, '/set/train.rows.crc32c', checksums.subarray(0, 8));
  await assert.rejects(verifyDataset(storage, '/set'), {
    code: 'MLML_BAD_FILE',
    message: /train.rows.crc32c: has 8 bytes; .* has 3 blocks of 1 MiB and needs 12/,
  });
  await put(storage, '/set/train.rows.crc32c', checksums);
  await put(storage, '/set/test.rows', rowsOf(6));
  await assert.rejects(verifyDataset(storage, '/set'), {
    code: 'MLML_BAD_FILE',
    message: /test.rows: has 6006 bytes/,
  });
  await storage.remove('/set/test.rows');
  await assert.rejects(verifyDataset(storage, '/set'), { code: 'MLML_NOT_FOUND', message: /test.rows/ });
});
