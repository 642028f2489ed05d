import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openNumberedRows,
  orderOf,
  plansFor,
  runPlan,
  runShuffle,
  writeNumberedRows,
} from '../../../test/support/shuffleFixture.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { scatterPlan } from './planScatter.js';
import { openRowStream } from './rowStream.js';
import { planShuffle, type ShufflePlan, type ShuffleRequest } from './shufflePlan.js';

const numbers = (rows: number) => Array.from({ length: rows }, (_, row) => row);

// One row; fewer rows than buckets; rows of one byte; rows cut by page ends; rows longer than chunks of a page.
for (const [rows, rowBytes] of [
  [1, 9],
  [3, 9],
  [250, 1],
  [600, 57],
  [60, 9000],
] as const) {
  test(`${rows} rows of ${rowBytes} bytes: each exactly once per epoch, traffic as planned, no scratch left`, async () => {
    for (const { name, plan } of plansFor(rows, rowBytes)) {
      const memory = new MemoryStorage();
      await writeNumberedRows(memory, '/data/rows', rows, rowBytes);
      const storage = new FaultyStorage(memory);
      const run = await runPlan(plan, { storage });
      for (const order of run.orders) {
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          numbers(rows),
          name,
        );
      }
      if (rows >= 60 && plan.algo !== 'none') {
        assert.notDeepEqual(run.orders[0], run.orders[1], name);
        assert.notDeepEqual(run.orders[1], run.orders[2], name);
        assert.notDeepEqual(run.orders[0], numbers(rows), name);
      }
      if (plan.algo === 'none') assert.deepEqual(run.orders[2], numbers(rows));
      assert.equal(run.bytesRead, plan.bytesRead, `${name}: bytes read, as the stream counts`);
      assert.equal(run.bytesWritten, plan.bytesWritten, `${name}: bytes written, as the stream counts`);
      assert.equal(storage.bytesRead, plan.bytesRead, `${name}: bytes read, as the storage counts`);
      assert.equal(storage.bytesWritten, plan.bytesWritten, `${name}: bytes written, as the storage counts`);
      assert.deepEqual(memory.paths(), ['/data/rows'], name);
      assert.deepEqual(await memory.list('/scratch'), [], name);
    }
  });
}

const small: ShuffleRequest = {
  algo: 'external_shuffle',
  reshuffle: 'epoch',
  rows: 12,
  rowBytes: 5,
  epochs: 2,
  bytes: 1e6,
};

test('the order for a seed', async () => {
  const shape = { depth: 1, buckets: 3, direct: false, chunkBytes: 10 };
  const scatter = await runPlan(scatterPlan(small, shape), { seed: 7 });
  assert.deepEqual(scatter.orders, [
    [11, 7, 1, 4, 10, 6, 5, 2, 9, 3, 0, 8],
    [6, 8, 7, 5, 0, 4, 2, 3, 11, 10, 1, 9],
  ]);
  const again = await runPlan(scatterPlan(small, shape), { seed: 7 });
  assert.deepEqual(again.orders, scatter.orders);
  const other = await runPlan(scatterPlan(small, shape), { seed: 8 });
  assert.notDeepEqual(other.orders, scatter.orders);
  const memory = await runShuffle(small, { seed: 7 });
  assert.deepEqual(memory.orders, [
    [2, 8, 1, 10, 9, 0, 4, 5, 6, 11, 3, 7],
    [6, 7, 8, 11, 1, 4, 3, 2, 10, 9, 5, 0],
  ]);
});

test('the order of external_sort and block_shuffle for a seed', async () => {
  const request = { ...small, rows: 20, rowBytes: 40, epochs: 1, bytes: 700 };
  const sorted = planShuffle({ ...request, algo: 'external_sort' });
  assert.equal(sorted.kind, 'external_sort');
  assert.deepEqual((await runPlan(sorted, { seed: 7 })).orders, [
    [17, 8, 10, 4, 0, 5, 6, 2, 9, 7, 11, 13, 12, 1, 14, 16, 15, 18, 3, 19],
  ]);
  const blocks = planShuffle({ ...request, algo: 'block_shuffle' });
  assert.equal(blocks.kind, 'block_shuffle');
  assert.deepEqual((await runPlan(blocks, { seed: 7 })).orders, [
    [17, 9, 2, 16, 3, 10, 12, 6, 1, 18, 5, 7, 8, 0, 11, 19, 15, 13, 14, 4],
  ]);
});

test('requests in the background and at once give the same order', async () => {
  const request = { ...small, rows: 1500, rowBytes: 100 };
  const shape = { depth: 2, buckets: 4, chunkBytes: 4096 };
  const direct = await runPlan(scatterPlan(request, { ...shape, direct: true }));
  const cached = await runPlan(scatterPlan(request, { ...shape, direct: false, chunkBytes: 500 }));
  assert.deepEqual(direct.orders, cached.orders);
});

async function openSmall(plan: ShufflePlan, storage = new MemoryStorage(), signal?: AbortSignal) {
  await writeNumberedRows(storage, '/data/rows', plan.rows, plan.rowBytes);
  const file = await openNumberedRows(storage, '/data/rows', plan.rows, plan.rowBytes);
  const arena = new Arena(plan.regions);
  const stream = await openRowStream(plan, file, arena, loadKernels(arena.memory), {
    storage,
    scratchFolder: '/scratch',
    seed: 1,
    ...(signal === undefined ? {} : { signal }),
  });
  return { storage, file, arena, stream };
}

