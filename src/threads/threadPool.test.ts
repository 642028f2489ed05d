import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { poolTasks } from '../../test/support/poolTasks.js';
import { QUEUE_CALLS } from './callQueue.js';
import { OneThread } from './oneThread.js';
import { ThreadPool } from './threadPool.js';
import type { Threads } from './threads.js';

const worker = new URL('../../test/support/poolWorker.js', import.meta.url);

async function startPool(t: TestContext, count: number) {
  const buffer = new SharedArrayBuffer(4096);
  const pool = await ThreadPool.start({ count, worker, setup: buffer, tasks: poolTasks(buffer, 0) });
  t.after(() => pool.close());
  return { pool: pool as Threads, counts: new Int32Array(buffer) };
}

for (const count of [2, 3, 5]) {
  test(`${count} threads make each call once, lists longer than the queue in batches`, async (t) => {
    const { pool, counts } = await startPool(t, count);
    assert.equal(pool.count, count);
    for (const calls of [0, 1, 2, 100, QUEUE_CALLS, 3 * QUEUE_CALLS + 1]) {
      counts.fill(0);
      for (let call = 0; call < calls; call++) pool.add('add', 2 + (call % 10), 1 + call);
      pool.run();
      assert.equal(
        counts.reduce((a, b) => a + b, 0),
        (calls * (calls + 1)) / 2,
      );
    }
    counts.fill(0);
    // Many short runs, so that threads that wake late meet later batches.
    for (let run = 1; run <= 3000; run++) {
      for (let call = 0; call < 5; call++) pool.add('add', call, 1);
      pool.run();
      for (let call = 0; call < 5; call++) assert.equal(counts[call], run);
    }
  });
}

test('workers and the main thread take part', async (t) => {
  const { pool, counts } = await startPool(t, 3);
  for (let call = 0; call < 60; call++) pool.add('where', 2);
  pool.run();
  assert.equal(counts[0]! + counts[1]! + counts[2]!, 60);
  for (let thread = 0; thread < 3; thread++) assert.ok(counts[thread]! > 0, `thread ${thread} made no call`);
});

test('a call carries 24 numbers, and arguments left out are zero', async (t) => {
  const { pool, counts } = await startPool(t, 2);
  pool.add('lastArgument', ...Array.from({ length: 24 }, (_, i) => i + 1));
  pool.run();
  assert.equal(counts[1], 24);
  // In the place where the call before had all of them.
  pool.add('lastArgument', 1);
  pool.run();
  assert.equal(counts[1], 0);
  counts[1] = 1;
  for (let call = 0; call < QUEUE_CALLS; call++) pool.add('lastArgument', 1);
  pool.run();
  assert.equal(counts[1], 0);
  assert.throws(() => pool.add('add', ...new Array(25).fill(0)), { code: 'MLML_INTERNAL', message: /'add'/ });
  assert.throws(() => pool.add('no such'), { code: 'MLML_INTERNAL', message: /'no such'/ });
});

test('an error of a task is thrown by run, wherever it happened, and the pool lives on', async (t) => {
  const { pool, counts } = await startPool(t, 2);
  for (let call = 0; call < 20; call++) pool.add('fail', 5);
  assert.throws(() => pool.run(), {
    name: 'MlmlError',
    code: 'MLML_BAD_DATA',
    message: 'row 5: is not a number',
  });
  for (let call = 0; call < 20; call++) pool.add('failInWorker');
  assert.throws(() => pool.run(), {
    name: 'MlmlError',
    code: 'MLML_BAD_DATA',
    message: 'zeile 7: größer als 1',
  });
  for (let call = 0; call < 20; call++) pool.add('breakInWorker');
  assert.throws(() => pool.run(), { code: 'MLML_INTERNAL', message: /a task failed in a thread: TypeError/ });
  pool.add('add', 1, 3);
  pool.run();
  assert.equal(counts[1], 3);
});

for (const count of [1, 2, 3]) {
  test(`what the main thread of ${count} does meanwhile is done once, and its error waits for the calls`, async (t) => {
    const buffer = new SharedArrayBuffer(4096);
    const { pool, counts } =
      count === 1
        ? { pool: new OneThread(poolTasks(buffer, 0)), counts: new Int32Array(buffer) }
        : await startPool(t, count);
    for (const calls of [0, 1, 5, QUEUE_CALLS + 3]) {
      counts.fill(0);
      let times = 0;
      for (let call = 0; call < calls; call++) pool.add('add', 4, 1);
      pool.run(() => times++);
      assert.deepEqual([times, counts[4]], [1, calls]);
    }
    for (let call = 0; call < 9; call++) pool.add('add', 5, 1);
    const fail = () => {
      throw new Error('no more rows');
    };
    assert.throws(() => pool.run(fail), /no more rows/);
    const after = counts[5];
    pool.add('add', 6, 1);
    pool.run();
    assert.deepEqual([counts[5], counts[6]], [after, 1]);
  });
}

test('a batch that fails leaves out the rest of the list', async (t) => {
  const { pool, counts } = await startPool(t, 2);
  for (let call = 0; call <= QUEUE_CALLS; call++) pool.add(call === 0 ? 'fail' : 'add', 3, 1);
  for (let call = 0; call < QUEUE_CALLS; call++) pool.add('add', 2, 1);
  assert.throws(() => pool.run(), { code: 'MLML_BAD_DATA' });
  assert.equal(counts[2], 0);
  pool.run();
  assert.equal(counts[2], 0);
});

test('a worker that ends is an error and no hang, at once and ever after', async (t) => {
  const { pool } = await startPool(t, 2);
  for (let call = 0; call < 20; call++) pool.add('exitInWorker');
  assert.throws(() => pool.run(), { code: 'MLML_INTERNAL', message: /a worker thread ended unexpectedly/ });
  pool.add('add', 1, 1);
  assert.throws(() => pool.run(), { code: 'MLML_INTERNAL' });
});

test('a worker that cannot start is an error', async () => {
  const buffer = new SharedArrayBuffer(4096);
  const tasks = poolTasks(buffer, 0);
  const missing = new URL('./noSuchWorker.js', import.meta.url);
  await assert.rejects(ThreadPool.start({ count: 2, worker: missing, setup: buffer, tasks }), {
    code: 'MLML_INTERNAL',
    message: /could not start.*noSuchWorker/,
  });
  const more = { ...tasks, unknown: () => {} };
  await assert.rejects(ThreadPool.start({ count: 2, worker, setup: buffer, tasks: more }), {
    code: 'MLML_INTERNAL',
    message: /could not start.*no task 'unknown'/,
  });
});

test('after close nothing runs', async (t) => {
  const { pool } = await startPool(t, 2);
  pool.add('add', 1, 1);
  pool.add('add', 1, 1);
  await pool.close();
  assert.throws(() => pool.run(), { code: 'MLML_INTERNAL', message: /closed/ });
  await pool.close();
});

test('one thread makes the calls in order, and drops the list after an error', () => {
  const buffer = new SharedArrayBuffer(4096);
  const counts = new Int32Array(buffer);
  const one = new OneThread(poolTasks(buffer, 0));
  one.add('add', 1, 5);
  one.add('fail', 1);
  one.add('add', 2, 5);
  assert.throws(() => one.run(), { code: 'MLML_BAD_DATA' });
  assert.deepEqual([counts[1], counts[2]], [5, 0]);
  one.run();
  assert.deepEqual([counts[1], counts[2]], [5, 0]);
});
