import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClosedCase, MemoryCheckpoint, solveClosed } from '../../../../test/support/closedFixture.js';
import { MlmlError } from '../../../errors.js';
import { FaultyStorage } from '../../../storage/faultyStorage.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';

const n = 130;
/** Exponential kernel on a line: positive definite, and far from the identity. */
const entry = (i: number, j: number) => Math.exp(-Math.abs(i - j) / 20);
const given: ClosedCase = { n, tileSize: 32, factorTile: 32, k: 2, reg: [0.2, 0.05], entry };
const FACTOR = '/job/cholesky.factor';

async function killedAfter(saves: number, storage: MemoryStorage): Promise<MemoryCheckpoint> {
  const checkpoint = new MemoryCheckpoint(saves);
  await assert.rejects(solveClosed({ ...given, storage, checkpoint }), /killed/);
  return new MemoryCheckpoint(Number.POSITIVE_INFINITY, checkpoint);
}

test('killed after any checkpoint, it goes on to the same bits', async () => {
  const checkpoint = new MemoryCheckpoint();
  const whole = await solveClosed({ ...given, checkpoint });
  // Five columns, the solution and five rows of the inverse for each regularization, and the step to the next.
  assert.equal(checkpoint.saves, 2 * 11 + 1);
  for (let saves = 1; saves <= checkpoint.saves; saves++) {
    const storage = new MemoryStorage();
    const resumed = await killedAfter(saves, storage);
    const { solution, coefficients, events } = await solveClosed({ ...given, storage, checkpoint: resumed });
    assert.deepEqual(coefficients, whole.coefficients, `killed after ${saves}`);
    assert.deepEqual(solution, whole.solution);
    const done = events.find((event) => event.type === 'resumed')!;
    assert.ok(done.done > 0 && done.total === 20);
    assert.deepEqual(storage.paths(), [], 'the factor is removed');
  }
});

test('a state of other regularizations is not gone on from', async () => {
  const storage = new MemoryStorage();
  const checkpoint = await killedAfter(3, storage);
  const other = { ...given, reg: [0.3, 0.05] };
  const { events, coefficients } = await solveClosed({ ...other, storage, checkpoint });
  assert.ok(!events.some(({ type }) => type === 'resumed'));
  assert.deepEqual(coefficients, (await solveClosed(other)).coefficients);
});

for (const [name, damage] of [
  ['a flipped bit in', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5000 ? byte ^ 4 : byte))],
  ['a lost end of', (bytes: Uint8Array) => bytes.slice(0, 5000)],
] as const) {
  test(`${name} the factor is noticed; the next run makes it anew`, async () => {
    const storage = new MemoryStorage();
    const checkpoint = await killedAfter(4, storage);
    const bytes = damage(storage.bytesOf(FACTOR));
    const file = await storage.create(FACTOR);
    await file.write(bytes, 0);
    await assert.rejects(solveClosed({ ...given, storage, checkpoint }), {
      code: 'MLML_CHECKSUM',
      message: /cholesky\.factor: tile \d+ of the Cholesky factor is damaged/,
    });
    assert.deepEqual(storage.paths(), []);
    const { events, coefficients } = await solveClosed({ ...given, storage, checkpoint });
    assert.ok(!events.some(({ type }) => type === 'resumed'));
    assert.deepEqual(coefficients, (await solveClosed(given)).coefficients);
  });
}

test('states whose factor is gone go before a new one is begun', async () => {
  const storage = new MemoryStorage();
  const checkpoint = await killedAfter(14, storage);
  // As by a kill when the factor had been removed and the states had not.
  await storage.remove(FACTOR);
  let killed = false;
  const dying = new FaultyStorage(storage, ({ kind, path }) => {
    if (killed) throw new MlmlError('MLML_IO', 'killed');
    killed = kind === 'write' && path === FACTOR;
  });
  await assert.rejects(solveClosed({ ...given, storage: dying, checkpoint }), { message: /killed/ });
  assert.deepEqual(storage.paths(), [FACTOR]);
  const { events, coefficients } = await solveClosed({ ...given, storage, checkpoint });
  assert.ok(!events.some(({ type }) => type === 'resumed'));
  assert.deepEqual(coefficients, (await solveClosed(given)).coefficients);
});

test('too little free space is seen before anything is written', async () => {
  class SmallDisk extends MemoryStorage {
    override async freeBytes(): Promise<number> {
      return 50_000;
    }
  }
  const storage = new SmallDisk();
  await assert.rejects(solveClosed({ ...given, storage }), {
    code: 'MLML_DISK_FULL',
    message: /1 MB are free/,
  });
  assert.deepEqual(storage.paths(), []);
});

test('a disk that becomes full is reported, and the job goes on when there is room', async () => {
  const disk = new MemoryStorage();
  const full = new FaultyStorage(disk, ({ kind, path, bytesWritten }) => {
    if (kind === 'write' && bytesWritten > 30_000) throw new MlmlError('MLML_DISK_FULL', `${path}: full`);
  });
  const checkpoint = new MemoryCheckpoint();
  await assert.rejects(solveClosed({ ...given, storage: full, checkpoint }), {
    code: 'MLML_DISK_FULL',
    message: /cholesky\.factor: the disk became full while factorising/,
  });
  const { events, coefficients } = await solveClosed({ ...given, storage: disk, checkpoint });
  assert.ok(events.some(({ type }) => type === 'resumed'));
  assert.deepEqual(coefficients, (await solveClosed(given)).coefficients);
});
