import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openSparseRows, type SparseProblem } from '../../../test/support/sparseFixture.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import { RowSelection } from '../../data/rowSelection.js';
import { RecordView } from '../../data/sparse/sparseRecord.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { footprint } from '../shuffle/footprint.js';
import type { SparsePlan } from './planSparse.js';
import { planSparse } from './planSparse.js';
import { minimumSparseShuffle, planSparseShuffle } from './planSparseShuffle.js';
import { openSparseStream } from './sparseStreams.js';

const D = 400;

/** Rows whose label is their number, of very different lengths. */
function numberedRows(rows: number, seed = 1): SparseProblem {
  const random = Random.of(seed, 5);
  const train = Array.from({ length: rows }, (_, row) => {
    const most = random.uniform() < 0.02 ? D : 12;
    const pairs: [number, number][] = [];
    for (let j = 0; j < D && pairs.length < most; j += 1 + random.below(most === D ? 2 : 60))
      pairs.push([j, row + 1]);
    return { label: row, pairs };
  });
  return { task: 'regression', d: D, k: 1, train };
}

const options: TrainOptions = { ...defaultOptions, batch: 8, eta0: 0.1, epochs: 3 };

/** The numbers of the rows of each epoch, in the order of the stream; each row is looked at whole. */
async function ordersOf(
  problem: SparseProblem,
  given: Partial<TrainOptions>,
  {
    start = 0,
    fromRow = 0,
    shape = (plan: SparsePlan) => plan,
  }: { start?: number; fromRow?: number; shape?: (plan: SparsePlan) => SparsePlan } = {},
) {
  const storage = new MemoryStorage();
  const dataset = await openSparseRows(problem, 'float32', storage);
  const plan = shape(planSparse('ssgd', dataset.description, { ...options, ...given }));
  const arena = new Arena(plan.regions);
  const view = new RecordView(new Uint8Array(arena.buffer), 'float32');
  const selection = plan.heldOut > 0 ? new RowSelection(plan.used, plan.heldOut, 0) : undefined;
  const kernels = loadKernels(arena.memory);
  const context = { storage, scratchFolder: '/scratch', seed: given.seed ?? 0, start };
  const stream = await openSparseStream({ plan, file: dataset.train, selection, arena, kernels, context });
  const orders: number[][] = [];
  for (let epoch = start; epoch < plan.chosen.epochs; epoch++) {
    const order: number[] = [];
    for await (const { base, order: at, from, to } of stream.epoch(epoch, epoch === start ? fromRow : 0)) {
      for (let i = from; i < to; i++) {
        const word = base / 4 + view.words[at / 4 + i]!;
        const row = view.label(word);
        const { pairs } = problem.train[row]!;
        assert.equal(view.nonzeros(word), pairs.length);
        for (const [t, [index, value]] of pairs.entries())
          assert.deepEqual([view.index(word, t), view.value(word, t)], [index, value]);
        order.push(row);
      }
    }
    orders.push(order);
  }
  await stream.close();
  assert.deepEqual(
    storage.paths().filter((path) => path.startsWith('/scratch')),
    [],
  );
  return { orders, plan, selection };
}

const rising = (a: number, b: number) => a - b;

