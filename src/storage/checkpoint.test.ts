import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { deadName } from '../../test/support/deadName.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { MlmlError } from '../errors.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { nodeStorage } from '../storage/nodeStorage.js';
import type { Storage } from '../storage/storage.js';
import { jobFolder, jobId, openCheckpoint, removeFinishedJob } from './checkpoint.js';
import { holdersOf } from './lock.js';
import type { SavingInterval } from './savingInterval.js';

const key = { solver: 'cg', reg: [0.1], seed: 0 };
const FOLDER = '/kernels/toy/jobs/1';

/** Blocks that tell of pass `p`; one lies in shared memory as those of solvers do. */
function blocksOf(p: number): Record<string, Uint8Array> {
  return {
    'cg directions': new Uint8Array(new SharedArrayBuffer(3_000_000)).fill(p + 1),
    coefficients: new Uint8Array(80).fill(100 + p),
    none: new Uint8Array(0),
  };
}

async function assertState(storage: Storage, folder: string, expected: number | undefined): Promise<void> {
  const checkpoint = await openCheckpoint(storage, folder, key);
  const blocks = blocksOf(50);
  const header = await checkpoint.load(blocks);
  assert.deepEqual(header, expected === undefined ? undefined : { pass: expected, x: 0.1 + expected });
  const wanted = blocksOf(expected ?? 50);
  for (const name of Object.keys(wanted)) assert.deepEqual(blocks[name], wanted[name], name);
  await checkpoint.release();
}

async function savePasses(storage: Storage, passes: number, folder = FOLDER): Promise<void> {
  const checkpoint = await openCheckpoint(storage, folder, key);
  for (let pass = 0; pass < passes; pass++) await checkpoint.save({ pass, x: 0.1 + pass }, blocksOf(pass));
  await checkpoint.release();
}

test('the last state comes back, in this and the next process; clear removes it', async (context) => {
  const folder = jobFolder({ scratchFolder: temporaryFolder(context) }, key);
  await assertState(nodeStorage, folder, undefined);
  assert.deepEqual(await nodeStorage.list(join(folder, '..')), []);
  await savePasses(nodeStorage, 4, folder);
  assert.deepEqual(await nodeStorage.list(folder), ['state-0', 'state-1']);
  await assertState(nodeStorage, folder, 3);
  const checkpoint = await openCheckpoint(nodeStorage, folder, key);
  await checkpoint.load(blocksOf(0));
  await checkpoint.save({ pass: 4, x: 4.1 }, blocksOf(4));
  const files = await checkpoint.folder();
  await (await nodeStorage.create(join(files, 'factor'))).close();
  await checkpoint.release();
  await assertState(nodeStorage, folder, 4);
  const last = await openCheckpoint(nodeStorage, folder, key);
  await last.clear();
  await last.release();
  assert.deepEqual(await nodeStorage.list(join(folder, '..')), []);
});

test('a damaged or cut state is not used: the one before is, and the damaged one is replaced', async () => {
  const memory = new MemoryStorage();
  await savePasses(memory, 4);
  const newest = join(FOLDER, 'state-1');
  const whole = memory.bytesOf(newest);
  for (const at of [0, 9, 13, 20, 300, 2_000_000, whole.length - 1]) {
    const bytes = whole.slice();
    bytes[at]! ^= 1;
    await (await memory.create(newest)).write(bytes, 0);
    await assertState(memory, FOLDER, 2);
  }
  for (const length of [0, 10, 100, 1_000_000, whole.length - 1, whole.length + 1]) {
    const bytes = new Uint8Array(length);
    bytes.set(whole.subarray(0, length));
    await (await memory.create(newest)).write(bytes, 0);
    await assertState(memory, FOLDER, 2);
  }
  const checkpoint = await openCheckpoint(memory, FOLDER, key);
  await checkpoint.load(blocksOf(0));
  await checkpoint.save({ pass: 3, x: 3.1 }, blocksOf(3));
  await checkpoint.release();
  assert.deepEqual(memory.bytesOf(newest), whole);
  await (await memory.create(join(FOLDER, 'state-0'))).write(new Uint8Array(5), 0);
  await assertState(memory, FOLDER, 3);
  await (await memory.create(newest)).write(new Uint8Array(5), 0);
  await assertState(memory, FOLDER, undefined);
});

