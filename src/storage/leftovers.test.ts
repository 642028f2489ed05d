import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadName } from '../../test/support/deadName.js';
import { removeLeftovers } from './leftovers.js';
import { holdersOf, lockFolder } from './lock.js';
import { MemoryStorage } from './memoryStorage.js';

const JOB = '/scratch/.mlml-job-0123456789abcdef';
const DEAD = deadName('writer');

async function killedAtItsEnd<Disk extends MemoryStorage>(storage: Disk): Promise<Disk> {
  await (await storage.create(`${JOB}/${DEAD}`)).close();
  await (await storage.create(`${JOB}/files/factor`)).close();
  return storage;
}

test('the folder of a job that was killed when all was done goes; one with a state stays', async () => {
  const storage = await killedAtItsEnd(new MemoryStorage());
  await removeLeftovers(storage, '/scratch');
  assert.deepEqual(await storage.list('/scratch'), []);
  const saved = await killedAtItsEnd(new MemoryStorage());
  await (await saved.create(`${JOB}/state-0`)).close();
  await removeLeftovers(saved, '/scratch');
  assert.deepEqual(await saved.list(JOB), [DEAD, 'files', 'state-0']);
});

test('a job that begins again while its folder is looked at keeps it, its lock and its state', async () => {
  class Raced extends MemoryStorage {
    #begun = false;
    override async list(folder: string): Promise<string[]> {
      const names = await super.list(folder);
      if (folder === JOB && !this.#begun) {
        this.#begun = true;
        await lockFolder(this, JOB, 'writer');
        await (await this.create(`${JOB}/state-0`)).close();
      }
      return names;
    }
  }
  const storage = await killedAtItsEnd(new Raced());
  await removeLeftovers(storage, '/scratch');
  assert.equal((await holdersOf(storage, JOB)).length, 1);
  assert.notEqual(await storage.status(`${JOB}/state-0`), undefined);
});
