import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  kernelProblem,
  MemoryCheckpoint,
  type SystemUnderTest,
  solveDense,
} from '../../../../test/support/kernelProblem.js';
import { halfToNumber, numberToHalf } from '../../../arithmetic/dtype.js';
import { layOut } from '../../../memory/plan.js';
import { Random } from '../../../memory/random.js';
import type { KernelEvent } from '../../events.js';
import { defaultKernelOptions, type KernelTrainOptions } from '../../options.js';
import { cg } from './cg.js';

/** An RBF kernel between random points of three features, and noisy targets of it. */
function rbf(n: number, k: number, seed = 1, lengthscale = 1, duplicates = false) {
  const random = Random.of(seed, n);
  const points = Array.from({ length: n }, () => [random.normal(), random.normal(), random.normal()]);
  if (duplicates) for (let i = 3; i < n; i += 3) points[i] = points[i - 3]!;
  const targets = Array.from({ length: n * k }, (_, i) => {
    const point = points[Math.floor(i / k)]!;
    return Math.sin(point[0]! * (1 + (i % k))) + point[1]! * point[2]! + 0.3 * random.normal();
  });
  const entry = (i: number, j: number) => {
    let square = 0;
    for (let f = 0; f < 3; f++) square += (points[i]![f]! - points[j]![f]!) ** 2;
    return Math.exp(-square / (2 * lengthscale ** 2));
  };
  return { n, k, entry, target: (i: number, c: number) => targets[i * k + c]! };
}

/** What a tile of the number type holds. */
const rounded = {
  float16: (value: number) => halfToNumber(numberToHalf(value)),
  float32: Math.fround,
  float64: (value: number) => value,
};

/** The coefficients of one regularization by elimination, zero on rows held out. */
function direct(system: SystemUnderTest, lambda: number): Float64Array {
  const { n, k } = system;
  const round = rounded[system.dtype ?? 'float64'];
  const rows = Array.from({ length: n }, (_, i) => i).filter((i) => system.heldOut?.(i) !== true);
  const m = rows.length;
  const a = new Float64Array(m * m);
  const b = new Float64Array(m * k);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const [high, low] = rows[i]! > rows[j]! ? [rows[i]!, rows[j]!] : [rows[j]!, rows[i]!];
      a[i * m + j] = round(system.entry(high, low)) + (i === j ? lambda : 0);
    }
    for (let c = 0; c < k; c++) b[i * k + c] = system.target(rows[i]!, c);
  }
  const x = solveDense(a, m, b, k);
  const all = new Float64Array(n * k);
  for (let i = 0; i < m; i++) all.set(x.subarray(i * k, (i + 1) * k), rows[i]! * k);
  return all;
}

function assertClose(
  found: Float64Array,
  width: number,
  first: number,
  expected: Float64Array,
  k: number,
  tolerance: number,
) {
  const largest = Math.max(...expected.map(Math.abs));
  for (let i = 0; i < expected.length / k; i++) {
    for (let c = 0; c < k; c++) {
      const error = Math.abs(found[i * width + first + c]! - expected[i * k + c]!);
      assert.ok(error <= tolerance * largest, `row ${i}, column ${c}: off by ${error}, largest ${largest}`);
    }
  }
}

async function solve(system: SystemUnderTest) {
  const made = kernelProblem(cg, system);
  const solution = await cg.solve(made.problem);
  return { ...made, solution, coefficients: made.problem.coefficients };
}

const passEvents = (events: readonly KernelEvent[]) => events.filter((event) => event.type === 'pass');

