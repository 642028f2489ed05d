import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  directSolution,
  Killed,
  MemoryCheckpoint,
  ReversedThreads,
  rbfEntries,
} from '../../../../test/support/solverFixture.js';
import { type KernelBuild, loadKernels } from '../../../arithmetic/kernels.js';
import { Arena } from '../../../memory/arena.js';
import { OneThread } from '../../../threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../../threads/threads.js';
import type { KernelEvent } from '../../events.js';
import { kernelTasks } from '../../tasks/tasks.js';
import type { CrossBlock } from '../../tiles/crossKernel.js';
import { chooseCenters } from './centers.js';
import { solveNystrom } from './nystrom.js';
import type { CrossBlocks, NystromSize, NystromSolution } from './nystromProblem.js';
import { planNystrom } from './planNystrom.js';

interface Fixture {
  readonly n: number;
  readonly m: number;
  readonly k: number;
  readonly entry: (i: number, j: number) => number;
  readonly target: (i: number, c: number) => number;
  readonly reg: readonly number[];
  readonly dtype?: 'float32' | 'float64';
  /** Rows n to n + validation are not learnt from. */
  readonly validation?: number;
  readonly classification?: boolean;
  readonly build?: KernelBuild;
  readonly reversed?: boolean;
  readonly checkpoint?: MemoryCheckpoint;
}

const BLOCK = 16;

/** Rows [from, from + rows) of a kernel given entry by entry, in blocks of 16 x 16. */
class FakeBlocks implements CrossBlocks {
  readonly bytesRead = 0;
  readonly rows: number;
  readonly #arena: Arena;
  readonly #fixture: Fixture;
  readonly #from: number;
  readonly #centers: Uint32Array;

  constructor(arena: Arena, fixture: Fixture, from: number, rows: number, centers: Uint32Array) {
    this.rows = rows;
    this.#arena = arena;
    this.#fixture = fixture;
    this.#from = from;
    this.#centers = centers;
  }

  async *blocks(from: number): AsyncGenerator<CrossBlock> {
    const { entry, m, dtype = 'float64' } = this.#fixture;
    const view = dtype === 'float64' ? this.#arena.float64('block') : this.#arena.float32('block');
    for (let firstRow = from; firstRow < this.rows; firstRow += BLOCK) {
      const rows = Math.min(BLOCK, this.rows - firstRow);
      for (let firstColumn = 0; firstColumn < m; firstColumn += BLOCK) {
        const columns = Math.min(BLOCK, m - firstColumn);
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++)
            view[r * BLOCK + c] = entry(this.#from + firstRow + r, this.#centers[firstColumn + c]!);
        }
        const place = { address: this.#arena.address('block'), stride: BLOCK, dtype };
        yield { firstRow, rows, firstColumn, columns, ...place };
      }
    }
  }

  async readTargets(firstRow: number, rows: number, target: Float64Array): Promise<void> {
    const { k } = this.#fixture;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < k; c++) target[r * k + c] = this.#fixture.target(this.#from + firstRow + r, c);
  }
}

async function solve(
  fixture: Fixture,
): Promise<NystromSolution & { centers: Uint32Array; events: KernelEvent[] }> {
  const { n, m, k, reg, dtype = 'float64', validation = 0 } = fixture;
  const size: NystromSize = { n, m, k, regularizations: reg.length, blockRows: BLOCK, dtype };
  const arena = new Arena([
    ...planNystrom(size).regions,
    { name: 'block', bytes: 8 * BLOCK * BLOCK },
    { name: 'thread scratch', bytes: THREAD_SCRATCH_BYTES },
  ]);
  const kernels = loadKernels(arena.memory, fixture.build ?? 'plain');
  const environment = { kernels, buffer: arena.buffer, thread: 0, scratch: arena.address('thread scratch') };
  const tasks = kernelTasks(environment, {});
  const centers = chooseCenters(n, m, 3);
  const events: KernelEvent[] = [];
  const solution = await solveNystrom({
    workspace: {
      arena,
      kernels,
      threads: fixture.reversed === true ? new ReversedThreads(tasks) : new OneThread(tasks),
    },
    size,
    centers,
    training: new FakeBlocks(arena, fixture, 0, n, centers),
    validation: validation > 0 ? new FakeBlocks(arena, fixture, n, validation, centers) : undefined,
    classification: fixture.classification ?? false,
    options: { reg },
    checkpoint: fixture.checkpoint ?? new MemoryCheckpoint(),
    onEvent: (event) => events.push(event),
  });
  return { ...solution, centers, events };
}

/** The same equations by elimination, without jitter: element j·k + c. */
function direct({ n, m, k, entry, target }: Fixture, centers: Uint32Array, lambda: number): Float64Array {
  const sum = (term: (i: number) => number) => {
    let total = 0;
    for (let i = 0; i < n; i++) total += term(i);
    return total;
  };
  return directSolution(
    {
      n: m,
      k,
      tileSize: m,
      entry: (a, b) =>
        sum((i) => entry(i, centers[a]!) * entry(i, centers[b]!)) + lambda * entry(centers[a]!, centers[b]!),
      target: (a, c) => sum((i) => entry(i, centers[a]!) * target(i, c)),
    },
    0,
  );
}

function fixture(more: Partial<Fixture> = {}): Fixture {
  return {
    n: 75,
    m: 21,
    k: 3,
    entry: rbfEntries(100, 4, 0.4, 4),
    target: (i, c) => (i % 3 === c ? 1 : 0),
    reg: [0.1],
    ...more,
  };
}

