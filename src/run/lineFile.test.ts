import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlmlError } from '../errors.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { PowerLossStorage } from '../storage/powerLossStorage.js';
import type { Storage } from '../storage/storage.js';
import { LineFile } from './lineFile.js';

const text = (storage: MemoryStorage) => new TextDecoder().decode(storage.bytesOf('log'));

/** A storage whose writes finish only when told to. */
function slowStorage(): { storage: Storage; memory: MemoryStorage; release: () => void } {
  const memory = new MemoryStorage();
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const storage: Storage = Object.create(memory, {
    create: {
      value: async (path: string) => {
        const file = await memory.create(path);
        const write = file.write.bind(file);
        file.write = async (bytes, position) => {
          await gate;
          await write(bytes, position);
        };
        return file;
      },
    },
  });
  return { storage, memory, release };
}

test('lines arrive whole and in order, text of any script included', async () => {
  const storage = new MemoryStorage();
  const file = await LineFile.create(storage, 'log', () => 0);
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} ‖W‖² 数 😀`);
  for (const [i, line] of lines.entries()) {
    file.append(line);
    if (i % 700 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
  assert.equal(text(storage), `${lines.join('\n')}\n`);
});

test('a reader sees a line within a second', async () => {
  const storage = new MemoryStorage();
  let now = 0;
  const file = await LineFile.create(storage, 'log', () => now);
  file.append('early');
  assert.equal(text(storage), '');
  now = 1000;
  file.append('late');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(text(storage), 'early\nlate\n');
  await file.close();
});

test('when the disk is slower than the log, lines that may be dropped are, needed ones never', async () => {
  const { storage, memory, release } = slowStorage();
  const file = await LineFile.create(storage, 'log', () => 0);
  const line = 'x'.repeat(99);
  for (let i = 0; i < 20_000; i++) file.append(line, false);
  assert.ok(file.dropped > 8000 && file.dropped < 15_000, `${file.dropped} dropped`);
  file.append('needed');
  release();
  await file.close();
  const lines = text(memory).split('\n');
  assert.equal(lines.at(-2), 'needed');
  assert.equal(lines.length, 20_000 - file.dropped + 2);
});

test('a full disk is thrown by the next line and by close', async () => {
  const storage = new FaultyStorage(new MemoryStorage(), ({ kind }) => {
    if (kind === 'write') throw new MlmlError('MLML_DISK_FULL', 'log: the disk is full');
  });
  const file = await LineFile.create(storage, 'log', () => 0);
  file.append('x'.repeat(20_000));
  await new Promise((resolve) => setImmediate(resolve));
  assert.throws(() => file.append('more'), { code: 'MLML_DISK_FULL' });
  await assert.rejects(file.close(), { code: 'MLML_DISK_FULL' });
});

test('what was written before a mark is there after a power cut, also when the file was gone on with', async () => {
  const storage = new PowerLossStorage();
  storage.put('logs/old', new TextEncoder().encode('kept\nthis is cut off\n'));
  const begun = await LineFile.create(storage, 'logs/log', () => 0);
  begun.append('first');
  assert.equal(await begun.mark(), 6);
  const goneOn = await LineFile.goOn(storage, 'logs/old', 5, () => 0);
  goneOn.append('more');
  assert.equal(await goneOn.mark(), 10);
  const after = storage.afterPowerLoss(() => 0);
  const content = (path: string) => new TextDecoder().decode(after.bytesOf(path));
  assert.equal(content('logs/log'), 'first\n');
  assert.equal(content('logs/old'), 'kept\nmore\n');
});