describe('conjugate gradients agree with elimination', () => {
  for (const { n, k, rank, dtype, reg, tol = 1e-10 } of [
    { n: 1, k: 1, rank: -1, dtype: 'float64', reg: [0.1] },
    { n: 2, k: 3, rank: 2, dtype: 'float64', reg: [0.1] },
    { n: 5, k: 1, rank: 0, dtype: 'float64', reg: [0.1] },
    { n: 37, k: 3, rank: -1, dtype: 'float64', reg: [1, 0.01] },
    { n: 64, k: 10, rank: 12, dtype: 'float32', reg: [0.1] },
    { n: 65, k: 10, rank: 0, dtype: 'float32', reg: [10, 0.1, 0.02] },
    { n: 90, k: 1, rank: 40, dtype: 'float16', reg: [1, 0.1, 0.3] },
    { n: 130, k: 2, rank: 300, dtype: 'float64', reg: [1e-3] },
    { n: 150, k: 3, rank: 101, dtype: 'float64', reg: [1e-5], tol: 1e-7 },
  ] as const) {
    test(`n=${n} k=${k} rank=${rank} ${dtype} reg=${reg.join(',')}`, async () => {
      const system = { ...rbf(n, k), dtype, options: { rank, reg, tol } };
      const { solution, coefficients, width, matrix } = await solve(system);
      assert.equal(solution.stopped, 'tolerance');
      assert.equal(solution.best, 0);
      for (const [l, lambda] of reg.entries()) {
        assert.ok(solution.residuals[l]! <= tol);
        // The error is at most the residual times the condition number, n/λ.
        const tolerance = Math.max(1e-9, Math.min(1e-5, (tol * n) / lambda));
        assertClose(coefficients, width, l * k, direct(system, lambda), k, tolerance);
      }
      const tiles = Math.ceil(n / 16);
      assert.equal(matrix.tilesServed, (solution.passes * tiles * (tiles + 1)) / 2, 'passes are counted');
    });
  }
});

test('a preconditioner saves passes, the more the higher its rank, and exact ones need two', async () => {
  const passes: number[] = [];
  for (const rank of [0, 20, 60, 200]) {
    const { solution } = await solve({ ...rbf(200, 2), options: { rank, reg: [1e-3], tol: 1e-6 } });
    passes.push(solution.passes);
  }
  for (let i = 1; i < passes.length; i++) assert.ok(passes[i]! < passes[i - 1]!, passes.join(' '));
  assert.ok(passes[3]! <= 5, passes.join(' '));
});

test('duplicate rows neither break the preconditioner nor the solution', async () => {
  const system = { ...rbf(120, 2, 4, 1, true), options: { rank: 120, reg: [1e-3], tol: 1e-9 } };
  const { solution, coefficients, width } = await solve(system);
  assert.ok(solution.passes < 12, `${solution.passes} passes`);
  assertClose(coefficients, width, 0, direct(system, 1e-3), 2, 1e-5);
});

test('all rows equal: one pivot explains the kernel', async () => {
  const system = {
    n: 40,
    k: 1,
    entry: () => 1,
    target: (i: number) => i,
    options: { rank: 40, reg: [0.5], tol: 1e-11 },
  };
  const { solution, coefficients, width } = await solve(system);
  assert.ok(solution.passes < 8);
  assertClose(coefficients, width, 0, direct(system, 0.5), 1, 1e-9);
});

test('λ = 0 is solved when the kernel allows it', async () => {
  const system = { ...rbf(30, 1, 2, 0.3), options: { rank: 10, reg: [0], tol: 1e-9 } };
  const { coefficients, width } = await solve(system);
  assertClose(coefficients, width, 0, direct(system, 0), 1, 1e-6);
});

test('an indefinite kernel is refused, saying what to do', async () => {
  for (const rank of [0, 8]) {
    const entry = (i: number, j: number) => (i === j ? (i % 2 === 0 ? 1 : -2) : 0.01);
    await assert.rejects(
      solve({ n: 32, k: 1, entry, target: (i) => 1 + (i % 3), options: { rank, reg: [0.5] } }),
      { code: 'MLML_NOT_DEFINITE', message: /plus 0\.5 times.*larger --reg/ },
    );
  }
});

test('entries that are not finite are refused', async () => {
  const entry = (i: number, j: number) => (i === 7 && j === 3 ? NaN : i === j ? 1 : 0);
  await assert.rejects(solve({ n: 20, k: 1, entry, target: () => 1, options: { rank: 0 } }), {
    code: 'MLML_BAD_DATA',
    message: /not finite/,
  });
});

