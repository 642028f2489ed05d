import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  directSolution,
  Killed,
  largestError,
  MemoryCheckpoint,
  rbfEntries,
  type SystemFixture,
  solveSystem,
} from '../../../../test/support/solverFixture.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { defaultKernelOptions } from '../../options.js';
import type { SystemSize } from '../solver.js';
import { bcd } from './bcd.js';
import { cutBlocks } from './blocks.js';

function fixture(more: Partial<SystemFixture> = {}): SystemFixture {
  return {
    n: 90,
    k: 3,
    tileSize: 16,
    entry: rbfEntries(90, 4, 0.8, 1),
    target: (i, c) => (i % 3 === c ? 1 : 0),
    options: { reg: [0.01], tol: 1e-9 },
    ...more,
  };
}

test('blocks cover all rows once, whatever the tiles', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 400 }),
      (n, tileSize, largest) => {
        const groups = cutBlocks(n, tileSize, largest);
        let next = 0;
        for (const { firstTileRow, endTileRow, blocks } of groups) {
          assert.equal(blocks[0]!.firstRow, firstTileRow * tileSize);
          for (const { firstRow, rows } of blocks) {
            assert.equal(firstRow, next);
            assert.ok(rows > 0 && rows <= largest);
            next += rows;
          }
          assert.equal(next, Math.min(n, endTileRow * tileSize));
        }
        assert.equal(next, n);
        const again = cutBlocks(n, tileSize, Math.max(...groups.flatMap((g) => g.blocks.map((b) => b.rows))));
        assert.deepEqual(again, groups);
      },
    ),
  );
});

test('the plan stays within its bytes whenever the smallest blocks do', () => {
  const options = { ...defaultKernelOptions, nthreads: 2 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 16, max: 4000 }),
      fc.integer({ min: 1, max: 2000 }),
      (n, k, regularizations, tileSize, megabytes) => {
        const size: SystemSize = { n, k, regularizations, tileSize, threads: 2, heldOut: false };
        const bytesOf = (bytes: number) =>
          bcd.plan(size, options, bytes).regions.reduce((sum, region) => sum + region.bytes, 0);
        const smallest = bytesOf(0);
        assert.ok(bytesOf(megabytes * 1e6) <= Math.max(smallest, megabytes * 1e6));
      },
    ),
  );
});

for (const [name, more] of [
  ['three tile rows a block', { options: { reg: [0.01], tol: 1e-9, block: 48 } }],
  ['parts of tile rows', { options: { reg: [0.01], tol: 1e-9, block: 6 } }],
  ['one block', { options: { reg: [0.01], tol: 1e-9, block: 1000 } }],
  ['one tile', { tileSize: 96, options: { reg: [0.01], tol: 1e-9, block: 20 } }],
  [
    'one column',
    { k: 1, target: (i: number) => Math.sin(i), options: { reg: [0.01], tol: 1e-9, block: 16 } },
  ],
  [
    'ten columns',
    {
      k: 10,
      target: (i: number, c: number) => (i % 10 === c ? 1 : 0),
      options: { reg: [0.1], tol: 1e-9, block: 32 },
    },
  ],
  ['rows held out', { heldOut: (i: number) => i % 7 === 3, options: { reg: [0.01], tol: 1e-9, block: 32 } }],
  [
    'a whole block held out',
    { heldOut: (i: number) => i >= 32 && i < 64, options: { reg: [0.01], tol: 1e-9, block: 32 } },
  ],
  [
    'the fast kernels',
    { build: 'simd', heldOut: (i: number) => i % 7 === 3, options: { reg: [0.01], tol: 1e-9, block: 17 } },
  ],
] as const) {
  test(`equals the direct solution: ${name}`, async () => {
    const system = fixture(more);
    const solved = await solveSystem(bcd, system);
    assert.equal(solved.solution.stopped, 'tolerance');
    assert.ok(solved.solution.residuals[0]! <= 1e-9);
    const regularization = system.options!.reg![0]!;
    assert.ok(largestError(solved, directSolution(system, regularization), system.k, 0) < 1e-6);
  });
}

test('several regularizations are solved in the same passes, and the best on held-out rows is named', async () => {
  const reg = [100, 0.01, 1];
  const entry = rbfEntries(90, 4, 0.8, 1);
  const system = fixture({
    options: { reg, tol: 1e-8, block: 32 },
    heldOut: (i) => i % 5 === 0,
    target: (i, c) => Math.cos(i * (c + 1)) * 0.01 + entry(i, 7),
  });
  const solved = await solveSystem(bcd, system);
  const expected: number[] = [];
  for (const [l, regularization] of reg.entries()) {
    const exact = directSolution(system, regularization);
    assert.ok(largestError(solved, exact, 3, l) < 1e-5, `reg ${regularization}`);
    let squares = 0;
    let count = 0;
    for (let i = 0; i < system.n; i += 5) {
      for (let c = 0; c < 3; c++) {
        let score = 0;
        for (let j = 0; j < system.n; j++) score += system.entry(i, j) * exact[j * 3 + c]!;
        squares += (score - system.target(i, c)) ** 2;
        count++;
      }
    }
    expected.push(Math.sqrt(squares / count));
  }
  for (const [l, value] of expected.entries())
    assert.ok(Math.abs(solved.solution.heldOut![l]! - value) < 1e-6 * value, `rmse of reg ${reg[l]}`);
  assert.equal(solved.solution.best, expected.indexOf(Math.min(...expected)));
});

