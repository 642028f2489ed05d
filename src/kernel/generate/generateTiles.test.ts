import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  type CountedRows,
  entryOf,
  fixedRegions,
  packedBytesOf,
  randomRows,
  rbfReference,
  startEvaluation,
} from '../../../test/support/kernelRows.js';
import { MlmlError } from '../../errors.js';
import type { KernelEvent } from '../events.js';
import { lowerTriangle, type TileIndex, tileCount, tileNumber } from '../tiles/kernelMatrix.js';
import { GENERATED_TILES, generateTiles } from './generateTiles.js';
import { makeTiles } from './makeTiles.js';
import { planGeneration } from './planGeneration.js';
import type { TileSink } from './tileSink.js';

const kernel = { kind: 'rbf', lengthscale: 2 } as const;
const dtype = 'float16' as const;

/** Keeps tiles in memory, each after a while. */
class SlowSink implements TileSink {
  readonly tiles = new Map<number, Uint8Array>();
  /** Writes at this moment, and most at once. */
  writing = 0;
  mostWriting = 0;
  failAt = Number.POSITIVE_INFINITY;
  readonly #memory: Uint8Array;
  readonly #tileBytes: number;
  #started = 0;

  constructor(buffer: SharedArrayBuffer, tileSize: number) {
    this.#memory = new Uint8Array(buffer);
    this.#tileBytes = tileSize ** 2 * 2;
  }

  isDone(index: TileIndex): boolean {
    return this.tiles.has(tileNumber(index));
  }

