import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPlan, writeNumberedRows } from '../../../test/support/shuffleFixture.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { scatterPlan } from './planScatter.js';
import { planShuffle, type ShufflePlan } from './shufflePlan.js';

/** Sum of (observed − expected)²/expected over `cells` equally likely cells. */
function chiSquare(counts: ReadonlyMap<string, number>, cells: number): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  const expected = total / cells;
  let sum = (cells - counts.size) * expected;
  for (const count of counts.values()) sum += (count - expected) ** 2 / expected;
  return sum;
}

/** A bound that chi-square with `freedom` degrees of freedom passes with probability below 1e-5 (Wilson–Hilferty). */
function bound(freedom: number): number {
  return freedom * (1 - 2 / (9 * freedom) + 4.27 * Math.sqrt(2 / (9 * freedom))) ** 3;
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

const EPOCHS = 20;

function smallPlans(rows: number): Record<string, ShufflePlan> {
  const request = { rows, rowBytes: 5, epochs: EPOCHS };
  const scatter = (reshuffle: 'epoch' | 'once', depth: number, buckets: number, direct = false) =>
    scatterPlan(
      { ...request, algo: 'external_shuffle', reshuffle },
      { depth, buckets, direct, chunkBytes: direct ? 4096 : 5 },
    );
  const memory = { ...request, reshuffle: 'epoch' as const };
  return {
    memory: planShuffle({ ...memory, algo: 'external_shuffle', bytes: 1000 }),
    'scatter to 2': scatter('epoch', 1, 2),
    'scatter to 3': scatter('epoch', 1, 3),
    'scatter to 2 in the background': scatter('epoch', 1, 2, true),
    'scatter to 2 x 2': scatter('epoch', 2, 2),
    'scatter to 3 x 3 in the background': scatter('epoch', 2, 3, true),
  };
}

async function ordersOver(plan: ShufflePlan, streams: number): Promise<number[][]> {
  const storage = new MemoryStorage();
  await writeNumberedRows(storage, '/data/rows', plan.rows, plan.rowBytes);
  const orders: number[][] = [];
  for (let seed = 0; seed < streams; seed++) orders.push(...(await runPlan(plan, { storage, seed })).orders);
  return orders;
}

function countOrders(orders: readonly number[][]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const order of orders) {
    const key = order.join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

for (const rows of [4, 5]) {
  for (const [name, plan] of Object.entries(smallPlans(rows))) {
    test(`${name}: all orders of ${rows} rows are equally likely`, async () => {
      const counts = countOrders(await ordersOver(plan, rows === 4 ? 40 : 100));
      const statistic = chiSquare(counts, factorial(rows));
      assert.ok(statistic < bound(factorial(rows) - 1), `chi-square ${statistic}`);
    });
  }

  test(`scatter once: all orders of ${rows} rows are equally likely in the first and in a later epoch`, async () => {
    for (const [depth, buckets] of [
      [1, 2],
      [1, 3],
      [2, 2],
    ] as const) {
      const request = { rows, rowBytes: 5, epochs: 2, algo: 'external_shuffle', reshuffle: 'once' } as const;
      const plan = scatterPlan(request, { depth, buckets, direct: false, chunkBytes: 5 });
      const orders = await ordersOver(plan, rows === 4 ? 400 : 1200);
      for (const epoch of [0, 1]) {
        const statistic = chiSquare(countOrders(orders.filter((_, i) => i % 2 === epoch)), factorial(rows));
        assert.ok(
          statistic < bound(factorial(rows) - 1),
          `${depth} x ${buckets}, epoch ${epoch}: ${statistic}`,
        );
      }
    }
  });

  test(`external_sort with runs of two, merged two at a time: all orders of ${rows} rows`, async () => {
    const plan = planShuffle({
      algo: 'external_sort',
      reshuffle: 'epoch',
      rows,
      rowBytes: 1000,
      epochs: EPOCHS,
      bytes: 3500,
    });
    assert.equal(plan.kind, 'external_sort');
    assert.equal(plan.capacity, 2);
    const counts = countOrders(await ordersOver(plan, rows === 4 ? 40 : 100));
    const statistic = chiSquare(counts, factorial(rows));
    assert.ok(statistic < bound(factorial(rows) - 1), `chi-square ${statistic}`);
  });
}

test('orders of consecutive epochs are independent', async () => {
  const request = { rows: 3, rowBytes: 5, epochs: 2, algo: 'external_shuffle', reshuffle: 'epoch' } as const;
  const plan = scatterPlan(request, { depth: 1, buckets: 2, direct: false, chunkBytes: 5 });
  const orders = await ordersOver(plan, 2500);
  const pairs = orders.flatMap((order, i) => (i % 2 === 0 ? [[...order, ...orders[i + 1]!]] : []));
  const statistic = chiSquare(countOrders(pairs), 36);
  assert.ok(statistic < bound(35), `chi-square ${statistic}`);
});

const large = { rows: 2000, rowBytes: 20, algo: 'external_shuffle', reshuffle: 'epoch' } as const;
const largePlans: Record<string, ShufflePlan> = {
  scatter: scatterPlan({ ...large, epochs: 40 }, { depth: 1, buckets: 16, direct: false, chunkBytes: 60 }),
  'scatter in the background': scatterPlan(
    { ...large, epochs: 40 },
    { depth: 1, buckets: 7, direct: true, chunkBytes: 4096 },
  ),
  'two levels': scatterPlan(
    { ...large, epochs: 40 },
    { depth: 2, buckets: 5, direct: false, chunkBytes: 20 },
  ),
  'scatter once': scatterPlan(
    { ...large, epochs: 40, reshuffle: 'once' },
    { depth: 1, buckets: 16, direct: false, chunkBytes: 60 },
  ),
  external_sort: planShuffle({ ...large, epochs: 40, algo: 'external_sort', bytes: 5000 }),
};

for (const [name, plan] of Object.entries(largePlans)) {
  test(`${name}: 2000 rows mix across buckets`, async () => {
    const orders = await ordersOver(plan, 3);
    const n = plan.rows;
    // Rows of the first half that come in the first half: hypergeometric, standard deviation √n/4.
    for (const order of orders) {
      const stayed = order.slice(0, n / 2).filter((row) => row < n / 2).length;
      assert.ok(Math.abs(stayed - n / 4) < (4.5 * Math.sqrt(n)) / 4, `${stayed} of ${n / 2} stayed`);
    }
    // The same from each epoch to the next: an order must not remember the one before.
    if (plan.kind !== 'scatter-once') {
      for (let i = 1; i < orders.length; i++) {
        const before = new Set(orders[i - 1]!.slice(0, n / 2));
        const stayed = orders[i]!.slice(0, n / 2).filter((row) => before.has(row)).length;
        assert.ok(Math.abs(stayed - n / 4) < (4.5 * Math.sqrt(n)) / 4, `epoch ${i}: ${stayed} stayed`);
      }
    }
    // Neighbours in the file must not stay neighbours: expected 2 of n − 1 pairs per order.
    let neighbours = 0;
    for (const order of orders) {
      for (let i = 1; i < n; i++) if (Math.abs(order[i]! - order[i - 1]!) === 1) neighbours++;
    }
    const expected = 2 * orders.length;
    assert.ok(Math.abs(neighbours - expected) < 5 * Math.sqrt(expected), `${neighbours} pairs of neighbours`);
  });

  test(`${name}: a row comes anywhere`, async () => {
    // Later epochs of one scatter share their buckets, so each seed counts once there.
    const once = plan.kind === 'scatter-once';
    const shortened = { ...plan, epochs: once ? 1 : plan.epochs };
    const orders = await ordersOver(shortened, once ? 240 : 6);
    for (const row of [0, 1, 999, 1000, 1999]) {
      const counts = new Map<string, number>();
      for (const order of orders) {
        const cell = String(Math.floor(order.indexOf(row) / 100));
        counts.set(cell, (counts.get(cell) ?? 0) + 1);
      }
      const statistic = chiSquare(counts, 20);
      assert.ok(statistic < bound(19), `row ${row}: chi-square ${statistic}`);
    }
  });
}

test('block_shuffle: rows of a block stay together in one buffer, blocks come in any order', async () => {
  const plan = planShuffle({ ...large, epochs: 30, algo: 'block_shuffle', bytes: 12_000 });
  assert.equal(plan.kind, 'block_shuffle');
  const orders = await ordersOver(plan, 1);
  const together = plan.capacity;
  for (const order of orders) {
    for (const first of [0, 7 * plan.blockRows]) {
      const places = order.flatMap((row, place) =>
        row >= first && row < first + plan.blockRows ? [Math.floor(place / together)] : [],
      );
      assert.equal(places.length, plan.blockRows);
      // The last block of the file may be short and shift the places behind it by less than a block.
      assert.ok(Math.max(...places) - Math.min(...places) <= 1);
    }
  }
  const buffers = new Set(orders.map((order) => Math.floor(order.indexOf(0) / together)));
  assert.ok(buffers.size >= Math.min(5, plan.rows / together / 2), `row 0 came in ${buffers.size} places`);
});
