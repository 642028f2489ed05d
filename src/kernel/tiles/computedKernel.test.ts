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
import { bestBuild, type KernelBuild } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { ComputedKernel, TILE_REGION } from './computedKernel.js';
import { lowerTriangle, tileCount } from './kernelMatrix.js';
import type { RowSource } from './rowSource.js';
import { planTiles } from './tilePlan.js';

const LENGTHSCALE = 2;
const tolerance = { float16: 6e-4, float32: 3e-6, float64: 3e-6 };

interface Given {
  readonly rows: CountedRows;
  readonly dtype?: TileDtype;
  readonly threads?: number;
  readonly build?: KernelBuild;
  /** Bytes for blocks and the tile. */
  readonly bytes?: number;
  readonly tile?: number;
  readonly source?: RowSource;
  readonly more?: number;
}

async function makeKernel(t: TestContext, given: Given) {
  const { rows, dtype = 'float32', threads = 1, bytes = 1e6, build = bestBuild() } = given;
  const { layout } = rows;
  const kernel = { kind: 'rbf', lengthscale: LENGTHSCALE } as const;
  const setup = { kernel, layout, dtype, threads, build };
  const sizes = {
    n: rows.rows,
    rowBytes: layout.rowBytes,
    dtype,
    packedBytes: packedBytesOf(setup),
    largest: given.tile ?? 0,
    tiles: [TILE_REGION],
    order: 'rows' as const,
  };
  const plan = planTiles(sizes, bytes);
  const regions = [...plan.regions, { name: 'more', bytes: given.more ?? 0 }];
  const { workspace, evaluator } = await startEvaluation(setup, regions);
  t.after(() => workspace.threads.close());
  const source = given.source ?? rows;
  const matrix = new ComputedKernel({
    workspace,
    source,
    evaluator,
    rowBytes: layout.rowBytes,
    tileSize: plan.tileSize,
    dtype,
  });
  return { matrix, workspace, plan, reference: rbfReference(rows, rows, LENGTHSCALE) };
}

/** All entries of the tiles of one pass, one after the other. */
async function allEntries(matrix: ComputedKernel, buffer: SharedArrayBuffer): Promise<number[]> {
  const entries: number[] = [];
  for await (const tile of matrix.tiles()) {
    for (let r = 0; r < tile.rows; r++)
      for (let c = 0; c < tile.columns; c++)
        entries.push(entryOf(buffer, tile.address, r * tile.stride + c, tile.dtype));
  }
  return entries;
}

for (const build of ['plain', 'simd', 'relaxed'] as const) {
  for (const [dtype, stored] of [
    ['float16', 'uint8'],
    ['float32', 'float32'],
    ['float64', 'float32'],
  ] as const) {
    const skip = build === 'relaxed' && bestBuild() !== 'relaxed' && 'this engine has no fused multiply-add';
    test(`tiles are those of the reference: ${build}, ${dtype} of ${stored}`, { skip }, async (t) => {
      const rows = randomRows(131, 19, stored, 1);
      const { matrix, workspace, plan, reference } = await makeKernel(t, { rows, dtype, build, tile: 48 });
      assert.ok(plan.tileSize < 131 && 131 % plan.tileSize !== 0);
      let tiles = 0;
      const order = [...lowerTriangle(131, plan.tileSize)];
      for await (const tile of matrix.tiles()) {
        assert.deepEqual([tile.row, tile.column], [order[tiles]!.row, order[tiles]!.column]);
        tiles++;
        const at = (r: number, c: number) =>
          entryOf(workspace.arena.buffer, tile.address, r * tile.stride + c, dtype);
        for (let r = 0; r < tile.rows; r++) {
          for (let c = 0; c < tile.columns; c++) {
            const wanted = reference(tile.firstRow + r, tile.firstColumn + c);
            assert.ok(Math.abs(at(r, c) - wanted) <= tolerance[dtype], `${at(r, c)} for ${wanted}`);
            if (tile.row === tile.column) assert.equal(at(r, c), at(c, r));
          }
        }
      }
      assert.equal(tiles, tileCount(131, plan.tileSize));
    });
  }
}

test('the same bits for 1, 2 and 3 threads and any budget', async (t) => {
  const rows = randomRows(200, 24, 'uint8', 2);
  const one = await makeKernel(t, { rows, tile: 64 });
  const wanted = await allEntries(one.matrix, one.workspace.arena.buffer);
  for (const [threads, bytes] of [
    [2, 1e6],
    [3, 1e6],
    [2, 32_000],
  ] as const) {
    const other = await makeKernel(t, { rows, threads, bytes, tile: 64 });
    assert.equal(other.plan.tileSize, one.plan.tileSize);
    assert.equal(other.plan.rowsRead > 200, bytes < 1e6);
    assert.deepEqual(await allEntries(other.matrix, other.workspace.arena.buffer), wanted);
  }
});

