import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { runOf, words } from '../../test/support/stoppedRun.js';
import { MlmlError } from '../errors.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readJson, readText } from '../storage/textFile.js';
import type { Training } from './services.js';

test('a disk with too little room for scratch is refused before there is a run', async () => {
  class SmallDisk extends MemoryStorage {
    free = 19;
    override async freeBytes(): Promise<number> {
      return this.free;
    }
  }
  const storage = new SmallDisk();
  const refused = async () =>
    await assert.rejects(fakeCommand(words, { storage }), {
      code: 'MLML_DISK_FULL',
      message: /^\.: needs 0\.00 MB of scratch space/,
    });
  await refused();
  assert.deepEqual(
    storage.paths().filter((path) => !path.startsWith('data/')),
    [],
  );
  storage.free = 20;
  await fakeCommand(words, { storage });
  assert.equal((await runOf(storage))['status'], 'done');
});

test('runs that begin in the same second have logs of their own', async () => {
  for (const more of [[], ['--resume']]) {
    const storage = new MemoryStorage();
    await fakeCommand(['ssgd', 'digits', '--out=first'], { storage });
    const outs = ['a', 'b', 'c'];
    await Promise.all(
      outs.map((out) => fakeCommand(['ssgd', 'digits', `--out=${out}`, ...more], { storage })),
    );
    const logs = await Promise.all(
      outs.map(async (out) => ((await readJson(storage, `${out}/run.json`)) as { log: string }).log),
    );
    assert.equal(new Set(logs).size, 3);
    for (const log of logs) assert.match(await readText(storage, log), /^2000,/m);
    assert.equal((await storage.list('logs/ssgd')).length, 4);
  }
});

test('folders made for scratch files go when they are empty, also after a kill', async () => {
  const line = [...words, '--scratch=deep/er'];
  const use =
    (end: 'ends' | 'fails' | 'is kept'): Training['train'] =>
    async (...args) => {
      const { storage, scratchFolder } = args[3];
      await (await storage.create(`${scratchFolder}/rows`)).close();
      if (end !== 'is kept') await storage.remove(`${scratchFolder}/rows`);
      if (end !== 'ends') throw new MlmlError('MLML_IO', 'stopped');
      return await fakeTrain(...args);
    };
  const storage = new MemoryStorage();
  await fakeCommand(line, { storage, train: use('ends') });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  await assert.rejects(fakeCommand(line, { storage, train: use('fails') }), { code: 'MLML_IO' });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  // What is kept for those who go on keeps its folder, until they end.
  await assert.rejects(fakeCommand(line, { storage, train: use('is kept') }), { code: 'MLML_IO' });
  assert.deepEqual(await storage.list('deep/er'), ['rows']);
  await fakeCommand([...line, '--resume'], { storage, train: use('ends') });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  // A folder of the user stays.
  await storage.makeFolder('deep/er');
  await fakeCommand(line, { storage, train: use('ends') });
  assert.deepEqual(await storage.list('deep'), ['er']);
});
