import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlmlError } from '../../errors.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openDataset, readDescription } from '../dataset.js';
import type { DatasetOrigin } from '../format.js';
import { verifyDataset } from '../verify.js';
import { originOf } from './datasetOrigin.js';
import { importDataset } from './importDataset.js';
import type { ImportOptions } from './importOptions.js';
import { importForTraining, importWithOrigin } from './importSource.js';

const text = (rows: number) =>
  `a,b\n${Array.from({ length: rows }, (_, i) => `${i},${2 * i + 0.5}`).join('\n')}\n`;

async function write(storage: MemoryStorage, path: string, content: string): Promise<void> {
  const file = await storage.create(path);
  await file.write(new TextEncoder().encode(content), 0);
  await file.close();
}

const options = (out = '/data/t'): ImportOptions => ({ out, table: { label: 'b' }, percentage: 0.5 });

/** What a training command does with `/t.csv`; gives what it was told. */
async function use(storage: MemoryStorage, disk = storage as ConstructorParameters<typeof FaultyStorage>[0]) {
  const notices: string[] = [];
  const request = { source: '/t.csv', options: ['--label=b'], otherFiles: [] };
  const origin = await originOf(storage, request, 'training');
  const given = { ...options(), onNotice: (notice: string) => void notices.push(notice) };
  await importForTraining(disk, async () => importDataset, '/t.csv', given, origin);
  return notices;
}

test('a data set keeps its origin, is whole, and is used, replaced or refused by it', async () => {
  const storage = new MemoryStorage();
  await write(storage, '/t.csv', text(20));
  assert.deepEqual(await use(storage), ['/t.csv has not been imported yet: importing it into /data/t, once']);
  const first = await verifyDataset(storage, '/data/t').then(() => readDescription(storage, '/data/t'));
  assert.equal(first.source.origin!.madeBy, 'training');
  assert.deepEqual(await use(storage), ['/t.csv has been imported already: using /data/t']);
  await write(storage, '/t.csv', text(30));
  assert.deepEqual(await use(storage), [
    '/t.csv has changed since it was imported: importing it anew into /data/t',
  ]);
  assert.equal((await readDescription(storage, '/data/t')).parts.train.n, 15);
  assert.deepEqual(await storage.list('/data'), ['t']);
  await storage.remove('/data/t');
  const byHand: DatasetOrigin = { source: '/elsewhere.csv', options: [], madeBy: 'import' };
  await importWithOrigin(storage, importDataset, '/t.csv', options(), byHand);
  await assert.rejects(use(storage), {
    code: 'MLML_EXISTS',
    message: /^\/data\/t: was imported by hand from \/elsewhere.csv; give \/data\/t instead of \/t.csv/,
  });
  await assert.rejects(importWithOrigin(storage, importDataset, '/t.csv', options(), byHand), {
    code: 'MLML_EXISTS',
  });
});

test('a disk that fails at any change leaves the old data set or the new one, or none, and the command mends it', async () => {
  let changes = 0;
  for (let last = 0; ; last++) {
    const storage = new MemoryStorage();
    await write(storage, '/t.csv', text(20));
    await use(storage);
    await write(storage, '/t.csv', text(30));
    changes = 0;
    const faulty = new FaultyStorage(storage, ({ kind }) => {
      if (kind === 'read' || changes++ < last) return;
      throw new MlmlError('MLML_IO', 'the disk fails');
    });
    const done = await use(storage, faulty).then(
      () => true,
      (error: MlmlError) => error.code !== 'MLML_IO',
    );
    const there = await storage.status('/data/t/dataset.json');
    if (there !== undefined) {
      const dataset = await openDataset(storage, '/data/t');
      assert.ok([10, 15].includes(dataset.train.rows));
      await dataset.close();
      await verifyDataset(storage, '/data/t');
    }
    await use(storage);
    assert.equal((await readDescription(storage, '/data/t')).parts.train.n, 15);
    if (done) break;
  }
  assert.ok(changes > 10, `${changes}`);
});

test('what another process imported meanwhile is used', async () => {
  const storage = new MemoryStorage();
  await write(storage, '/t.csv', text(20));
  const request = { source: '/t.csv', options: ['--label=b'], otherFiles: [] };
  const origin = await originOf(storage, request, 'training');
  const slow = async (...args: Parameters<typeof importDataset>) => {
    const made = await importDataset(...args);
    if ((await storage.status('/data/t')) === undefined) await use(storage);
    return made;
  };
  await importForTraining(storage, async () => slow, '/t.csv', options(), origin);
  await verifyDataset(storage, '/data/t');
  assert.deepEqual(await storage.list('/data'), ['t']);
});

test('origins: files by path, size and time; databases with what they wrote last; no passwords', async () => {
  const storage = new MemoryStorage();
  await write(storage, '/t.db', 'x');
  const of = (source: string, otherFiles: string[] = []) =>
    originOf(storage, { source, options: [], otherFiles }, 'training');
  const { files, source } = await of('/t.db');
  assert.equal(source, '/t.db');
  await write(storage, '/t.db-wal', 'y');
  assert.notEqual((await of('/t.db')).files, files);
  await write(storage, '/test.csv', 'z');
  assert.notEqual((await of('/t.db', ['/test.csv'])).files, (await of('/t.db')).files);
  assert.equal((await of('/t.db', ['no file'])).files, (await of('/t.db')).files);
  await assert.rejects(of('/none.csv'), {
    code: 'MLML_NOT_FOUND',
    message: '/none.csv: there is no such file',
  });
  const server = await of('postgres://me:secret@host/shop?password=secret');
  assert.deepEqual(server, { source: 'postgres://me@host/shop', options: [], madeBy: 'training' });
  assert.deepEqual(await of("select * from 'x.csv' "), {
    source: "select * from 'x.csv'",
    options: [],
    madeBy: 'training',
  });
});