test('the residuals told are true ones, and passes are counted', async () => {
  const { solution, events, matrix } = await solveSystem(
    bcd,
    fixture({ options: { reg: [0.01], tol: 1e-6, block: 16 } }),
  );
  const passes = events.filter((event) => event.type === 'pass');
  const [before, last] = passes.slice(-2);
  assert.ok(last!.exact && !before!.exact);
  assert.ok(Math.abs(before!.residuals[0]! - last!.residuals[0]!) < 1e-10);
  assert.equal(solution.passes, last!.pass);
  // 6 tile rows: 15 tiles below the diagonal in each sweep, 21 in the check; 6 for the factors.
  assert.equal(matrix.tilesServed, 6 + 15 * (solution.passes - 1) + 21);
});

test('stops at the number of passes, and when held-out accuracy is settled', async () => {
  const limited = await solveSystem(
    bcd,
    fixture({ options: { reg: [0.001], tol: 1e-12, block: 16, passes: 8 } }),
  );
  assert.equal(limited.solution.stopped, 'passes');
  assert.ok(limited.solution.passes <= 8);
  const settled = await solveSystem(
    bcd,
    fixture({
      options: { reg: [0.001], tol: 1e-14, block: 16, patience: 4 },
      heldOut: (i) => i % 5 === 0,
      classification: true,
    }),
  );
  assert.equal(settled.solution.stopped, 'patience');
});

test('killed after any step and resumed, it ends in the same bits; factors on disk are used again', async () => {
  // 20 kB leave room for one factor of 16 rows only: factors go to disk.
  const system = fixture({
    bytes: 20_000,
    heldOut: (i) => i % 9 === 0,
    options: { reg: [0.1, 0.01], tol: 1e-6, block: 16 },
  });
  const whole = await solveSystem(bcd, { ...system, checkpoint: new MemoryCheckpoint() });
  let resumes = 0;
  for (let killAfter = 1; ; killAfter += 3) {
    const checkpoint = new MemoryCheckpoint();
    const storage = new MemoryStorage();
    checkpoint.killAfter = killAfter;
    try {
      await solveSystem(bcd, { ...system, checkpoint, storage });
      break;
    } catch (error) {
      assert.ok(error instanceof Killed);
    }
    assert.equal((await storage.list('work')).length, 12);
    const resumed = await solveSystem(bcd, { ...system, checkpoint, storage });
    assert.deepEqual(resumed.coefficients, whole.coefficients);
    assert.deepEqual(resumed.solution, whole.solution);
    resumes++;
  }
  assert.ok(resumes >= 2);
});

test('factors in memory and on disk give the same bits', async () => {
  // Sixteen columns take as many directions with little memory as with much.
  const system = fixture({
    options: { reg: [0.01], tol: 1e-6, block: 16 },
    k: 16,
    target: (i, c) => Number(i % 16 === c),
  });
  const storage = new MemoryStorage();
  const inMemory = await solveSystem(bcd, { ...system, storage });
  assert.deepEqual(await storage.list('work'), []);
  const onDisk = await solveSystem(bcd, { ...system, storage, bytes: 1 });
  assert.equal((await storage.list('work')).length, 6);
  assert.deepEqual(onDisk.coefficients, inMemory.coefficients);
});

test('an indefinite kernel is refused with advice', async () => {
  const entry = (i: number, j: number) => (i === j ? 1 : -0.5);
  await assert.rejects(solveSystem(bcd, fixture({ entry, options: { reg: [0.1], block: 16 } })), {
    code: 'MLML_NOT_DEFINITE',
    message: /rows 0 to 15 .*raise --reg/,
  });
});

test('an abort ends the job', async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(solveSystem(bcd, fixture({ signal })), { name: 'AbortError' });
});

test('the order in which threads make their calls does not matter', async () => {
  for (const build of ['plain', 'simd'] as const) {
    const system = fixture({ build, heldOut: (i) => i % 8 === 1, options: { reg: [0.1, 0.5], block: 16 } });
    const one = await solveSystem(bcd, { ...system, inOrder: true });
    const other = await solveSystem(bcd, system);
    assert.deepEqual(other.coefficients, one.coefficients);
    assert.deepEqual(other.solution, one.solution);
  }
});
