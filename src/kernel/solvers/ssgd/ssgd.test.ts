import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  directSolution,
  Killed,
  largestError,
  MemoryCheckpoint,
  rbfEntries,
  type SystemFixture,
  solveSystem,
} from '../../../../test/support/solverFixture.js';
import type { KernelEvent } from '../../events.js';
import { defaultKernelOptions } from '../../options.js';
import { cutStrips } from './rowStrip.js';
import { ssgd } from './ssgd.js';

/** A short lengthscale: Λ is close to a multiple of the identity. */
function fixture(more: Partial<SystemFixture> = {}): SystemFixture {
  return {
    n: 60,
    k: 3,
    tileSize: 16,
    entry: rbfEntries(60, 5, 0.15, 2),
    target: (i, c) => (i % 3 === c ? 1 : 0),
    options: { reg: [0.5], tol: 1e-5, epochs: 200, momentum: 0 },
    ...more,
  };
}

const residualsOf = (events: readonly KernelEvent[]) =>
  events.flatMap((event) => (event.type === 'pass' ? [event.residuals[0]!] : []));

test('strips cover all rows once and stay inside tile rows', () => {
  for (const most of [1, 3, 5, 16, 100]) {
    const strips = cutStrips(45, 16, most);
    let next = 0;
    for (const { tileRow, firstRow, rows } of strips) {
      assert.equal(firstRow, next);
      assert.ok(rows >= 1 && rows <= most);
      assert.equal(Math.floor(firstRow / 16), tileRow);
      assert.equal(Math.floor((firstRow + rows - 1) / 16), tileRow);
      next += rows;
    }
    assert.equal(next, 45);
  }
});

for (const [name, more] of [
  ['Kaczmarz steps', {}],
  ['momentum', { options: { reg: [0.5], tol: 1e-5, epochs: 200, momentum: 0.6 } }],
  ['a rate given', { options: { reg: [0.5], tol: 1e-5, epochs: 200, momentum: 0, eta0: 0.2 } }],
  ['one column', { k: 1, target: (i: number) => Math.sin(i) }],
  ['ten columns', { k: 10, target: (i: number, c: number) => (i % 10 === c ? 1 : 0) }],
  ['rows held out', { heldOut: (i: number) => i % 7 === 3 }],
  ['strips of five rows', { bytes: 1 }],
  ['the fast kernels', { build: 'simd', heldOut: (i: number) => i % 7 === 3 }],
  [
    'more unknowns than one call takes',
    {
      n: 1100,
      build: 'simd',
      tileSize: 400,
      entry: (i: number, j: number) => (i === j ? 1 : Math.abs(i - j) === 1050 ? 0.3 : 0),
    },
  ],
] as const) {
  test(`tends to the direct solution: ${name}`, async () => {
    const system = fixture(more);
    const { solution, ...solved } = await solveSystem(ssgd, system);
    assert.equal(solution.stopped, 'tolerance');
    const exact = system.n > 1000 ? undefined : directSolution(system, 0.5);
    if (exact !== undefined) assert.ok(largestError({ solution, ...solved }, exact, system.k, 0) < 1e-4);
    assert.ok(solution.residuals[0]! <= 1e-5);
  });
}

test('the residual falls from epoch to epoch when the kernel is well conditioned', async () => {
  const residuals = residualsOf((await solveSystem(ssgd, fixture())).events);
  for (let e = 1; e < residuals.length; e++) assert.ok(residuals[e]! < residuals[e - 1]!);
});

test('however bad the condition, the distance to the exact coefficients falls', async () => {
  const system = fixture({ entry: rbfEntries(60, 5, 1, 2) });
  const exact = directSolution(system, 0.1);
  let before = Math.hypot(...exact);
  for (let epochs = 1; epochs <= 6; epochs++) {
    const solved = await solveSystem(ssgd, {
      ...system,
      options: { reg: [0.1], tol: 0, epochs, momentum: 0 },
    });
    let squares = 0;
    for (let i = 0; i < 60; i++) {
      for (let c = 0; c < 3; c++)
        squares += (solved.coefficients[i * solved.width + c]! - exact[i * 3 + c]!) ** 2;
    }
    assert.ok(Math.sqrt(squares) < before);
    before = Math.sqrt(squares);
  }
});

test('the default options do not diverge on a badly conditioned kernel', async () => {
  const { events } = await solveSystem(
    ssgd,
    fixture({ entry: rbfEntries(60, 5, 3, 2), options: { reg: [1e-3], epochs: 10 } }),
  );
  for (const residual of residualsOf(events)) assert.ok(residual < 1.5, String(residual));
});

test('several regularizations share the rows; the best on held-out rows is named', async () => {
  const reg = [30, 0.5];
  const entry = rbfEntries(60, 5, 0.15, 2);
  const system = fixture({
    options: { reg, tol: 1e-5, epochs: 200, momentum: 0 },
    heldOut: (i) => i % 5 === 0,
    target: (i, c) => entry(i, c + 1) + entry(i, c + 6),
  });
  const solved = await solveSystem(ssgd, system);
  for (const [l, regularization] of reg.entries())
    assert.ok(largestError(solved, directSolution(system, regularization), 3, l) < 1e-4);
  const heldOut = solved.solution.heldOut!;
  assert.equal(solved.solution.best, heldOut.indexOf(Math.min(...heldOut)));
});

test('killed after any strip and resumed, it ends in the same bits', async () => {
  const system = fixture({
    options: { reg: [0.5, 2], tol: 1e-3, epochs: 3, patience: 2 },
    heldOut: (i) => i % 9 === 0,
  });
  const whole = await solveSystem(ssgd, system);
  for (const killAfter of [1, 3, 4, 5, 9]) {
    const checkpoint = new MemoryCheckpoint();
    checkpoint.killAfter = killAfter;
    await assert.rejects(solveSystem(ssgd, { ...system, checkpoint }), Killed);
    const resumed = await solveSystem(ssgd, { ...system, checkpoint });
    assert.deepEqual(resumed.coefficients, whole.coefficients);
    assert.deepEqual(resumed.solution, whole.solution);
  }
});

test('a rate too large is divergence, said with advice', async () => {
  await assert.rejects(
    solveSystem(ssgd, fixture({ options: { reg: [0.5], epochs: 20, eta0: 5, momentum: 0 } })),
    {
      code: 'MLML_DIVERGED',
      message: /--eta0=5 .*smaller --eta0, or --eta0=auto/,
    },
  );
});

test('the plan takes the strip that fits', () => {
  const size = { n: 10_000, k: 10, regularizations: 1, tileSize: 500, threads: 2, heldOut: false };
  const options = { ...defaultKernelOptions, nthreads: 2 };
  for (const bytes of [3e6, 10e6, 30e6, 100e6]) {
    const plan = ssgd.plan(size, options, bytes);
    const total = plan.regions.reduce((sum, region) => sum + region.bytes, 0);
    assert.ok(total <= bytes);
    const rows = plan.regions.at(-1)!.bytes / 40_000;
    assert.ok(rows <= 500 && plan.passes === 3 * (2 * Math.ceil(500 / rows) + 1));
  }
});

test('the order in which threads make their calls does not matter', async () => {
  for (const build of ['plain', 'simd'] as const) {
    const system = fixture({ build, heldOut: (i) => i % 8 === 1, options: { reg: [0.1, 0.5], epochs: 2 } });
    const one = await solveSystem(ssgd, { ...system, inOrder: true });
    const other = await solveSystem(ssgd, system);
    assert.deepEqual(other.coefficients, one.coefficients);
    assert.deepEqual(other.solution, one.solution);
  }
});