test('killed before any operation of a save: the state before is there, and can be gone on from', async () => {
  for (let k = 0; ; k++) {
    const memory = new MemoryStorage();
    await savePasses(memory, 3);
    let seen = 0;
    let dead = false;
    const storage = new FaultyStorage(memory, ({ kind }) => {
      if (!dead && (kind === 'read' || kind === 'syncFolder' || seen++ < k)) return;
      dead = true;
      throw new MlmlError('MLML_IO', 'killed');
    });
    const save = async () => {
      const checkpoint = await openCheckpoint(storage, FOLDER, key);
      await checkpoint.load(blocksOf(0));
      await checkpoint.save({ pass: 3, x: 3.1 }, blocksOf(3));
    };
    await save().catch(() => {});
    for (const path of memory.paths()) if (path.includes('.mlml-')) await memory.remove(path);
    if (!dead) {
      assert.ok(k > 6);
      await assertState(memory, FOLDER, 3);
      return;
    }
    await assertState(memory, FOLDER, 2);
    await savePasses(memory, 1);
  }
});

test('a full disk is an error and keeps the state before', async () => {
  const memory = new MemoryStorage();
  await savePasses(memory, 3);
  const storage = new FaultyStorage(memory, ({ kind, path, bytesWritten, bytes }) => {
    if (kind === 'write' && bytesWritten + bytes > 1000)
      throw new MlmlError('MLML_DISK_FULL', `${path}: the disk is full`);
  });
  await assert.rejects(savePasses(storage, 1), { code: 'MLML_DISK_FULL' });
  for (const path of memory.paths()) if (path.includes('.mlml-')) await memory.remove(path);
  assert.deepEqual(await memory.list(FOLDER), ['state-0', 'state-1']);
  await assertState(memory, FOLDER, 2);
});

test('states of another job or for other blocks are not used', async () => {
  const memory = new MemoryStorage();
  await savePasses(memory, 2);
  const other = await openCheckpoint(memory, FOLDER, { ...key, seed: 1 });
  assert.equal(await other.load(blocksOf(0)), undefined);
  await other.release();
  const checkpoint = await openCheckpoint(memory, FOLDER, key);
  const { none, ...fewer } = blocksOf(0);
  assert.equal(await checkpoint.load(fewer), undefined);
  assert.equal(await checkpoint.load({ ...fewer, none: new Uint8Array(1) }), undefined);
  assert.equal(await checkpoint.load({ ...fewer, nothing: none! }), undefined);
  assert.notEqual(await checkpoint.load(blocksOf(0)), undefined);
  await checkpoint.release();
});

test('one process at a time', async () => {
  const memory = new MemoryStorage();
  const checkpoint = await openCheckpoint(memory, FOLDER, key);
  await assert.rejects(openCheckpoint(memory, FOLDER, key), {
    code: 'MLML_BUSY',
    message: /jobs\/1: process/,
  });
  await checkpoint.release();
  await (await openCheckpoint(memory, FOLDER, key)).release();
  assert.deepEqual(memory.paths(), []);
});

test('due after the time given, counted from the last state', async () => {
  let now = 5;
  const checkpoint = await openCheckpoint(new MemoryStorage(), FOLDER, key, { now: () => now });
  const due = () => checkpoint.due(0);
  assert.equal(due(), false);
  now = 30_004;
  assert.equal(due(), false);
  now = 30_005;
  assert.equal(due(), true);
  await checkpoint.save({}, {});
  assert.equal(due(), false);
  now = 60_005;
  assert.equal(due(), true);
});

