import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPlan, writeNumberedRows } from '../../../test/support/shuffleFixture.js';
import { MlmlError } from '../../errors.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { scatterPlan } from './planScatter.js';
import { planShuffle, type ShufflePlan } from './shufflePlan.js';

const request = {
  reshuffle: 'epoch' as const,
  rows: 400,
  rowBytes: 60,
  epochs: 3,
  algo: 'external_shuffle' as const,
};

const plans: Record<string, ShufflePlan> = {
  'scatter at once': scatterPlan(request, { depth: 1, buckets: 4, direct: false, chunkBytes: 180 }),
  'scatter in the background': scatterPlan(request, { depth: 1, buckets: 4, direct: true, chunkBytes: 4096 }),
  'two levels in the background': scatterPlan(request, {
    depth: 2,
    buckets: 3,
    direct: true,
    chunkBytes: 4096,
  }),
  'external sort': planShuffle({ ...request, algo: 'external_sort', bytes: 5000 }),
};

for (const [name, plan] of Object.entries(plans)) {
  test(`${name}: a disk that is full after k bytes is an error and leaves no scratch`, async () => {
    for (let k = 0; k < plan.bytesWritten; k += Math.ceil(plan.bytesWritten / 40)) {
      const memory = new MemoryStorage();
      await writeNumberedRows(memory, '/data/rows', plan.rows, plan.rowBytes);
      const storage = new FaultyStorage(memory, ({ kind, path, bytes, bytesWritten }) => {
        if (kind === 'write' && bytesWritten + bytes > k) {
          throw new MlmlError('MLML_DISK_FULL', `${path}: the disk is full`);
        }
      });
      await assert.rejects(
        runPlan(plan, { storage }),
        (error) =>
          error instanceof MlmlError &&
          error.code === 'MLML_DISK_FULL' &&
          /^\/scratch\/.*: the disk became full while shuffling; .*--scratch$/.test(error.message),
        `${k} bytes`,
      );
      assert.deepEqual(await memory.list('/scratch'), [], `${k} bytes`);
    }
  });

  test(`${name}: a failing read is an error and leaves no scratch`, async () => {
    for (const fails of [1, 2, 5, 20]) {
      const memory = new MemoryStorage();
      await writeNumberedRows(memory, '/data/rows', plan.rows, plan.rowBytes);
      let reads = 0;
      const storage = new FaultyStorage(memory, ({ kind, path }) => {
        if (kind === 'read' && ++reads === fails) throw new MlmlError('MLML_IO', `${path}: reading failed`);
      });
      await assert.rejects(runPlan(plan, { storage }), /reading failed/);
      assert.deepEqual(await memory.list('/scratch'), []);
    }
  });
}

test('too little free space is found before anything is written', async () => {
  class SmallDisk extends MemoryStorage {
    override async freeBytes(): Promise<number> {
      return 1000;
    }
  }
  const storage = new SmallDisk();
  await assert.rejects(runPlan(plans['scatter at once']!, { storage }), (error) => {
    assert.ok(error instanceof MlmlError);
    assert.equal(error.code, 'MLML_DISK_FULL');
    assert.equal(
      error.message,
      '/scratch: needs 0.03 MB of scratch space, 0.00 MB are free; free some space or give another folder with --scratch',
    );
    return true;
  });
  assert.deepEqual(storage.paths(), ['/data/rows']);
});
