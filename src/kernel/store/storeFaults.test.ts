import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateToy, KERNELS, openToy, toyIdentity } from '../../../test/support/matrixFixture.js';
import { MlmlError } from '../../errors.js';
import { FaultyStorage, type Operation } from '../../storage/faultyStorage.js';
import { lockFolder } from '../../storage/lock.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { memIdOf } from './kernelDescription.js';
import { verifyKernel } from './storeList.js';
import { slotBytes } from './tileLayout.js';

const toy = toyIdentity(90);
const memId = memIdOf(toy);
const folder = join(KERNELS, memId);
const TILES = join(folder, 'tiles.bin');
const LOG = join(folder, 'tiles.log');
const TILE_SIZE = 32;

async function unbroken(): Promise<Uint8Array> {
  const memory = new MemoryStorage();
  await generateToy(memory, toy, { tileSize: TILE_SIZE });
  return memory.bytesOf(TILES);
}

/** What the next process finds: the locks of the dead one do not count. */
async function afterDeath(memory: MemoryStorage): Promise<void> {
  for (const path of memory.paths()) if (path.includes('.mlml-')) await memory.remove(path);
}

async function put(memory: MemoryStorage, path: string, bytes: Uint8Array): Promise<void> {
  const file = await memory.create(path);
  await file.write(bytes, 0);
}

/** All tiles that count as done are right, and generating goes on to the same bits. */
async function assertRecovers(memory: MemoryStorage, expected: Uint8Array, what: string): Promise<void> {
  await afterDeath(memory);
  if ((await memory.status(join(folder, 'kernel.json'))) !== undefined)
    await verifyKernel(memory, KERNELS, memId, { bufferBytes: 1e6 });
  const made = await generateToy(memory, toy, { tileSize: TILE_SIZE });
  assert.equal(made.state, 'complete', what);
  assert.deepEqual(memory.bytesOf(TILES), expected, what);
  await verifyKernel(memory, KERNELS, memId, { bufferBytes: 1e6 });
}

async function countOperations(syncMs: number): Promise<number> {
  let operations = 0;
  const storage = new FaultyStorage(new MemoryStorage(), () => void operations++);
  await generateToy(storage, toy, { tileSize: TILE_SIZE, syncMs });
  return operations;
}

for (const syncMs of [0, 1e6]) {
  test(`killed before any operation, syncing ${syncMs === 0 ? 'each tile' : 'once'}: goes on to the same bits`, async () => {
    const expected = await unbroken();
    const operations = await countOperations(syncMs);
    assert.ok(operations > 10);
    for (let k = 0; k < operations; k++) {
      const memory = new MemoryStorage();
      let seen = 0;
      const storage = new FaultyStorage(memory, () => {
        if (seen++ >= k) throw new MlmlError('MLML_IO', 'killed');
      });
      // Removing the lock at the very end is no failure of the job.
      await generateToy(storage, toy, { tileSize: TILE_SIZE, syncMs, kill: true }).catch((error) => {
        assert.match(String(error), /killed/);
      });
      await assertRecovers(memory, expected, `operation ${k}`);
    }
  });
}

test('power cut: tiles after the last sync are lost and not believed, even when the log got ahead', async () => {
  const expected = await unbroken();
  const operations = await countOperations(0);
  for (let k = 0; k < operations; k++) {
    const memory = new MemoryStorage();
    let seen = 0;
    let durable: Uint8Array = new Uint8Array(0);
    const rule = ({ kind, path }: Operation) => {
      if (seen++ >= k) throw new MlmlError('MLML_IO', 'no power');
      if (kind === 'sync' && path === TILES) durable = memory.bytesOf(TILES);
    };
    await generateToy(new FaultyStorage(memory, rule), toy, {
      tileSize: TILE_SIZE,
      syncMs: 0,
      kill: true,
    }).catch(() => {});
    if ((await memory.status(TILES)) === undefined) continue;
    await put(memory, TILES, durable);
    await assertRecovers(memory, expected, `operation ${k}`);
  }
});

