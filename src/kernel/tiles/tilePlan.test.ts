import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOut } from '../../memory/plan.js';
import { Random } from '../../memory/random.js';
import { bandOrder } from '../generate/bandOrder.js';
import { BlockCache, LOOKAHEAD } from './blockCache.js';
import { lowerTriangle, type TileIndex, tileCount } from './kernelMatrix.js';
import { bandRows, blocksRead, planTiles, smallestTilePlan } from './tilePlan.js';
import { TileWindow } from './tileWindow.js';

/** Blocks that a cache of so many slots has to read for these tiles. */
function simulate(tiles: Iterable<TileIndex>, slots: number): number {
  const cache = new BlockCache(slots);
  const window = new TileWindow(tiles, LOOKAHEAD);
  let reads = 0;
  const load = (block: number, keep: number) => {
    let slot = cache.find(block);
    if (slot < 0) {
      reads++;
      slot = cache.place(block, keep, window.blocks());
      assert.ok(slot >= 0 && (keep === block || cache.find(keep) !== slot));
    }
    cache.use(slot);
  };
  for (let tile = window.next(); tile !== undefined; tile = window.next()) {
    load(tile.row, tile.column);
    load(tile.column, tile.row);
    assert.ok(cache.find(tile.row) >= 0 && cache.find(tile.column) >= 0);
  }
  return reads;
}

test('the plan counts the blocks that are read', () => {
  for (const rows of [1, 2, 3, 5, 8, 20, 50]) {
    for (const slots of [2, 3, 4, 6, 10, 19, 30, 50]) {
      const found = {
        rows: simulate(lowerTriangle(rows, 1), slots),
        bands: simulate(bandOrder(rows, 1, bandRows(slots)), slots),
      };
      for (const order of ['rows', 'bands'] as const) {
        const planned = blocksRead(rows, slots, order);
        const message = `${rows} ${order}, ${slots} slots: ${found[order]} read, ${planned} planned`;
        assert.ok(found[order] <= planned && planned <= 1.3 * found[order] + 3, message);
        if (slots >= rows) assert.equal(found[order], rows);
      }
    }
  }
});

test('bands visit every tile of the lower triangle once', () => {
  for (const [n, size, height] of [
    [100, 16, 1],
    [100, 16, 3],
    [96, 16, 4],
    [5, 16, 2],
  ] as const) {
    const seen = new Set([...bandOrder(n, size, height)].map(({ row, column }) => `${row} ${column}`));
    const wanted = new Set([...lowerTriangle(n, size)].map(({ row, column }) => `${row} ${column}`));
    assert.equal([...bandOrder(n, size, height)].length, tileCount(n, size));
    assert.deepEqual(seen, wanted);
  }
});

test('plans stay inside the bytes given, or are the smallest', () => {
  const random = Random.of(3);
  for (let i = 0; i < 300; i++) {
    const d = 1 + random.below(4000);
    const sizes = {
      n: 1 + random.below(100_000),
      rowBytes: d + 1,
      dtype: (['float16', 'float32', 'float64'] as const)[random.below(3)]!,
      packedBytes: (capacity: number) => capacity * (2 * d + 8),
      largest: random.below(3) === 0 ? 16 + random.below(2000) : 0,
      tiles: ['one', 'two'].slice(random.below(2)),
      order: (['rows', 'bands'] as const)[random.below(2)]!,
    };
    const bytes = 1000 * 2 ** (random.below(20) + random.uniform());
    const plan = planTiles(sizes, bytes);
    const before = 1 + random.below(5000);
    const { totalBytes } = layOut([{ name: 'before', bytes: before }, ...plan.regions]);
    assert.ok(totalBytes - layOut([{ name: 'before', bytes: before }]).totalBytes <= plan.bytes);
    assert.ok(plan.tileSize % 16 === 0 && plan.slots >= 2);
    if (sizes.largest > 0) assert.ok(plan.tileSize <= sizes.largest);
    const smallest = smallestTilePlan(sizes);
    if (plan.bytes > bytes) {
      assert.deepEqual(plan, smallest);
      assert.ok(smallest.bytes > bytes);
    }
    assert.ok(plan.rowsRead >= sizes.n);
  }
});

test('MNIST stays packed in 200 MB; CIFAR-10 in 100 MB is read a few times', () => {
  const sizes = (n: number, d: number) => ({
    n,
    rowBytes: d + 1,
    dtype: 'float16' as const,
    packedBytes: (capacity: number) => capacity * (2 * d + 8),
    largest: 0,
    tiles: ['one', 'two'],
    order: 'bands' as const,
  });
  const mnist = planTiles(sizes(60_000, 784), 200e6);
  assert.deepEqual([mnist.tileSize, mnist.slots, mnist.rowsRead], [1008, 60, 60_000]);
  const cifar = planTiles(sizes(50_000, 3072), 100e6);
  assert.ok(cifar.rowsRead < 4 * 50_000, String(cifar.rowsRead));
});
