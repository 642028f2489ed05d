import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  kernelProblem,
  MemoryCheckpoint,
  type SystemUnderTest,
} from '../../../../test/support/kernelProblem.js';
import { Random } from '../../../memory/random.js';
import type { Threads } from '../../../threads/threads.js';
import type { KernelEvent } from '../../events.js';
import { cg } from './cg.js';
import type { CgState } from './cgProgress.js';
import { productPrecision } from './productPrecision.js';

/** An RBF kernel of random points on a line, and noisy targets. */
function system(n: number, options: SystemUnderTest['options'], scale = 1): SystemUnderTest {
  const random = Random.of(7, n);
  const points = Array.from({ length: n }, () => random.normal());
  const targets = Array.from({ length: 2 * n }, () => random.normal());
  return {
    n,
    k: 2,
    dtype: 'float32',
    entry: (i, j) => scale * Math.exp(-100 * (points[i]! - points[j]!) ** 2),
    target: (i, c) => targets[2 * i + c]!,
    options: { rank: 32, passes: 500, ...options },
  };
}

/** Solves, and counts the products of tiles by task. */
async function solve(given: SystemUnderTest) {
  const made = kernelProblem(cg, given);
  const { threads } = made.problem.workspace;
  const calls = new Map<string, number>();
  const counting: Threads = {
    count: 1,
    add: (task, ...args) => {
      calls.set(task, (calls.get(task) ?? 0) + 1);
      threads.add(task, ...args);
    },
    run: () => threads.run(),
    close: () => threads.close(),
  };
  const problem = { ...made.problem, workspace: { ...made.problem.workspace, threads: counting } };
  const solution = await cg.solve(problem);
  return { solution, calls, coefficients: problem.coefficients, events: made.events };
}

test('floats where the tolerance is large against the drift they cause, doubles else', async () => {
  for (const [dtype, tol, reg, scale, expected] of [
    ['float32', 1e-4, [0.1], 1, 'float32'],
    ['float16', 1e-4, [0.1], 1, 'float32'],
    ['float64', 1e-4, [0.1], 1, 'float64'],
    ['float32', 1e-6, [0.1], 1, 'float64'],
    // 2⁻²⁴·√(64e6/1) is 4.8e-4; the smallest regularization counts.
    ['float32', 1e-3, [1e3, 1], 1e6, 'float32'],
    ['float32', 1e-4, [1e3, 1], 1e6, 'float64'],
    ['float32', 1e-4, [1e3], 1e6, 'float32'],
    ['float32', 1e-2, [0], 1, 'float64'],
    // Many passes.
    ['float32', 1e-5, [1e-6], 1, 'float64'],
    // Entries that floats cannot multiply, or that are no numbers.
    ['float32', 1e-2, [1e20], 1e20, 'float64'],
    ['float32', 1e-2, [1e-20], 1e-20, 'float64'],
    ['float32', 1e-2, [0.1], Number.NaN, 'float64'],
  ] as const) {
    const { problem } = kernelProblem(cg, { ...system(64, { tol, reg }, scale), dtype });
    assert.equal(await productPrecision(problem), expected, `${dtype} tol ${tol} reg ${reg} scale ${scale}`);
  }
});

test('directions are multiplied in floats, the last residual in doubles', async () => {
  const { solution, calls } = await solve(system(80, { tol: 1e-4, reg: [0.1] }));
  assert.equal(solution.stopped, 'tolerance');
  // 5 x 5 tiles of 16: 15 products with tiles and 10 with their transposes each pass.
  const steps = solution.passes - 1;
  // The preconditioner has one of each for each step.
  assert.equal(calls.get('addTileProduct32'), 16 * steps);
  assert.equal(calls.get('addTransposedTileProduct32'), 11 * steps);
  assert.equal(calls.get('addTileProduct'), 15);
  assert.equal(calls.get('addTransposedTileProduct'), 10);
  const doubles = await solve({ ...system(80, { tol: 1e-4, reg: [0.1] }), dtype: 'float64' });
  assert.equal(doubles.calls.get('addTileProduct32'), undefined);
  assert.ok(
    Math.abs(doubles.solution.passes - solution.passes) <= 1,
    `${doubles.solution.passes} ${solution.passes}`,
  );
});

/** A checkpoint after the first pass of a job, whose choice of products is replaced by floats. */
async function misled(given: SystemUnderTest): Promise<MemoryCheckpoint> {
  const checkpoint = new MemoryCheckpoint();
  const controller = new AbortController();
  const onEvent = (event: KernelEvent) => {
    if (event.type === 'checkpoint') controller.abort();
  };
  await assert.rejects(solve({ ...given, checkpoint, signal: controller.signal, onEvent }));
  const { header, blocks } = checkpoint.saved!;
  const state = JSON.parse(header) as CgState;
  assert.equal(state.recurrence.precision, 'float64');
  const changed: CgState = { ...state, recurrence: { ...state.recurrence, precision: 'float32' } };
  checkpoint.saved = { header: JSON.stringify(changed), blocks };
  return checkpoint;
}

test('a true residual above the tolerance sends the work on in doubles, after a resume in the same bits', async () => {
  const given = system(80, { tol: 1e-11, reg: [0.1] });
  const whole = await solve({ ...given, checkpoint: await misled(given) });
  assert.equal(whole.solution.stopped, 'tolerance');
  assert.ok(whole.solution.residuals[0]! <= 1e-11);
  const passes = whole.events.filter((event) => event.type === 'pass');
  const [drifted, last] = passes.filter((event) => event.exact);
  assert.ok(drifted!.residuals[0]! > 1e-11 && drifted!.residuals[0]! < 1e-5, `${drifted!.residuals[0]}`);
  assert.equal(last, passes.at(-1));
  assert.ok(whole.calls.get('addTileProduct32')! > 0);
  assert.ok(whole.calls.get('addTileProduct')! > 2 * 15);

  const checkpoint = await misled(given);
  for (let runs = 1; ; runs++) {
    const controller = new AbortController();
    const onEvent = (event: KernelEvent) => {
      if (event.type === 'checkpoint') controller.abort();
    };
    try {
      const pieces = await solve({ ...given, checkpoint, signal: controller.signal, onEvent });
      assert.ok(runs > 5);
      assert.deepEqual(pieces.solution, whole.solution);
      assert.deepEqual(pieces.coefficients, whole.coefficients);
      return;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  }
});