test('epochs out of order are a bug of the caller', async () => {
  const { stream, arena } = await openSmall(planShuffle(small));
  const wrong = (error: unknown) => error instanceof MlmlError && error.code === 'MLML_INTERNAL';
  await assert.rejects(orderOf(stream, 1, arena, 5), wrong);
  await orderOf(stream, 0, arena, 5);
  await assert.rejects(orderOf(stream, 0, arena, 5), wrong);
  await orderOf(stream, 1, arena, 5);
  await assert.rejects(orderOf(stream, 2, arena, 5), wrong);
});

test('a plan for other rows is a bug of the caller', async () => {
  const storage = new MemoryStorage();
  await writeNumberedRows(storage, '/data/rows', 11, 5);
  const file = await openNumberedRows(storage, '/data/rows', 11, 5);
  const plan = planShuffle(small);
  const arena = new Arena(plan.regions);
  const context = { storage, scratchFolder: '/scratch', seed: 1 };
  await assert.rejects(
    openRowStream(plan, file, arena, loadKernels(arena.memory), context),
    /the plan shuffles 12 rows of 5 bytes, the file has 11 of 5/,
  );
});

for (const direct of [false, true]) {
  test(`an interrupted epoch and close leave no scratch (direct: ${direct})`, async () => {
    const request = { ...small, rows: 3000, rowBytes: 100 };
    const plan = scatterPlan(request, { depth: 1, buckets: 9, direct, chunkBytes: direct ? 4096 : 500 });
    const interruption = new AbortController();
    const { stream, storage } = await openSmall(plan, new MemoryStorage(), interruption.signal);
    let blocks = 0;
    await assert.rejects(async () => {
      for await (const _ of stream.epoch(0)) if (++blocks === 4) interruption.abort(new Error('stop'));
    }, /stop/);
    assert.equal(blocks, 4);
    assert.equal((await storage.list('/scratch')).length, 1);
    await stream.close();
    assert.deepEqual(await storage.list('/scratch'), []);
  });

  test(`a consumer that leaves an epoch early can close (direct: ${direct})`, async () => {
    const request = { ...small, rows: 3000, rowBytes: 100 };
    const plan = scatterPlan(request, { depth: 2, buckets: 4, direct, chunkBytes: direct ? 4096 : 500 });
    const { stream, storage } = await openSmall(plan);
    for await (const _ of stream.epoch(0)) break;
    await stream.close();
    assert.deepEqual(await storage.list('/scratch'), []);
  });
}

test('an interruption while rows are scattered for the first time removes the scratch', async () => {
  const plan = scatterPlan(small, { depth: 1, buckets: 3, direct: false, chunkBytes: 5 });
  const storage = new MemoryStorage();
  await assert.rejects(openSmall(plan, storage, AbortSignal.abort(new Error('stop'))), /stop/);
  assert.deepEqual(await storage.list('/scratch'), []);
});

test('progress of the first scatter ends with all rows', async () => {
  const plan = scatterPlan(small, { depth: 1, buckets: 3, direct: false, chunkBytes: 5 });
  const seen: number[] = [];
  await runPlan(plan, { onProgress: ({ done }) => seen.push(done) });
  assert.equal(seen.at(-1), 12);
  assert.ok(seen.length > 1);
});

test('the scratch file grows no larger than planned', async () => {
  for (const direct of [false, true]) {
    const request = { ...small, rows: 3000, rowBytes: 100, epochs: 4 };
    const chunkBytes = direct ? 4096 : 300;
    const plan = scatterPlan(request, { depth: 1, buckets: 3, direct, chunkBytes });
    const { stream, storage, arena } = await openSmall(plan);
    for (let epoch = 0; epoch < 4; epoch++) await orderOf(stream, epoch, arena, 100);
    const [path] = storage.paths().filter((name) => name.startsWith('/scratch/'));
    const { length } = storage.bytesOf(path!);
    assert.ok(length >= 300_000 && length <= plan.scratchBytes, `${length} of ${plan.scratchBytes}`);
    await stream.close();
  }
});

for (const [direct, depth] of [
  [false, 1],
  [true, 1],
  [true, 2],
] as const) {
  test(`on a real file system (direct: ${direct}, levels: ${depth})`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mlml-shuffle-'));
    try {
      const request = { ...small, rows: 20_000, rowBytes: 101, epochs: 2 };
      const chunkBytes = direct ? 8192 : 1010;
      const plan = scatterPlan(request, { depth, buckets: 6, direct, chunkBytes });
      const path = join(folder, 'rows');
      await writeNumberedRows(nodeStorage, path, plan.rows, plan.rowBytes);
      const file = await openNumberedRows(nodeStorage, path, plan.rows, plan.rowBytes);
      const arena = new Arena(plan.regions);
      const scratchFolder = join(folder, 'scratch');
      const context = { storage: nodeStorage, scratchFolder, seed: 1 };
      const stream = await openRowStream(plan, file, arena, loadKernels(arena.memory), context);
      for (const epoch of [0, 1]) {
        const order = await orderOf(stream, epoch, arena, plan.rowBytes);
        assert.deepEqual(
          order.sort((a, b) => a - b),
          numbers(plan.rows),
        );
      }
      assert.equal(stream.bytesRead, plan.bytesRead);
      assert.equal(stream.bytesWritten, plan.bytesWritten);
      await stream.close();
      await file.close();
      assert.deepEqual(await nodeStorage.list(scratchFolder), []);
    } finally {
      await nodeStorage.remove(folder);
    }
  });
}
