import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../../memory/arena.js';
import { layOut } from '../../../memory/plan.js';
import type { SystemSize } from '../solver.js';
import { factorLayout, factorTileCount, factorTileNumber, paddedRow, tileSizes } from './factorLayout.js';
import { leavesOneOut, planClosed, plannedLayout } from './planClosed.js';

const size: SystemSize = {
  n: 10_000,
  k: 10,
  regularizations: 1,
  tileSize: 1008,
  threads: 2,
  heldOut: false,
};
const bytesOf = (plan: ReturnType<typeof planClosed>) => layOut(plan.regions).totalBytes;

test('a plan stays inside its bytes, and more bytes give larger tiles and less traffic', () => {
  const tiles: number[] = [];
  for (const budget of [16e6, 24e6, 40e6, 64e6, 200e6, 1e9]) {
    const plan = planClosed(size, budget);
    assert.ok(bytesOf(plan) <= budget, `${bytesOf(plan)} of ${budget}`);
    const layout = plannedLayout(size, new Arena(plan.regions));
    tiles.push(layout.tileSize);
    assert.equal(layout.tileBytes, plan.regions.find(({ name }) => name === 'closed tile')!.bytes);
    // The factor, and one row of its inverse.
    assert.equal(plan.scratchBytes, (factorTileCount(layout) + layout.tiles) * layout.tileBytes);
  }
  assert.deepEqual(
    tiles,
    [...tiles].sort((a, b) => a - b),
  );
  assert.ok(tiles.at(-1)! > 3 * tiles[0]!);
});

test('below the smallest plan it stays the same, so that its size can be named', () => {
  assert.deepEqual(planClosed(size, 0), planClosed(size, 1e6));
  assert.ok(bytesOf(planClosed(size, 0)) < 12e6);
});

test('leave-one-out errors are made up to 20 000 rows, or to choose, and never with rows held out', () => {
  assert.equal(leavesOneOut({ ...size, n: 20_000 }), true);
  assert.equal(leavesOneOut({ ...size, n: 20_001 }), false);
  assert.equal(leavesOneOut({ ...size, n: 20_001, regularizations: 2 }), true);
  assert.equal(leavesOneOut({ ...size, heldOut: true }), false);
  const cube = 10_000 ** 3 / 3;
  assert.equal(planClosed(size, 64e6).flops, 2 * cube);
  assert.equal(planClosed({ ...size, heldOut: true, regularizations: 3 }, 64e6).flops, 3 * cube);
});

test('every row has a place of its own in every layout, and every tile a number', () => {
  for (const [n, tile] of [
    [1, 16],
    [100, 13],
    [1000, 250],
    [530, 529],
  ] as const) {
    for (const tileSize of tileSizes(n, tile)) {
      assert.equal(tileSize % 8, 0);
      const layout = factorLayout(n, tile, tileSize);
      const places = new Set(Array.from({ length: n }, (_, i) => paddedRow(layout, i)));
      assert.equal(places.size, n);
      assert.ok(Math.max(...places) < layout.length);
      assert.ok(layout.slabs * layout.slabColumns >= tileSize);
      const numbers: number[] = [];
      for (let j = 0; j < layout.tiles; j++)
        for (let i = j; i < layout.tiles; i++) numbers.push(factorTileNumber(layout, i, j));
      assert.deepEqual(
        numbers,
        Array.from({ length: factorTileCount(layout) }, (_, t) => t),
      );
    }
  }
});
