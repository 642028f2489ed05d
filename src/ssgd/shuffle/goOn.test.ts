import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  openNumberedRows,
  orderOf,
  plansFor,
  runPlan,
  writeNumberedRows,
} from '../../../test/support/shuffleFixture.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openRowStream } from './rowStream.js';
import type { ShufflePlan } from './shufflePlan.js';

/** Rows from row `row` of epoch `epoch` on, as a stream gives them that begins there. */
async function ordersFrom(storage: MemoryStorage, plan: ShufflePlan, epoch: number, row: number) {
  const { rows, rowBytes } = plan;
  const file = await openNumberedRows(storage, '/data/rows', rows, rowBytes);
  const arena = new Arena(plan.regions);
  const stream = await openRowStream(plan, file, arena, loadKernels(arena.memory), {
    storage,
    scratchFolder: '/scratch',
    seed: 1,
    start: epoch,
  });
  try {
    const orders = [await orderOf(stream, epoch, arena, rowBytes, row)];
    for (let next = epoch + 1; next < plan.epochs; next++)
      orders.push(await orderOf(stream, next, arena, rowBytes));
    return orders;
  } finally {
    await stream.close();
    await file.close();
  }
}

for (const [rows, rowBytes] of [
  [1, 9],
  [3, 9],
  [250, 1],
  [600, 57],
  [60, 9000],
] as const) {
  test(`${rows} rows of ${rowBytes} bytes: a stream that begins in the middle gives the rows that are left, in their order`, async () => {
    const random = Random.of(rows, rowBytes);
    for (const { name, plan } of plansFor(rows, rowBytes)) {
      const storage = new MemoryStorage();
      await writeNumberedRows(storage, '/data/rows', rows, rowBytes);
      const whole = (await runPlan(plan, { storage })).orders;
      for (let epoch = 0; epoch < plan.epochs; epoch++) {
        // Also at the ends, every now and then.
        const row = [0, rows, random.below(rows + 1), random.below(rows + 1)][random.below(4)]!;
        const wanted = [whole[epoch]!.slice(row), ...whole.slice(epoch + 1)];
        const got = await ordersFrom(storage, plan, epoch, row);
        assert.deepEqual(got, wanted, `${name}, from row ${row} of epoch ${epoch}`);
      }
      assert.deepEqual(storage.paths(), ['/data/rows'], name);
    }
  });
}
