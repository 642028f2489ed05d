import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type CountedRows,
  entryOf,
  packedBytesOf,
  randomRows,
  rbfReference,
  startEvaluation,
} from '../../../test/support/kernelRows.js';
import type { KernelBuild } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import { layOut } from '../../memory/plan.js';
import { Random } from '../../memory/random.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { ComputedKernel } from './computedKernel.js';
import { lowerTriangle, type TileIndex } from './kernelMatrix.js';
import { RowBandKernel } from './rowBandKernel.js';
import { planRowBand } from './rowBandPlan.js';
import type { ImmediateRowSource } from './rowSource.js';
import type { TileMaker } from './tileMaker.js';
import { planTiles } from './tilePlan.js';

const LENGTHSCALE = 2;

interface Given {
  readonly rows: CountedRows;
  readonly dtype?: TileDtype;
  readonly threads?: number;
  readonly build?: KernelBuild;
  readonly bytes: number;
  readonly tile: number;
  readonly source?: ImmediateRowSource;
}

async function makeKernel(t: TestContext, given: Given, blocks = false) {
  const { rows, dtype = 'float32', threads = 1, build } = given;
  const { layout } = rows;
  const kernel = { kind: 'rbf', lengthscale: LENGTHSCALE } as const;
  const setup = { kernel, layout, dtype, threads, ...(build === undefined ? {} : { build }) };
  const sizes = {
    n: rows.rows,
    rowBytes: layout.rowBytes,
    dtype,
    packedBytes: packedBytesOf(setup),
    largest: given.tile,
    tiles: ['tile'],
    order: 'bands' as const,
  };
  const plan = planRowBand(sizes, given.bytes)!;
  const regions = blocks ? planTiles({ ...sizes, exactly: plan.tileSize }, 1e6).regions : plan.regions;
  const { workspace, evaluator } = await startEvaluation(setup, regions);
  t.after(() => workspace.threads.close());
  const { tileSize, width } = plan;
  const options = {
    workspace,
    source: given.source ?? rows,
    evaluator,
    rowBytes: layout.rowBytes,
    tileSize,
    dtype,
  };
  const matrix: TileMaker = blocks ? new ComputedKernel(options) : new RowBandKernel({ ...options, width });
  return { matrix, workspace, plan, tile: workspace.arena.address('tile') };
}

/** Entries of tiles, one after the other. */
async function entriesOf(
  { matrix, workspace, tile }: Awaited<ReturnType<typeof makeKernel>>,
  which: Iterable<TileIndex>,
): Promise<number[]> {
  const entries: number[] = [];
  for await (const made of matrix.tilesInto(which, () => tile)) {
    for (let r = 0; r < made.rows; r++)
      for (let c = 0; c < made.columns; c++)
        entries.push(entryOf(workspace.arena.buffer, tile, r * made.stride + c, made.dtype));
  }
  return entries;
}

for (const build of ['plain', 'simd', 'relaxed'] as const) {
  for (const [threads, dtype, type, tile, bytes] of [
    [1, 'float32', 'float32', 80, 50_000],
    [2, 'float32', 'uint8', 48, 24_000],
    [3, 'float16', 'uint8', 112, 60_000],
    [2, 'float64', 'float32', 64, 70_000],
  ] as const) {
    // The reference is slow: one thread of it is enough.
    if (build === 'plain' && threads > 1) continue;
    test(`bit for bit the tiles of whole blocks: ${type} to ${dtype}, ${threads} threads, ${build} build`, async (t) => {
      const rows = randomRows(205, 19, type, 1);
      const given = { rows, dtype, tile, bytes, build };
      const found = await makeKernel(t, { ...given, threads });
      const { tileSize, width } = found.plan;
      assert.ok(tileSize < 205 && width <= tileSize, `tiles of ${tileSize}, ${width} columns at once`);
      const which = () => lowerTriangle(205, tileSize);
      const entries = await entriesOf(found, which());
      const { rowsRead } = found.plan;
      // Columns that are needed again at once are not read again.
      assert.ok(
        rows.rowsRead <= rowsRead && rows.rowsRead >= 0.7 * rowsRead,
        `${rows.rowsRead} of ${rowsRead}`,
      );
      assert.equal(found.matrix.bytesRead, rows.rowsRead * rows.layout.rowBytes);
      assert.deepEqual(entries, await entriesOf(await makeKernel(t, given, true), which()));
      const wanted = rbfReference(rows, rows, LENGTHSCALE)(1, 0);
      assert.ok(Math.abs(entries[tileSize]! - wanted) < 6e-4);
    });
  }
}