test('centres are distinct, rising, and the same for a seed; all rows when as many are asked for', () => {
  assert.deepEqual([...chooseCenters(20, 6, 0)], [...chooseCenters(20, 6, 0)]);
  assert.notDeepEqual([...chooseCenters(1000, 20, 0)], [...chooseCenters(1000, 20, 1)]);
  const centers = chooseCenters(1000, 20, 0);
  for (let i = 1; i < 20; i++) assert.ok(centers[i]! > centers[i - 1]! && centers[i]! < 1000);
  assert.deepEqual([...chooseCenters(5, 5, 9)], [0, 1, 2, 3, 4]);
});

for (const [name, more] of [
  ['three columns', {}],
  ['one column', { k: 1, target: (i: number) => Math.sin(i) }],
  ['ten columns', { k: 10, target: (i: number, c: number) => (i % 10 === c ? 1 : 0) }],
  ['more centres than one strip', { m: 70, reg: [1] }],
  ['one centre', { m: 1 }],
  ['the fast kernels', { m: 70, reg: [1], build: 'simd' }],
] as const) {
  test(`equals the direct solution: ${name}`, async () => {
    const system = fixture(more);
    const { coefficients, centers, residuals } = await solve(system);
    const exact = direct(system, centers, system.reg[0]!);
    const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of exact.entries())
      assert.ok(Math.abs(coefficients[i]! - value) < 1e-6 * largest, `${i}: ${coefficients[i]} for ${value}`);
    assert.ok(residuals[0]! < 1e-12);
  });
}

test('with all rows as centres it is the exact kernel ridge regression', async () => {
  const system = fixture({ m: 75 });
  const { coefficients } = await solve(system);
  const exact = directSolution({ ...system, tileSize: 75 }, 0.1);
  // Coefficients may differ where the kernel is nearly singular; the scores may not.
  for (let i = 0; i < 100; i++) {
    for (let c = 0; c < 3; c++) {
      let difference = 0;
      for (let j = 0; j < 75; j++)
        difference += system.entry(i, j) * (coefficients[j * 3 + c]! - exact[j * 3 + c]!);
      assert.ok(Math.abs(difference) < 1e-6);
    }
  }
});

test('of several regularizations the best on the other rows is kept', async () => {
  const reg = [1000, 0.01, 1];
  for (const classification of [false, true]) {
    const system = fixture({
      reg,
      validation: 25,
      classification,
      target: (i, c) => Math.round(fixture().entry(i, 3 * c)),
    });
    const solved = await solve(system);
    const values = reg.map((lambda) => {
      const exact = direct(system, solved.centers, lambda);
      let [squares, right] = [0, 0];
      for (let i = 75; i < 100; i++) {
        const scores = [0, 1, 2].map((c) =>
          solved.centers.reduce((sum, row, j) => sum + system.entry(i, row) * exact[j * 3 + c]!, 0),
        );
        const targets = [0, 1, 2].map((c) => system.target(i, c));
        squares += scores.reduce((sum, score, c) => sum + (score - targets[c]!) ** 2 / 3, 0);
        if (scores.indexOf(Math.max(...scores)) === targets.indexOf(Math.max(...targets))) right++;
      }
      return classification ? right / 25 : Math.sqrt(squares / 25);
    });
    for (const [l, value] of values.entries()) assert.ok(Math.abs(solved.heldOut![l]! - value) < 1e-6);
    const wanted = classification ? Math.max(...values) : Math.min(...values);
    assert.ok(Math.abs(values[solved.best]! - wanted) < 1e-6);
    const kept = direct(system, solved.centers, reg[solved.best]!);
    for (const [i, value] of kept.entries()) assert.ok(Math.abs(value - solved.coefficients[i]!) < 1e-4);
  }
});

test('equal rows among the centres, in single precision, are no obstacle', async () => {
  const entry = (i: number, j: number) => fixture().entry(i % 10, j % 10);
  const system = fixture({ entry, m: 40, dtype: 'float32', target: (i, c) => entry(i, c) });
  const { coefficients, centers } = await solve(system);
  for (let i = 0; i < 10; i++) {
    let score = 0;
    for (const [j, row] of centers.entries()) score += entry(i, row) * coefficients[3 * j]!;
    assert.ok(Math.abs(score - entry(i, 0)) < 0.05);
  }
});

test('the order of calls does not matter, and a killed pass goes on to the same bits', async () => {
  const system = fixture({ m: 40, reg: [0.1, 1], validation: 20 });
  const whole = await solve(system);
  assert.deepEqual((await solve({ ...system, reversed: true })).coefficients, whole.coefficients);
  for (const killAfter of [1, 3, 5]) {
    const checkpoint = new MemoryCheckpoint();
    checkpoint.killAfter = killAfter;
    await assert.rejects(solve({ ...system, checkpoint }), Killed);
    const resumed = await solve({ ...system, checkpoint });
    assert.deepEqual(resumed.coefficients, whole.coefficients);
    assert.equal(resumed.events[0]!.type, 'resumed');
  }
});

test('an indefinite kernel is refused with advice', async () => {
  const entry = (i: number, j: number) => (i === j ? -1e3 : 0.01);
  await assert.rejects(solve(fixture({ entry, reg: [1e6] })), {
    code: 'MLML_NOT_DEFINITE',
    message: /--reg=1000000 .*fewer --centers/,
  });
});
