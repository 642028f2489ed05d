import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { FaultyStorage } from './faultyStorage.js';
import { holdersOf, lockFolder } from './lock.js';
import { MemoryStorage } from './memoryStorage.js';
import { nodeStorage } from './nodeStorage.js';
import type { CreateOptions, Storage } from './storage.js';

const places: Record<string, (context: TestContext) => { storage: Storage; folder: string }> = {
  node: (context) => ({ storage: nodeStorage, folder: temporaryFolder(context) }),
  memory: () => ({ storage: new MemoryStorage(), folder: '/kernel' }),
};

for (const [name, make] of Object.entries(places)) {
  test(`${name}: many readers or one writer`, async (context) => {
    const { storage, folder } = make(context);
    await storage.makeFolder(folder);
    const readers = [
      await lockFolder(storage, folder, 'reader'),
      await lockFolder(storage, folder, 'reader'),
    ];
    assert.equal((await holdersOf(storage, folder)).length, 2);
    await assert.rejects(lockFolder(storage, folder, 'writer'), {
      code: 'MLML_BUSY',
      message: `${folder}: process ${process.pid} on ${hostname()} is reading from it; wait until it has ended, or stop it`,
    });
    for (const reader of readers) await reader.release();
    const writer = await lockFolder(storage, folder, 'writer');
    for (const kind of ['reader', 'writer'] as const)
      await assert.rejects(lockFolder(storage, folder, kind), {
        code: 'MLML_BUSY',
        message: /is writing to it/,
      });
    await writer.release();
    assert.deepEqual(await storage.list(folder), []);
    await (await lockFolder(storage, folder, 'reader')).release();
  });

  test(`${name}: of many writers at once at most one succeeds`, async (context) => {
    const { storage, folder } = make(context);
    await storage.makeFolder(folder);
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockFolder(storage, folder, 'writer')),
    );
    assert.ok(tries.filter(({ status }) => status === 'fulfilled').length <= 1);
  });

  test(`${name}: locks of dead processes and of reused process numbers are removed`, async (context) => {
    const { storage, folder } = make(context);
    const dead = spawnSync(process.execPath, ['--version']).pid;
    const names = [`.mlml-writer-${hostname()}-${dead}-1-0`];
    // The start time of this process is another one where /proc tells it.
    if (process.platform === 'linux') names.push(`.mlml-writer-${hostname()}-${process.pid}-1-0`);
    for (const stale of names) await (await storage.create(join(folder, stale))).close();
    assert.deepEqual(await holdersOf(storage, folder), []);
    await (await lockFolder(storage, folder, 'writer')).release();
    assert.deepEqual(await storage.list(folder), []);
  });
}

test('a lock of another machine holds', async () => {
  const storage = new MemoryStorage();
  await (await storage.create('/kernel/.mlml-writer-elsewhere.example-77-1-0')).close();
  await assert.rejects(lockFolder(storage, '/kernel', 'reader'), {
    code: 'MLML_BUSY',
    message:
      '/kernel: process 77 on elsewhere.example is writing to it; wait until it has ended; ' +
      'if it has, or there is no such machine any more, remove /kernel/.mlml-writer-elsewhere.example-77-1-0',
  });
});

test('a reader of a folder it may not write to needs no lock, a writer fails', async () => {
  const storage = new FaultyStorage(new MemoryStorage(), ({ kind }) => {
    if (kind === 'create') throw new Error('no', { cause: Object.assign(new Error(), { code: 'EROFS' }) });
  });
  await storage.makeFolder('/kernel');
  await (await lockFolder(storage, '/kernel', 'reader')).release();
  await assert.rejects(lockFolder(storage, '/kernel', 'writer'), /no/);
});

test('a lock that went with its folder locks nothing: another is made', async () => {
  class Raced extends MemoryStorage {
    #removals = 1;
    override async create(path: string, options?: CreateOptions) {
      const file = await super.create(path, options);
      // Another process, done with the job, takes the folder away.
      if (this.#removals-- > 0) await this.rename('/job', '/removed');
      return file;
    }
  }
  const storage = new Raced();
  await storage.makeFolder('/job');
  const lock = await lockFolder(storage, '/job', 'writer');
  assert.equal((await holdersOf(storage, '/job')).length, 1);
  await lock.release();
});