test('a job is named by what determines its bits, whatever the order of the fields', () => {
  assert.match(jobId(key), /^[0-9a-f]{16}$/);
  assert.equal(jobId({ seed: 0, reg: [0.1], solver: 'cg' }), jobId(key));
  assert.notEqual(jobId({ ...key, reg: [0.2] }), jobId(key));
  assert.equal(jobFolder({ kernelFolder: 'kernels/a' }, key), `kernels/a/jobs/${jobId(key)}`);
  assert.equal(jobFolder({ scratchFolder: 's' }, key), `s/.mlml-job-${jobId(key)}`);
});

/** A checkpoint whose saves take as long as `cost` says. */
async function timed(every: SavingInterval, signal?: AbortSignal) {
  const clock = { now: 0, cost: 0 };
  const disk = new MemoryStorage();
  const storage = new FaultyStorage(disk, ({ kind }) => {
    if (kind === 'sync') clock.now += clock.cost;
  });
  const options = { every, now: () => clock.now, ...(signal && { signal }) };
  const checkpoint = await openCheckpoint(storage, FOLDER, key, options);
  return { clock, checkpoint };
}

test('after a save that took t there is none for 50 t, however short the interval', async () => {
  const { clock, checkpoint } = await timed({ kind: 'time', milliseconds: 10 });
  clock.now = 10;
  assert.equal(checkpoint.due(0), true);
  clock.cost = 4;
  await checkpoint.save({}, {});
  assert.equal(clock.now, 14);
  clock.now = 14 + 199;
  assert.equal(checkpoint.due(0), false);
  clock.now = 14 + 200;
  assert.equal(checkpoint.due(0), true);
  // A cheap save brings the interval back.
  clock.cost = 0;
  await checkpoint.save({}, {});
  clock.now += 10;
  assert.equal(checkpoint.due(0), true);
});

test('rows are counted from the last state; saves that cost much come later', async () => {
  const { clock, checkpoint } = await timed({ kind: 'rows', rows: 100 });
  assert.equal(checkpoint.eager, true);
  assert.deepEqual([checkpoint.due(99), checkpoint.due(100)], [false, true]);
  await checkpoint.save({}, {});
  assert.deepEqual([checkpoint.due(199), checkpoint.due(205)], [false, true]);
  clock.cost = 3;
  await checkpoint.save({}, {});
  clock.now += 149;
  assert.equal(checkpoint.due(500), false);
  clock.now += 1;
  assert.equal(checkpoint.due(500), true);
  // A state that was loaded is where counting begins.
  await checkpoint.load({});
  assert.deepEqual([checkpoint.due(900), checkpoint.due(999), checkpoint.due(1000)], [false, false, true]);
});

test('0 seconds save every step, whatever that costs; never saves none', async () => {
  const { clock, checkpoint } = await timed({ kind: 'time', milliseconds: 0 });
  clock.cost = 1000;
  for (let step = 0; step < 3; step++) {
    assert.equal(checkpoint.due(step), true);
    await checkpoint.save({}, {});
  }
  const never = await timed({ kind: 'never' });
  never.clock.now = 1e9;
  assert.deepEqual([never.checkpoint.due(1e9), never.checkpoint.eager], [false, false]);
});

test('a job that is to stop saves at once and stops; in the middle of a step it saves what is at rest', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  const { checkpoint } = await timed({ kind: 'time', milliseconds: 1e6 }, stop.signal);
  assert.equal(checkpoint.due(0), false);
  const saves: number[] = [];
  checkpoint.atRest(async () => {
    saves.push(1);
    await checkpoint.save({ step: 1 }, {});
  });
  // Any other failure says nothing of the memory.
  await checkpoint.rescue();
  assert.equal(saves.length, 0);
  checkpoint.atRest(async () => {
    saves.push(2);
    await checkpoint.save({ step: 2 }, {});
  });
  stop.abort(reason);
  await checkpoint.rescue();
  assert.deepEqual(saves, [2]);
  assert.deepEqual(await checkpoint.load({}), { step: 2 });
  // Only once, and not when memory changes.
  await checkpoint.rescue();
  checkpoint.atRest(undefined);
  await checkpoint.rescue();
  assert.deepEqual(saves, [2]);
  assert.equal(checkpoint.due(0), true);
  await assert.rejects(checkpoint.save({ step: 3 }, {}), reason);
  assert.deepEqual(await checkpoint.load({}), { step: 3 });
  const never = await timed({ kind: 'never' }, stop.signal);
  assert.throws(() => never.checkpoint.due(0), reason);
});

