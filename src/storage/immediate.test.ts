import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MlmlError } from '../errors.js';
import { FaultyStorage } from './faultyStorage.js';
import { MemoryStorage } from './memoryStorage.js';
import { nodeStorage } from './nodeStorage.js';
import type { Storage } from './storage.js';

const storages: Record<string, () => Storage> = {
  node: () => nodeStorage,
  memory: () => new MemoryStorage(),
  faulty: () => new FaultyStorage(new MemoryStorage()),
};

for (const [name, make] of Object.entries(storages)) {
  test(`${name}: reads and writes at once`, async () => {
    const storage = make();
    const folder = await mkdtemp(join(tmpdir(), 'mlml-immediate-'));
    try {
      const file = await storage.create(join(folder, 'f'));
      const source = Uint8Array.of(1, 2, 3, 4, 5);
      file.writeNow(source, 1, 3, 2);
      file.writeNow(source, 4, 1, 0);
      const target = new Uint8Array(6);
      file.readNow(target, 2, 3, 2);
      assert.deepEqual([...target], [0, 0, 2, 3, 4, 0]);
      await file.readInto(target.subarray(0, 5), 0);
      assert.deepEqual([...target], [5, 0, 2, 3, 4, 0]);
      assert.throws(
        () => file.readNow(target, 0, 6, 0),
        (error) =>
          error instanceof MlmlError &&
          error.code === 'MLML_BAD_FILE' &&
          /ends at byte 5/.test(error.message),
      );
      file.writeNow(source, 0, 0, 0);
      await file.close();
    } finally {
      await nodeStorage.remove(folder);
    }
  });
}

test('a rule sees reads and writes at once, and they are counted', async () => {
  const storage = new FaultyStorage(new MemoryStorage(), ({ kind, bytesWritten, bytes }) => {
    if (kind === 'write' && bytesWritten + bytes > 4) throw new MlmlError('MLML_DISK_FULL', 'full');
  });
  const file = await storage.create('/f');
  file.writeNow(Uint8Array.of(1, 2, 3), 0, 3, 0);
  assert.throws(() => file.writeNow(Uint8Array.of(4, 5), 0, 2, 3), /full/);
  file.readNow(new Uint8Array(2), 0, 2, 1);
  assert.equal(storage.bytesWritten, 3);
  assert.equal(storage.bytesRead, 2);
});

test('node: writing to a full disk and to a closed file are clear errors', {
  skip: process.platform === 'linux' ? false : 'there is no /dev/full',
}, async () => {
  const full = await nodeStorage.openWrite('/dev/full');
  const isFull = (error: unknown) => error instanceof MlmlError && error.code === 'MLML_DISK_FULL';
  assert.throws(() => full.writeNow(Uint8Array.of(1), 0, 1, 0), isFull);
  await assert.rejects(full.write(Uint8Array.of(1), 0), isFull);
  await full.close();
});