describe('the order of sparse rows', () => {
  const ways: readonly (readonly [string, Partial<TrainOptions>])[] = [
    ['memory', { bufferBytes: 10e6 }],
    ['scatter', { bufferBytes: 300e3 }],
    ['scatter', { bufferBytes: 150e3 }],
    ['scatter', { bufferBytes: 70e3 }],
    ['scatter-once', { bufferBytes: 150e3, reshuffle: 'once' }],
    ['none', { algo: 'none', bufferBytes: 100e3 }],
  ];
  for (const [kind, given] of ways) {
    test(`${kind}, ${given.bufferBytes} bytes: each row once an epoch, another order each time, from any row on`, async () => {
      const problem = numberedRows(3000);
      const { orders, plan } = await ordersOf(problem, given);
      assert.equal(plan.shuffle.kind, kind);
      for (const order of orders)
        assert.deepEqual(
          [...order].sort(rising),
          problem.train.map((_, row) => row),
        );
      if (kind !== 'none') assert.notDeepEqual(orders[0], orders[1]);
      for (const [start, fromRow] of [
        [0, 1],
        [1, 800],
        [2, 2999],
      ] as const) {
        const again = await ordersOf(problem, given, { start, fromRow });
        assert.deepEqual(again.orders[0], orders[start]!.slice(fromRow));
        assert.deepEqual(again.orders.slice(1), orders.slice(start + 1));
      }
    });
  }

  test('held-out rows are left out, and a subset is the first rows', async () => {
    for (const given of [{ bufferBytes: 10e6 }, { bufferBytes: 120e3 }, { algo: 'none' }] as const) {
      const { orders, selection } = await ordersOf(numberedRows(2000), {
        ...given,
        holdout: 0.2,
        subset: 1500,
        epochs: 1,
      });
      const wanted = Array.from({ length: 1500 }, (_, row) => row).filter((row) => !selection!.isHeld(row));
      assert.equal(wanted.length, 1200);
      assert.deepEqual(orders[0]!.sort(rising), wanted);
    }
  });

  test('every order of few rows is equally likely, in memory and in buckets taken in parts', async () => {
    const problem = numberedRows(4, 3);
    // A bucket holds all four rows now and then, and memory two or three of them.
    const small = (plan: SparsePlan): SparsePlan => {
      const longest = Math.max(...problem.train.map(({ pairs }) => 12 + 8 * pairs.length));
      const capacity = 2 * longest;
      const regions = [
        ...plan.regions.filter(({ name }) => !name.startsWith('shuffle ')),
        { name: 'shuffle rows', bytes: capacity },
        { name: 'shuffle order', bytes: capacity },
        { name: 'shuffle walk', bytes: 12 },
        { name: 'shuffle draws', bytes: 16 },
        { name: 'shuffle window', bytes: longest + 64 },
        { name: 'shuffle buckets', bytes: 64 },
        { name: 'shuffle bucket order', bytes: 8 },
        { name: 'shuffle chains', bytes: 4096 },
        { name: 'shuffle slots', bytes: 128 },
      ];
      const shuffle = {
        ...plan.shuffle,
        kind: 'scatter' as const,
        buckets: 2,
        chunkBytes: 64,
        capacity,
        regions,
      };
      return { ...plan, regions, shuffle };
    };
    for (const shape of [undefined, small]) {
      const counts = new Map<string, number>();
      const runs = 40;
      const epochs = 60;
      for (let seed = 0; seed < runs; seed++) {
        const { orders } = await ordersOf(
          problem,
          { epochs, seed, batch: 1, bufferBytes: 1e6 },
          shape === undefined ? {} : { shape },
        );
        for (const order of orders) counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
      }
      assert.equal(counts.size, 24);
      const expected = (runs * epochs) / 24;
      const chiSquare = [...counts.values()].reduce(
        (sum, count) => sum + (count - expected) ** 2 / expected,
        0,
      );
      // 23 degrees of freedom: 49.7 is exceeded once in a thousand.
      assert.ok(chiSquare < 49.7, `chi-square ${chiSquare}`);
    }
  });

  test('plans fit in what they are given', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 1e7 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 0, max: 20000 }),
        fc.double({ min: 1, max: 1000, noNaN: true }),
        fc.constantFrom('external_shuffle', 'none'),
        (rows, each, more, factor, algo) => {
          const sizes = { nonzeros: rows * each, longestRow: each + more, bytes: rows * (12 + 8 * each) };
          const request = {
            algo,
            reshuffle: 'epoch',
            rows,
            sizes,
            dtype: 'float32',
            epochs: 2,
            batch: 32,
          } as const;
          const bytes = Math.ceil(minimumSparseShuffle(request) * factor);
          const plan = planSparseShuffle(request, bytes);
          assert.ok(footprint(plan.regions) <= bytes, `${footprint(plan.regions)} of ${bytes}`);
        },
      ),
      { numRuns: 60 },
    );
  });
});