test('rows are read once when they fit, and as often as planned when they do not', async (t) => {
  for (const bytes of [1e6, 60_000, 40_000, 20_000]) {
    const rows = randomRows(500, 30, 'uint8', 3);
    const { matrix, plan, workspace } = await makeKernel(t, { rows, bytes, tile: 64 });
    assert.ok(plan.bytes <= bytes);
    await allEntries(matrix, workspace.arena.buffer);
    const first = rows.rowsRead;
    assert.equal(matrix.bytesRead, first * rows.layout.rowBytes);
    await allEntries(matrix, workspace.arena.buffer);
    const second = rows.rowsRead - first;
    if (bytes === 1e6) assert.deepEqual([first, second], [500, 0]);
    else {
      assert.ok(first <= plan.rowsRead, `${first} rows read, ${plan.rowsRead} planned`);
      assert.ok(first >= 0.8 * plan.rowsRead, `${first} rows read, ${plan.rowsRead} planned`);
    }
  }
});

test('chosen tiles come in the order asked for', async (t) => {
  const rows = randomRows(150, 8, 'float32', 4);
  const { matrix, workspace, reference } = await makeKernel(t, { rows, tile: 32, bytes: 20_000 });
  const which = [
    { row: 4, column: 1 },
    { row: 2, column: 2 },
    { row: 4, column: 1 },
    { row: 0, column: 0 },
    { row: 3, column: 0 },
  ];
  const seen: number[][] = [];
  for await (const tile of matrix.tiles(which)) {
    seen.push([tile.row, tile.column]);
    const last = (tile.rows - 1) * tile.stride + tile.columns - 1;
    const wanted = reference(tile.firstRow + tile.rows - 1, tile.firstColumn + tile.columns - 1);
    assert.ok(Math.abs(entryOf(workspace.arena.buffer, tile.address, last, 'float32') - wanted) < 3e-6);
  }
  assert.deepEqual(
    seen,
    which.map(({ row, column }) => [row, column]),
  );
});

for (const dtype of ['float16', 'float32', 'float64'] as const) {
  test(`columns and diagonal of ${dtype}`, async (t) => {
    const rows = randomRows(100, 9, 'float32', 5);
    const stride = 75;
    const more = 100 * stride * 4;
    const given = { rows, dtype, tile: 32, bytes: 30_000, more, threads: 2 };
    const { matrix, workspace, reference } = await makeKernel(t, given);
    const indices = Uint32Array.from({ length: 70 }, (_, i) => (i * 37) % 100);
    const target = workspace.arena.float32('more').fill(-1);
    await matrix.columns(indices, workspace.arena.address('more'), stride);
    for (let i = 0; i < 100; i++) {
      for (let c = 0; c < 70; c++)
        assert.ok(Math.abs(target[i * stride + c]! - reference(i, indices[c]!)) <= tolerance[dtype]);
      assert.equal(target[i * stride + 70], -1, 'nothing is written behind the columns');
    }
    const diagonal = new Float64Array(100);
    await matrix.diagonal(diagonal);
    assert.ok(diagonal.every((value) => value === 1));
    // The stream of tiles is as before.
    const entries = await allEntries(matrix, workspace.arena.buffer);
    assert.ok(Math.abs(entries[1]! - reference(0, 1)) <= tolerance[dtype]);
  });
}

test('more columns at once than a tile has, where only two blocks of rows fit', async (t) => {
  const rows = randomRows(100, 9, 'float32', 5);
  const given = { rows, dtype: 'float32', tile: 16, bytes: 0, more: 100 * 70 * 4 } as const;
  const { matrix, workspace, reference } = await makeKernel(t, given);
  const indices = Uint32Array.from({ length: 70 }, (_, i) => (i * 37) % 100);
  await matrix.columns(indices, workspace.arena.address('more'), 70);
  const target = workspace.arena.float32('more');
  for (let i = 0; i < 100; i++) {
    for (let c = 0; c < 70; c++) {
      const difference = Math.abs(target[i * 70 + c]! - reference(i, indices[c]!));
      assert.ok(difference <= tolerance.float32, `${difference} in row ${i}, column ${c}`);
    }
  }
});

test('a signal ends the stream, and another can begin', async (t) => {
  const rows = randomRows(150, 8, 'float32', 6);
  const { matrix } = await makeKernel(t, { rows, tile: 32, bytes: 20_000 });
  const controller = new AbortController();
  let tiles = 0;
  const reason = new MlmlError('MLML_INTERRUPTED', 'enough');
  const consume = async () => {
    for await (const _ of matrix.tiles(undefined, controller.signal))
      if (++tiles === 3) controller.abort(reason);
  };
  await assert.rejects(consume(), reason);
  assert.equal(tiles, 3);
  for await (const tile of matrix.tiles()) {
    await assert.rejects(matrix.diagonal(new Float64Array(150)), { code: 'MLML_INTERNAL' });
    if (tile.row === 2) break;
  }
  await matrix.diagonal(new Float64Array(150));
});

test('an error of reading ends the stream', async (t) => {
  const rows = randomRows(150, 8, 'float32', 7);
  let reads = 0;
  const source = {
    rows: 150,
    async readRows(target: Uint8Array, first: number, count: number) {
      if (++reads === 4) throw new MlmlError('MLML_IO', 'rows.bin: reading failed');
      await rows.readRows(target, first, count);
    },
  };
  const { matrix } = await makeKernel(t, { rows, source, tile: 32, bytes: 20_000 });
  const consume = async () => {
    for await (const _ of matrix.tiles());
  };
  await assert.rejects(consume(), { code: 'MLML_IO' });
  await consume();
});