test('rounding that allows no progress ends with the true residual and a warning', async () => {
  // A kernel of condition 1e15, whose tolerance cannot be reached.
  const system = { ...rbf(60, 1, 3, 30), options: { rank: 0, reg: [1e-13], tol: 1e-12, passes: 400 } };
  const { solution, events, coefficients, width } = await solve(system);
  assert.equal(solution.stopped, 'passes');
  assert.ok(solution.passes < 400, `${solution.passes} passes`);
  const warning = events.find((event) => event.type === 'warning');
  assert.match(warning?.type === 'warning' ? warning.message : '', /no more progress.*--reg/);
  let [residual, size] = [0, 0];
  for (let i = 0; i < system.n; i++) {
    let sum = system.target(i, 0) - 1e-13 * coefficients[i * width]!;
    for (let j = 0; j < system.n; j++)
      sum -= system.entry(Math.max(i, j), Math.min(i, j)) * coefficients[j * width]!;
    residual += sum ** 2;
    size += system.target(i, 0) ** 2;
  }
  const expected = Math.sqrt(residual / size);
  assert.ok(solution.residuals[0]! > 1e-12);
  assert.ok(Math.abs(solution.residuals[0]! / expected - 1) < 0.05, `${solution.residuals[0]} ${expected}`);
});

test('too few passes: the true residual is told, with a warning', async () => {
  const { solution, events } = await solve({
    ...rbf(80, 1),
    options: { rank: 0, reg: [1e-4], tol: 1e-9, passes: 6 },
  });
  assert.equal(solution.passes, 6);
  assert.equal(solution.stopped, 'passes');
  const last = passEvents(events).at(-1)!;
  assert.equal(last.exact, true);
  assert.deepEqual(last.residuals, solution.residuals);
  assert.ok(solution.residuals[0]! > 1e-9);
  assert.ok(events.some((event) => event.type === 'warning'));
});

test('zero targets have zero coefficients, without a pass but the last', async () => {
  const { solution, coefficients } = await solve({ ...rbf(20, 2), target: () => 0 });
  assert.deepEqual([solution.passes, solution.residuals, solution.stopped], [1, [0], 'tolerance']);
  assert.ok(coefficients.every((value) => value === 0));
});

const heldOut = (i: number) => i % 5 === 2;

test('rows held out are not learnt from, and their scores are those of the solution', async () => {
  for (const rank of [0, 16]) {
    const options = { rank, reg: [10, 0.1, 1e-3], tol: 1e-9, refit: false };
    const system = { ...rbf(100, 2), heldOut, options };
    const { solution, coefficients, width, events } = await solve(system);
    const errors = options.reg.map((lambda, l) => {
      const expected = direct(system, lambda);
      assertClose(coefficients, width, 2 * l, expected, 2, 1e-5);
      let [sum, count] = [0, 0];
      for (let i = 0; i < system.n; i++) {
        if (!heldOut(i)) continue;
        for (let c = 0; c < 2; c++) {
          assert.equal(coefficients[i * width + 2 * l + c], 0);
          let value = -system.target(i, c);
          for (let j = 0; j < system.n; j++)
            value += system.entry(Math.max(i, j), Math.min(i, j)) * expected[j * 2 + c]!;
          sum += value ** 2;
          count++;
        }
      }
      return Math.sqrt(sum / count);
    });
    for (const [l, error] of errors.entries()) assert.ok(Math.abs(solution.heldOut![l]! - error) < 1e-6);
    assert.equal(solution.best, errors.indexOf(Math.min(...errors)));
    // By recurrence, before the last exact pass, they were the same.
    const before = passEvents(events)
      .filter((event) => !event.exact)
      .at(-1)!;
    for (const [l, error] of errors.entries()) assert.ok(Math.abs(before.heldOut![l]! - error) < 1e-6);
  }
});

test('the best regularization is refitted on all rows', async () => {
  for (const [k, rank] of [
    [1, 0],
    [3, 20],
  ] as const) {
    const options = { rank, reg: [100, 0.1, 1e-4], tol: 1e-9, passes: 1000 };
    const system = { ...rbf(100, k), heldOut, options };
    const { solution, coefficients, width, problem } = await solve(system);
    assert.equal(solution.best, 1);
    assert.equal(solution.stopped, 'tolerance');
    const expected = direct({ ...system, heldOut: () => false }, 0.1);
    assertClose(coefficients, width, k, expected, k, 1e-6);
    for (let i = 0; i < system.n; i++)
      for (let c = 0; c < width; c++)
        if (c < k || c >= 2 * k) assert.equal(problem.coefficients[i * width + c], 0);
  }
});