test('what the caller keeps comes back with the state it was saved with; the end can be taken over', async () => {
  const memory = new MemoryStorage();
  const loaded: unknown[] = [];
  let [place, end] = [0, async (_: 'remove' | 'keep') => {}];
  const options = {
    onSave: async () => ({ place: ++place }),
    onLoad: async (kept: unknown) => {
      loaded.push(kept);
    },
    onDone: (given: typeof end) => {
      end = given;
    },
  };
  const open = () => openCheckpoint(memory, FOLDER, key, options);
  let checkpoint = await open();
  await checkpoint.load({});
  await checkpoint.save({ pass: 1 }, {});
  await checkpoint.save({ pass: 2 }, {});
  await checkpoint.done();
  await checkpoint.release();
  await assert.rejects(open(), { code: 'MLML_BUSY' });
  // The model could not be written.
  await end('keep');
  // The newest is damaged: the other one has its own.
  await (await memory.create(join(FOLDER, 'state-1'))).write(new Uint8Array(9), 0);
  checkpoint = await open();
  assert.deepEqual(await checkpoint.load({}), { pass: 1 });
  assert.deepEqual(loaded, [undefined, { place: 1 }]);
  await checkpoint.done();
  await checkpoint.release();
  await end('remove');
  assert.deepEqual(memory.paths(), []);
});

test('what is left of a finished job goes, but not the states of another run or of a running one', async () => {
  const saved = async (run: string) => {
    const memory = new MemoryStorage();
    const checkpoint = await openCheckpoint(memory, FOLDER, key, { onSave: async () => ({ run }) });
    for (let pass = 0; pass < 3; pass++) await checkpoint.save({ pass }, blocksOf(pass));
    await (await memory.create(join(await checkpoint.folder(), 'factor'))).close();
    return { memory, checkpoint };
  };
  const isOwn = (kept: unknown) => (kept as { run: string }).run === 'a';
  const own = await saved('a');
  const held = own.memory.paths();
  await removeFinishedJob(own.memory, FOLDER, isOwn);
  assert.deepEqual(own.memory.paths(), held, 'another process has it');
  await own.checkpoint.release();
  await removeFinishedJob(own.memory, FOLDER, isOwn);
  assert.deepEqual(own.memory.paths(), []);
  // There is nothing any more.
  await removeFinishedJob(own.memory, FOLDER, isOwn);
  assert.deepEqual(own.memory.paths(), []);

  const other = await saved('b');
  await other.checkpoint.release();
  const states = other.memory.paths();
  await removeFinishedJob(other.memory, FOLDER, isOwn);
  assert.deepEqual(other.memory.paths(), states);

  // Killed when the states were gone and the folder was not.
  const empty = new MemoryStorage();
  const lock = deadName('writer');
  await (await empty.create(join(FOLDER, lock))).close();
  const removed = join(FOLDER, '..', lock.replace('writer', 'removed'), lock);
  await (await empty.create(removed)).close();
  await removeFinishedJob(empty, FOLDER, isOwn);
  assert.deepEqual(empty.paths(), []);
});

test('a job is let go also when what is left of its folder cannot be looked at or removed', async () => {
  for (const refused of ['list', 'rename'] as const) {
    const memory = new MemoryStorage();
    let refuse = false;
    const storage = new FaultyStorage(memory, ({ kind }) => {
      if (refuse && kind === refused) throw new MlmlError('MLML_IO', `no ${kind}`);
    });
    const job = await openCheckpoint(storage, FOLDER, 'key');
    refuse = true;
    await assert.rejects(job.release(), { code: 'MLML_IO' });
    assert.deepEqual(await holdersOf(memory, FOLDER), []);
  }
});