test('a log that is cut or garbled anywhere: what it no longer tells is made again', async () => {
  const expected = await unbroken();
  for (let cut = 0; cut <= 6 * 16; cut += 5) {
    const memory = new MemoryStorage();
    await generateToy(memory, toy, { tileSize: TILE_SIZE });
    const log = memory.bytesOf(LOG);
    assert.equal(log.length, 6 * 16);
    await put(memory, LOG, log.slice(0, cut));
    await assertRecovers(memory, expected, `cut at ${cut}`);
    const garbled = log.slice();
    garbled[Math.min(cut, 95)]! ^= 0x10;
    await put(memory, LOG, garbled);
    await assertRecovers(memory, expected, `garbled at ${cut}`);
  }
  // A power cut can leave zeros where records were to be.
  const memory = new MemoryStorage();
  await generateToy(memory, toy, { tileSize: TILE_SIZE });
  await put(memory, LOG, new Uint8Array(200));
  await assertRecovers(memory, expected, 'zeros');
});

test('a full disk: a clear error, and the folder goes on later', async () => {
  const expected = await unbroken();
  for (let k = 0; k < expected.length + 96; k += 2500) {
    const memory = new MemoryStorage();
    const storage = new FaultyStorage(memory, ({ kind, path, bytes, bytesWritten }) => {
      if (kind === 'write' && bytesWritten + bytes > k)
        throw new MlmlError('MLML_DISK_FULL', `${path}: the disk is full`);
    });
    await assert.rejects(
      generateToy(storage, toy, { tileSize: TILE_SIZE }),
      (error) => error instanceof MlmlError && error.code === 'MLML_DISK_FULL',
    );
    assert.deepEqual(
      memory.paths().filter((path) => path.includes('.mlml-')),
      [],
      'no lock is left',
    );
    await assertRecovers(memory, expected, `${k} bytes`);
  }
});

test('a full disk says what to do', async () => {
  const storage = new FaultyStorage(new MemoryStorage(), ({ kind, path, bytesWritten }) => {
    if (kind === 'write' && path === TILES && bytesWritten > 9000)
      throw new MlmlError('MLML_DISK_FULL', `${path}: the disk is full`);
  });
  await assert.rejects(generateToy(storage, toy, { tileSize: TILE_SIZE }), {
    code: 'MLML_DISK_FULL',
    message: `${TILES}: the disk became full; free some space and give the same command again, it goes on`,
  });
});

test('a failed sync: nothing after the last good one is believed', async () => {
  const expected = await unbroken();
  for (const fails of [1, 2]) {
    const memory = new MemoryStorage();
    let syncs = 0;
    let recorded = -1;
    const storage = new FaultyStorage(memory, ({ kind, path }) => {
      if (kind !== 'sync' || path !== TILES || ++syncs !== fails) return;
      recorded = memory.bytesOf(LOG).length;
      throw new MlmlError('MLML_IO', 'lost');
    });
    await assert.rejects(generateToy(storage, toy, { tileSize: TILE_SIZE }), /lost/);
    assert.equal(memory.bytesOf(LOG).length, recorded);
    await assertRecovers(memory, expected, `sync ${fails}`);
  }
});

test('too little free space is found before anything is written', async () => {
  class SmallDisk extends MemoryStorage {
    override async freeBytes(): Promise<number> {
      return 20_000;
    }
  }
  const storage = new SmallDisk();
  await assert.rejects(generateToy(storage, toy, { tileSize: TILE_SIZE }), {
    code: 'MLML_DISK_FULL',
    message: `${folder}: needs 24.7 kB of disk space, 20.0 kB are free; free some space or choose another folder`,
  });
  assert.deepEqual(storage.paths(), []);
});