test('settled held-out accuracy ends the search; the refit goes to the residual it had', async () => {
  const base = rbf(200, 3, 5);
  const target = (i: number, c: number) =>
    (base.target(i, 0) > 0.3 ? 0 : base.target(i, 1) > 0 ? 1 : 2) === c ? 1 : 0;
  const options = { rank: 0, reg: [0.1, 1e-3], tol: 1e-12, patience: 4 };
  const run = (refit: boolean) =>
    solve({ ...base, target, heldOut, classification: true, options: { ...options, refit } });
  const { solution, events } = await run(true);
  assert.equal(solution.stopped, 'patience');
  assert.ok(solution.heldOut!.every((share) => share > 0.4 && share <= 1));
  const searched = passEvents(events).filter((event) => event.heldOut !== undefined);
  assert.ok(solution.residuals[solution.best]! <= searched.at(-1)!.residuals[solution.best]!);
  assert.ok(solution.passes > searched.length + 1);
  const scores = passEvents(events).flatMap((event) => (event.heldOut === undefined ? [] : [event.heldOut]));
  assert.deepEqual(scores.at(-1), solution.heldOut);
  for (const l of [0, 1]) {
    const series = scores.map((score) => score[l]!);
    const best = Math.max(...series);
    assert.ok(series.length - 1 - series.indexOf(best) >= 4, 'four passes without improvement');
  }
  const unfitted = await run(false);
  assert.equal(unfitted.solution.stopped, 'patience');
  assert.ok(unfitted.solution.passes < solution.passes);
});

/** Runs a system in pieces: each run is killed after its next checkpoint, until one ends. */
async function solveInPieces(system: SystemUnderTest) {
  const checkpoint = new MemoryCheckpoint();
  for (let run = 0; ; run++) {
    const controller = new AbortController();
    const onEvent = (event: KernelEvent) => {
      if (event.type === 'checkpoint') controller.abort();
    };
    try {
      const ended = await solve({ ...system, checkpoint, signal: controller.signal, onEvent });
      return { ...ended, runs: run + 1 };
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  }
}

describe('killed after every pass and resumed, it ends in the same bits', () => {
  for (const [name, extra] of [
    ['without a preconditioner', { options: { rank: 0, reg: [0.1, 0.01], tol: 1e-7 } }],
    ['with one', { options: { rank: 14, reg: [0.1, 0.01], tol: 1e-7 } }],
    ['with rows held out and a refit', { heldOut, options: { rank: 14, reg: [0.1, 0.01], tol: 1e-7 } }],
    ['with patience', { heldOut, options: { rank: 6, reg: [0.1, 0.01], tol: 1e-9, patience: 3 } }],
  ] as const) {
    test(name, async () => {
      const system = { ...rbf(70, 3), ...extra };
      const whole = await solve(system);
      const pieces = await solveInPieces(system);
      assert.ok(pieces.runs > 5, `${pieces.runs} runs`);
      assert.deepEqual(pieces.solution, whole.solution);
      assert.deepEqual(pieces.coefficients, whole.coefficients);
    });
  }
});

test('plans stay inside their bytes, and grow a preconditioner as these allow', () => {
  const random = Random.of(9);
  let [some, none] = [0, 0];
  for (let trial = 0; trial < 300; trial++) {
    const n = 1 + random.below(10 ** (1 + random.below(5)));
    const size = {
      n,
      k: 1 + random.below(12),
      regularizations: 1 + random.below(3),
      tileSize: 64,
      threads: 1 + random.below(8),
      heldOut: random.below(2) === 1,
    };
    const options: KernelTrainOptions = {
      ...defaultKernelOptions,
      nthreads: 1,
      rank: random.below(3) === 0 ? random.below(500) : -1,
    };
    const smallest = layOut(cg.plan(size, options, 0).regions).totalBytes;
    const bytes = smallest + random.below(2 ** 28);
    const plan = cg.plan(size, options, bytes);
    assert.ok(layOut(plan.regions).totalBytes <= bytes + 64 * plan.regions.length);
    if (plan.regions.some(({ name }) => name === 'cg factor')) some++;
    else none++;
  }
  assert.ok(some > 50 && none > 5, `${some} ${none}`);
});
