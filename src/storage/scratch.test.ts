import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MlmlError } from '../errors.js';
import { MemoryStorage } from './memoryStorage.js';
import { nodeStorage } from './nodeStorage.js';
import { isLeftover } from './ownedFolder.js';
import { Scratch } from './scratch.js';

/** The number of a process that has just ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

const name = (host: string, pid: number, start: number) => `.mlml-scratch-${host}-${pid}-${start}-0`;

test('only folders of dead processes of this machine are leftovers', () => {
  assert.equal(isLeftover(name(hostname(), deadPid(), 12345)), true);
  assert.equal(isLeftover(name('elsewhere', deadPid(), 12345)), false);
  assert.equal(isLeftover(name(hostname(), process.pid, 0)), false);
  assert.equal(isLeftover('.mlml-scratch-of-a-stranger'), false);
  assert.equal(isLeftover('my data'), false);
});

test('a process number used again by a younger process does not protect a leftover', {
  skip: process.platform === 'linux' ? false : 'start times of processes are known on Linux only',
}, () => {
  assert.equal(isLeftover(name(hostname(), process.pid, 1)), true);
});

test('opening removes leftovers and keeps everything else; closing removes the folder', async () => {
  const folder = join(tmpdir(), `mlml-scratch-test-${process.pid}`);
  const dead = join(folder, name(hostname(), deadPid(), 12345));
  const foreign = join(folder, name('elsewhere', 1, 1));
  try {
    for (const path of [dead, foreign, join(folder, 'mine')]) await nodeStorage.makeFolder(path);
    const first = await Scratch.open(nodeStorage, folder, 1000);
    const second = await Scratch.open(nodeStorage, folder, 1000);
    assert.notEqual(first.path, second.path);
    assert.deepEqual((await nodeStorage.list(folder)).length, 4);
    assert.equal(await nodeStorage.status(dead), undefined);
    const file = await first.create('rows', {});
    await file.write(Uint8Array.of(1, 2, 3), 0);
    await first.close();
    await second.close();
    await second.close();
    assert.deepEqual(await nodeStorage.list(folder), [name('elsewhere', 1, 1), 'mine']);
  } finally {
    await nodeStorage.remove(folder);
  }
});

test('too little free space names what is needed and what is free', async () => {
  class SmallDisk extends MemoryStorage {
    override async freeBytes(): Promise<number> {
      return 12_345_678;
    }
  }
  const storage = new SmallDisk();
  await assert.rejects(Scratch.open(storage, '/scratch', 4e9), (error) => {
    assert.ok(error instanceof MlmlError);
    assert.equal(error.code, 'MLML_DISK_FULL');
    assert.match(error.message, /^\/scratch: needs 4000 MB of scratch space, 12 MB are free; .*--scratch$/);
    return true;
  });
  assert.deepEqual(await storage.list('/scratch'), []);
});