  async writeTile(index: TileIndex, address: number): Promise<void> {
    assert.equal(address % 4096, 0);
    assert.ok(!this.isDone(index), 'a tile was made twice');
    const fails = this.#started++ === this.failAt;
    this.mostWriting = Math.max(this.mostWriting, ++this.writing);
    await setTimeout(2);
    this.writing--;
    if (fails) throw new MlmlError('MLML_DISK_FULL', 'tiles.bin: the disk is full');
    this.tiles.set(tileNumber(index), this.#memory.slice(address, address + this.#tileBytes));
  }
}

async function prepare(t: TestContext, rows: CountedRows, threads: number, budgetBytes: number, tile = 0) {
  const { layout } = rows;
  const setup = { kernel, layout, dtype, threads };
  const plan = planGeneration({
    n: rows.rows,
    layout,
    dtype,
    threads,
    budgetBytes,
    tile,
    packedBytes: packedBytesOf(setup),
    otherRegions: () => fixedRegions(setup).slice(1),
  });
  assert.ok(plan.plannedPeakBytes <= budgetBytes);
  const { workspace, evaluator } = await startEvaluation(
    setup,
    plan.regions.slice(fixedRegions(setup).length),
  );
  t.after(() => workspace.threads.close());
  const matrix = makeTiles(plan, {
    workspace,
    source: rows,
    evaluator,
    rowBytes: layout.rowBytes,
    dtype,
  });
  const sink = new SlowSink(workspace.arena.buffer, plan.tileSize);
  return { plan, sink, options: { workspace, kernel: matrix, sink, band: plan.band } };
}

for (const [threads, budget] of [
  [1, 2e6],
  [2, 560_000],
  [3, 820_000],
] as const) {
  test(`all tiles once, by ${threads} threads in ${budget} bytes, the last being written meanwhile`, async (t) => {
    const rows = randomRows(301, 21, 'uint8', 1);
    const { plan, sink, options } = await prepare(t, rows, threads, budget, 64);
    const events: KernelEvent[] = [];
    const result = await generateTiles({ ...options, onEvent: (event) => events.push(event) });
    const tiles = tileCount(301, plan.tileSize);
    assert.deepEqual(result, { made: tiles, tiles, bytesWritten: tiles * plan.tileSize ** 2 * 2 });
    assert.equal(sink.mostWriting, GENERATED_TILES.length);
    assert.ok(rows.rowsRead * rows.layout.rowBytes <= plan.bytesRead);
    if (budget === 2e6) assert.equal(rows.rowsRead, 301);
    const reference = rbfReference(rows, rows, 2);
    for (const index of lowerTriangle(301, plan.tileSize)) {
      const bytes = new SharedArrayBuffer(plan.tileSize ** 2 * 2);
      new Uint8Array(bytes).set(sink.tiles.get(tileNumber(index))!);
      for (let r = 0; r < Math.min(plan.tileSize, 301 - index.row * plan.tileSize); r++) {
        for (let c = 0; c < Math.min(plan.tileSize, 301 - index.column * plan.tileSize); c++) {
          const value = entryOf(bytes, 0, r * plan.tileSize + c, dtype);
          const wanted = reference(index.row * plan.tileSize + r, index.column * plan.tileSize + c);
          assert.ok(Math.abs(value - wanted) < 6e-4);
        }
      }
    }
    const done = events.map((event) => (event.type === 'progress' ? event.done : -1));
    assert.deepEqual(
      done,
      Array.from({ length: tiles }, (_, i) => i + 1),
    );
    const last = events.at(-1)!;
    assert.ok(last.type === 'progress' && last.total === tiles && last.phase === 'generate');
    assert.equal(last.bytesRead, rows.rowsRead * rows.layout.rowBytes);
  });
}

test('a run that was ended goes on with the tiles that are missing', async (t) => {
  const rows = randomRows(200, 10, 'uint8', 2);
  const { plan, sink, options } = await prepare(t, rows, 2, 2e6, 32);
  const tiles = tileCount(200, plan.tileSize);
  const whole = await prepare(t, rows, 1, 2e6, 32);
  await generateTiles(whole.options);

  const controller = new AbortController();
  const onEvent = (event: KernelEvent) => {
    if (event.type === 'progress' && event.done === 5) controller.abort(new Error('enough'));
  };
  await assert.rejects(generateTiles({ ...options, signal: controller.signal, onEvent }), /enough/);
  assert.equal(sink.writing, 0, 'a tile is still being written');
  const before = sink.tiles.size;
  assert.ok(before >= 5 && before < tiles);
  const events: KernelEvent[] = [];
  const rest = await generateTiles({ ...options, onEvent: (event) => events.push(event) });
  assert.equal(rest.made, tiles - before);
  assert.ok(events[0]?.type === 'progress' && events[0].done === before + 1);
  assert.deepEqual(sink.tiles.size, tiles);
  for (const [tile, bytes] of whole.sink.tiles) {
    // Behind the rows of the matrix anything may lie.
    if (tile < tileCount(192, 32)) assert.deepEqual(sink.tiles.get(tile), bytes);
  }
  const none = await generateTiles(options);
  assert.deepEqual([none.made, none.bytesWritten], [0, 0]);
});

test('an error of writing ends the job when no tile is on its way any more', async (t) => {
  const rows = randomRows(200, 10, 'uint8', 3);
  const { sink, options } = await prepare(t, rows, 2, 2e6, 32);
  sink.failAt = 6;
  await assert.rejects(generateTiles(options), { code: 'MLML_DISK_FULL' });
  assert.equal(sink.writing, 0);
  assert.ok(sink.tiles.size >= 6 && sink.tiles.size <= 8);
});

test('plans name their choices and the smallest budget', () => {
  const rows = randomRows(1, 784, 'uint8', 1);
  const sizes = {
    n: 60_000,
    layout: rows.layout,
    dtype: 'float32' as const,
    threads: 2,
    budgetBytes: 200e6,
    tile: 0,
    packedBytes: (capacity: number) => capacity * (2 * 784 + 8),
    otherRegions: (tileSize: number) => [{ name: 'sums', bytes: tileSize }],
  };
  const plan = planGeneration(sizes);
  assert.equal(plan.tileSize, 1008);
  assert.equal(plan.bytesRead, 60_000 * 785);
  assert.ok(plan.plannedPeakBytes <= 200e6 && plan.plannedPeakBytes > 94e6);
  assert.deepEqual(plan.notes, [
    '1830 tiles of 1008 x 1008 entries: the lower triangle of 60000 x 60000',
    'all rows stay in memory, packed for the kernel: each is read once',
    '2 threads share each tile',
  ]);
  const half = planGeneration({ ...sizes, tilesDone: 915 });
  assert.equal(half.bytesWritten, plan.bytesWritten / 2);
  const small = planGeneration({ ...sizes, budgetBytes: 10e6 });
  assert.ok(small.tileSize <= 559 && small.plannedPeakBytes <= 10e6 && small.bytesRead > plan.bytesRead);
  let needed = 0;
  assert.throws(
    () => planGeneration({ ...sizes, budgetBytes: 5e5 }),
    (error: MlmlError) => {
      needed = Number(/needs at least ([\d.]+) MB; --buffer is 0.5 MB/.exec(error.message)![1]) * 1e6;
      return error.code === 'MLML_BUDGET_TOO_SMALL';
    },
  );
  assert.ok(planGeneration({ ...sizes, budgetBytes: needed }).plannedPeakBytes <= needed);
  // A kernel that was begun keeps its tiles, whatever the budget would choose.
  assert.equal(planGeneration({ ...sizes, budgetBytes: 20e6, tileBefore: 1008 }).tileSize, 1008);
  assert.throws(() => planGeneration({ ...sizes, budgetBytes: 5e6, tileBefore: 1008 }), {
    code: 'MLML_BUDGET_TOO_SMALL',
    message: /begun with tiles of 1008 rows/,
  });
  // A table of the tiles makes small tiles costly.
  const otherRegions = (tileSize: number) => [{ name: 'table', bytes: 5 * tileCount(60_000, tileSize) }];
  const table = planGeneration({ ...sizes, budgetBytes: 4e6, otherRegions });
  assert.ok(table.plannedPeakBytes <= 4e6 && table.tileSize > 100);
});