test('tiles come in the order asked for, whatever it is', async (t) => {
  const rows = randomRows(150, 8, 'float32', 4);
  const given = { rows, tile: 48, bytes: 30_000, threads: 2 };
  const which = [
    { row: 3, column: 1 },
    { row: 2, column: 2 },
    { row: 3, column: 1 },
    { row: 3, column: 3 },
    { row: 0, column: 0 },
    { row: 2, column: 0 },
  ];
  const found = await makeKernel(t, given);
  assert.deepEqual([found.plan.tileSize, found.plan.width], [48, 48]);
  const entries = await entriesOf(found, which);
  assert.deepEqual(entries, await entriesOf(await makeKernel(t, given, true), which));
});

test('a signal ends the stream, another can begin, and no two at once', async (t) => {
  const rows = randomRows(150, 8, 'float32', 6);
  const { matrix, tile } = await makeKernel(t, { rows, tile: 48, bytes: 30_000 });
  const which = () => lowerTriangle(150, matrix.tileSize);
  const controller = new AbortController();
  const reason = new MlmlError('MLML_INTERRUPTED', 'enough');
  let tiles = 0;
  const consume = async () => {
    for await (const _ of matrix.tilesInto(which(), () => tile, controller.signal))
      if (++tiles === 3) controller.abort(reason);
  };
  await assert.rejects(consume(), reason);
  assert.equal(tiles, 3);
  for await (const made of matrix.tilesInto(which(), () => tile)) {
    await assert.rejects(matrix.tilesInto(which(), () => tile).next(), { code: 'MLML_INTERNAL' });
    if (made.row === 1) break;
  }
});

test('an error of reading ends the stream wherever it happens; then all is made anew', async (t) => {
  const rows = randomRows(150, 8, 'float32', 7);
  const whole = await makeKernel(t, { rows, tile: 48, bytes: 30_000 }, true);
  const which = () => lowerTriangle(150, 48);
  const wanted = await entriesOf(whole, which());
  for (const threads of [1, 2]) {
    for (const failing of [1, 2, 3, 4, 5]) {
      let reads = 0;
      const source = {
        rows: 150,
        readRows: (target: Uint8Array, first: number, count: number) => rows.readRows(target, first, count),
        readRowsNow(target: Uint8Array, first: number, count: number) {
          if (++reads === failing) throw new MlmlError('MLML_IO', 'rows.bin: reading failed');
          rows.readRowsNow(target, first, count);
        },
      };
      const found = await makeKernel(t, { rows, source, tile: 48, bytes: 30_000, threads });
      await assert.rejects(entriesOf(found, which()), { code: 'MLML_IO' });
      assert.deepEqual(await entriesOf(found, which()), wanted);
    }
  }
});

test('plans stay inside the bytes given', () => {
  const random = Random.of(3);
  let made = 0;
  for (let i = 0; i < 300; i++) {
    const d = 1 + random.below(4000);
    const sizes = {
      n: 1 + random.below(100_000),
      rowBytes: d + 1,
      dtype: (['float16', 'float32', 'float64'] as const)[random.below(3)]!,
      packedBytes: (capacity: number) => capacity * (2 * d + 8),
      largest: random.below(3) === 0 ? 16 + random.below(2000) : 0,
      tiles: ['one', 'two'],
      order: 'bands' as const,
      otherBytes: (tileSize: number) => 3 * tileSize,
    };
    const bytes = 1000 * 2 ** (random.below(20) + random.uniform());
    const plan = planRowBand(sizes, bytes);
    if (plan === undefined) {
      assert.equal(planRowBand({ ...sizes, exactly: 16 }, bytes), undefined);
      continue;
    }
    made++;
    const before = [{ name: 'before', bytes: 1 + random.below(5000) }];
    const taken = layOut([...before, ...plan.regions]).totalBytes - layOut(before).totalBytes;
    assert.ok(taken + 3 * plan.tileSize <= plan.bytes && plan.bytes <= bytes);
    assert.ok(plan.tileSize % 16 === 0 && plan.width % 16 === 0 && plan.rowsRead >= sizes.n);
    if (sizes.largest > 0) assert.ok(plan.tileSize <= sizes.largest);
  }
  assert.ok(made > 100);
});

test('more rows stay in a small memory than in whole blocks', () => {
  const sizes = {
    n: 10_000,
    rowBytes: 4 * 3072 + 1,
    dtype: 'float32' as const,
    packedBytes: (capacity: number) => capacity * (4 * 3072 + 4),
    largest: 0,
    tiles: ['one', 'two'],
    order: 'bands' as const,
  };
  for (const bytes of [3.4e6, 4.4e6]) {
    const [band, blocks] = [planRowBand(sizes, bytes)!, planTiles(sizes, bytes)];
    assert.ok(
      band.rowsRead < 0.8 * blocks.rowsRead,
      `${band.rowsRead} rows read, ${blocks.rowsRead} in blocks`,
    );
  }
});
