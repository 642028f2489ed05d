import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FollowedKernel } from '../../../test/support/followedKernel.js';
import { jobOptions } from '../../../test/support/kernelTraining.js';
import type { MatrixShape } from '../store/tileLayout.js';
import { tilesOf } from '../store/tileLayout.js';
import { tileRows } from '../tiles/kernelMatrix.js';
import { CountedKernel } from './countedKernel.js';
import type { SystemSize } from './solver.js';
import { solvers } from './solvers.js';
import { cutStrips, spansOfRow } from './ssgd/rowStrip.js';

const given = fc.record({
  n: fc.integer({ min: 1, max: 400 }),
  tileSize: fc.integer({ min: 1, max: 80 }),
  k: fc.integer({ min: 1, max: 4 }),
  regularizations: fc.integer({ min: 1, max: 3 }),
  cachedShare: fc.constantFrom(0, 0.1, 0.5, 0.99, 1),
  bytes: fc.constantFrom(0, 30_000, 300_000, 3e6),
  epochs: fc.integer({ min: 1, max: 7 }),
  passes: fc.integer({ min: 4, max: 30 }),
  block: fc.constantFrom(0, 3, 40, 500),
});

function kernels(shape: MatrixShape, cachedShare: number) {
  const cached = Math.floor(cachedShare * tilesOf(shape));
  return [new CountedKernel(undefined, { shape, cached }), new FollowedKernel(shape, cached)] as const;
}

for (const name of ['cg', 'bcd', 'ssgd'] as const) {
  test(`${name}: the bytes counted of a stored kernel are those of every tile of every round`, () => {
    fc.assert(
      fc.property(given, ({ n, tileSize, k, regularizations, cachedShare, bytes, epochs, passes, block }) => {
        const shape: MatrixShape = { rows: n, columns: n, symmetric: true, tileSize, dtype: 'float32' };
        const [counted, followed] = kernels(shape, cachedShare);
        const size: SystemSize = { n, k, regularizations, tileSize, threads: 1, heldOut: false };
        const reg = [1, 0.1, 0.01].slice(0, regularizations);
        const { use } = solvers[name].plan(size, jobOptions({ reg, epochs, passes, block }), bytes);
        for (const kernel of [counted, followed]) {
          kernel.diagonal();
          use!(kernel);
        }
        assert.equal(counted.bytesRead, followed.bytesRead);
      }),
      { numRuns: 150, seed: 3 },
    );
  });
}

test('ssgd asks for its tiles as often as its strips and residuals do', () => {
  fc.assert(
    fc.property(given, ({ n, tileSize, cachedShare, bytes, epochs }) => {
      const shape: MatrixShape = { rows: n, columns: n, symmetric: true, tileSize, dtype: 'float32' };
      const [counted, followed] = kernels(shape, cachedShare);
      const size: SystemSize = { n, k: 1, regularizations: 1, tileSize, threads: 1, heldOut: false };
      const plan = solvers.ssgd.plan(size, jobOptions({ epochs, dtype: 'float64' }), bytes);
      plan.use!(counted);
      const stripRows = plan.regions.find((region) => region.name === 'ssgd strip')!.bytes / n / 8;
      const rows = tileRows(n, tileSize);
      const strips = cutStrips(n, tileSize, stripRows);
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (const { tileRow } of strips) followed.tiles([{ spans: spansOfRow(tileRow, rows) }], 1);
        followed.tiles([followed.triangle], 1);
      }
      assert.equal(counted.bytesRead, followed.bytesRead);
    }),
    { numRuns: 150, seed: 4 },
  );
});

test('columns of a stored kernel without rows, and orders asked for no times', () => {
  const shape: MatrixShape = { rows: 100, columns: 100, symmetric: true, tileSize: 16, dtype: 'float64' };
  for (const share of [0, 0.4, 1]) {
    const [counted, followed] = kernels(shape, share);
    for (const kernel of [counted, followed]) {
      kernel.tiles([kernel.triangle], 0);
      assert.equal(kernel.bytesRead, 0);
      kernel.columns(7);
      kernel.tiles([{ spans: spansOfRow(3, 7), back: true }], 5);
      kernel.diagonal();
    }
    assert.equal(counted.bytesRead, followed.bytesRead);
  }
});