test('a flipped bit is found wherever a tile is read, verify marks it, generate makes only that again', async () => {
  const expected = await unbroken();
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toy, { tileSize: TILE_SIZE });
  const damaged = memory.bytesOf(TILES);
  damaged[4 * 4096 + 77]! ^= 4;
  await put(memory, TILES, damaged);
  const { matrix } = await openToy(memory, made);
  const wrong = {
    code: 'MLML_CHECKSUM',
    message:
      /tiles\.bin: tile 4 \(rows 64 to 89, columns 32 to 63\), bytes 16384 to 20479, has checksum [0-9a-f]{8} instead of [0-9a-f]{8}; the file is damaged: `mlml kernels verify toy-rbf-90-.*` finds and marks/,
  };
  await assert.rejects(async () => {
    for await (const _ of matrix.tiles());
  }, wrong);
  await assert.rejects(matrix.tiles([{ row: 2, column: 1 }]).next(), wrong);
  await matrix.close();
  const verify = () => verifyKernel(memory, KERNELS, memId, { bufferBytes: 1e6 });
  await assert.rejects(verify(), {
    code: 'MLML_CHECKSUM',
    message:
      /tile 4 \(rows 64 to 89, columns 32 to 63\): damaged or cut short, and marked now; the same generate/,
  });
  assert.equal((await verify()).tilesDone, 5);
  await assert.rejects(openToy(memory, made), { code: 'MLML_NOT_FOUND', message: /5 of 6 tiles/ });
  const log = memory.bytesOf(LOG).length;
  assert.equal((await generateToy(memory, toy)).state, 'complete');
  assert.equal(memory.bytesOf(LOG).length, log + 16);
  assert.deepEqual(memory.bytesOf(TILES), expected);
  assert.equal((await verify()).complete, true);
});

test('a file cut short is refused by readers and by generate; verify marks what is gone', async () => {
  const expected = await unbroken();
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toy, { tileSize: TILE_SIZE });
  await put(memory, TILES, expected.slice(0, 4 * slotBytes(made) + 100));
  const short = {
    code: 'MLML_BAD_FILE',
    message:
      /tiles\.bin: has 16484 bytes; tile 5 \(.*\) ends at byte 24576; the file is cut short: .*mlml kernels verify/,
  };
  await assert.rejects(openToy(memory, made), short);
  await assert.rejects(generateToy(memory, toy), short);
  await assert.rejects(verifyKernel(memory, KERNELS, memId, { bufferBytes: 1e6 }), {
    code: 'MLML_CHECKSUM',
    message: /tile 4 .*, tile 5 .*marked now/,
  });
  assert.equal((await generateToy(memory, toy)).state, 'complete');
  assert.deepEqual(memory.bytesOf(TILES), expected);
});

test('two writers, a reader while writing, a writer while reading: busy', async () => {
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toy, { tileSize: TILE_SIZE });
  const { matrix } = await openToy(memory, made);
  const { matrix: second } = await openToy(memory, made);
  const busy = {
    code: 'MLML_BUSY',
    message: new RegExp(`^${folder}: process ${process.pid} on .* is reading from it`),
  };
  await assert.rejects(generateToy(memory, toy), busy);
  await matrix.close();
  await second.close();
  // A writer holds its lock from before the first byte to after the last.
  await memory.remove(folder);
  let writes = 0;
  const storage = new FaultyStorage(memory, ({ kind, path }) => {
    if (kind !== 'write' && kind !== 'sync') return;
    writes++;
    assert.ok(
      memory.paths().some((name) => name.startsWith(`${folder}/.mlml-writer-`)),
      path,
    );
  });
  await generateToy(storage, toy, { tileSize: TILE_SIZE });
  assert.ok(writes > 6);
  const lock = await lockFolder(memory, folder, 'writer');
  const writing = { code: 'MLML_BUSY', message: /is writing to it/ };
  await assert.rejects(generateToy(memory, toy), writing);
  await assert.rejects(openToy(memory, made), writing);
  await lock.release();
});
