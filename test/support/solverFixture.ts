import { type KernelBuild, loadKernels } from '../../src/arithmetic/kernels.js';
import type { KernelEvent } from '../../src/kernel/events.js';
import type { TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { defaultKernelOptions, type KernelTrainOptions } from '../../src/kernel/options.js';
import {
  type KernelProblem,
  type KernelSolution,
  type Solver,
  type SystemSize,
  vectorWidth,
} from '../../src/kernel/solvers/solver.js';
import { kernelTasks } from '../../src/kernel/tasks/tasks.js';
import { Arena } from '../../src/memory/arena.js';
import type { Region } from '../../src/memory/plan.js';
import { Random } from '../../src/memory/random.js';
import type { Checkpoint } from '../../src/storage/checkpoint.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';
import { OneThread } from '../../src/threads/oneThread.js';
import type { TaskTable, Threads } from '../../src/threads/threads.js';
import { THREAD_SCRATCH_BYTES } from '../../src/threads/threads.js';
import { DenseKernel, denseKernelRegions } from './denseKernel.js';

/** One thread that makes the calls of a run in the reverse order: results may not depend on it. */
export class ReversedThreads implements Threads {
  readonly count = 3;
  readonly #tasks: TaskTable;
  #calls: { task: string; args: Float64Array }[] = [];

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
  }

  add(task: string, ...args: number[]): void {
    this.#calls.push({ task, args: Float64Array.from(args) });
  }

  run(): void {
    const calls = this.#calls.reverse();
    this.#calls = [];
    for (const { task, args } of calls) this.#tasks[task]!(args);
  }

  async close(): Promise<void> {}
}

/** Thrown by a checkpoint to end a job right after a state was saved. */
export class Killed extends Error {}

/** Keeps the last state; saves whenever it may; can end the job after a number of saves. */
export class MemoryCheckpoint implements Checkpoint {
  saves = 0;
  killAfter = Number.POSITIVE_INFINITY;
  #state: { header: string; blocks: Map<string, Uint8Array> } | undefined;

  async load(blocks: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
    if (this.#state === undefined) return undefined;
    for (const [name, target] of Object.entries(blocks)) target.set(this.#state.blocks.get(name)!);
    return JSON.parse(this.#state.header);
  }

  due(): boolean {
    return true;
  }

  readonly eager = true;
  readonly states = undefined;

  atRest(): void {}

  async rescue(): Promise<void> {}

  async save(header: unknown, blocks: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const copies = Object.entries(blocks).map(([name, bytes]) => [name, bytes.slice()] as const);
    this.#state = { header: JSON.stringify(header), blocks: new Map(copies) };
    if (++this.saves === this.killAfter) throw new Killed();
  }

  async clear(): Promise<void> {
    this.#state = undefined;
  }

  async folder(): Promise<string> {
    return 'work';
  }
}

export interface SystemFixture {
  readonly n: number;
  readonly k: number;
  readonly tileSize: number;
  readonly entry: (i: number, j: number) => number;
  /** Target of row i, column c. */
  readonly target: (i: number, c: number) => number;
  readonly options?: Partial<KernelTrainOptions>;
  readonly heldOut?: (i: number) => boolean;
  readonly classification?: boolean;
  readonly dtype?: TileDtype;
  /** Memory for the solver's regions. Default 10 MB. */
  readonly bytes?: number;
  readonly build?: KernelBuild;
  readonly checkpoint?: MemoryCheckpoint;
  readonly storage?: Storage;
  readonly signal?: AbortSignal;
  /** Calls of a run are made in their order, not in the reverse. */
  readonly inOrder?: boolean;
}

export interface SolvedFixture {
  readonly solution: KernelSolution;
  /** [n][width]. */
  readonly coefficients: Float64Array;
  readonly width: number;
  readonly events: KernelEvent[];
  readonly matrix: DenseKernel;
}

/** Solves (K + λI)A = Y for a kernel given entry by entry. */
export async function solveSystem(solver: Solver, fixture: SystemFixture): Promise<SolvedFixture> {
  const { n, k, tileSize, dtype = 'float64' } = fixture;
  const options: KernelTrainOptions = { ...defaultKernelOptions, nthreads: 1, ...fixture.options };
  const size: SystemSize = {
    n,
    k,
    regularizations: options.reg.length,
    tileSize,
    threads: 1,
    heldOut: fixture.heldOut !== undefined,
  };
  const width = vectorWidth(size);
  const plan = solver.plan(size, options, fixture.bytes ?? 10e6);
  const regions: Region[] = [
    { name: 'targets', bytes: 8 * n * width },
    { name: 'coefficients', bytes: 8 * n * width },
    ...denseKernelRegions(tileSize, dtype),
    ...plan.regions,
    { name: 'thread scratch', bytes: THREAD_SCRATCH_BYTES },
  ];
  const arena = new Arena(regions);
  const kernels = loadKernels(arena.memory, fixture.build ?? 'plain');
  const tasks = kernelTasks(
    { kernels, buffer: arena.buffer, thread: 0, scratch: arena.address('thread scratch') },
    {},
  );
  const matrix = new DenseKernel(arena, n, tileSize, fixture.entry, dtype);
  const targets = arena.float64('targets');
  for (let i = 0; i < n; i++) {
    for (let l = 0; l < options.reg.length; l++)
      for (let c = 0; c < k; c++) targets[i * width + l * k + c] = fixture.target(i, c);
  }
  const events: KernelEvent[] = [];
  const { heldOut } = fixture;
  const problem: KernelProblem = {
    workspace: {
      arena,
      kernels,
      threads: fixture.inOrder === true ? new OneThread(tasks) : new ReversedThreads(tasks),
    },
    matrix,
    size,
    options,
    targets,
    coefficients: arena.float64('coefficients'),
    heldOut: heldOut && Uint8Array.from({ length: n }, (_, i) => (heldOut(i) ? 1 : 0)),
    classification: fixture.classification ?? false,
    checkpoint: fixture.checkpoint ?? new MemoryCheckpoint(),
    storage: fixture.storage ?? new MemoryStorage(),
    ...(fixture.signal && { signal: fixture.signal }),
    onEvent: (event) => events.push(event),
  };
  const solution = await solver.solve(problem);
  return { solution, coefficients: problem.coefficients.slice(), width, events, matrix };
}

/** Rows of numbers in [0, 1), and the RBF kernel between them. */
export function rbfEntries(
  n: number,
  d: number,
  lengthscale: number,
  seed: number,
): (i: number, j: number) => number {
  const random = Random.of(seed);
  const rows = Array.from({ length: n }, () => Array.from({ length: d }, () => random.uniform()));
  const entries = rows.map((x) =>
    rows.map((y) => {
      const squares = x.reduce((sum, value, f) => sum + (value - y[f]!) ** 2, 0);
      return Math.exp(-squares / (2 * lengthscale ** 2));
    }),
  );
  return (i, j) => entries[i]![j]!;
}

/** A = (K + λI)⁻¹Y over the rows kept (others get 0), by elimination: element i·k + c. */
export function directSolution(fixture: SystemFixture, regularization: number): Float64Array {
  const { n, k, entry, target } = fixture;
  const kept = Array.from({ length: n }, (_, i) => i).filter((i) => !fixture.heldOut?.(i));
  const a = kept.map((i, r) => [
    ...kept.map((j, s) => entry(i, j) + (r === s ? regularization : 0)),
    ...Array.from({ length: k }, (_, c) => target(i, c)),
  ]);
  const m = kept.length;
  for (let p = 0; p < m; p++) {
    for (let i = p + 1; i < m; i++) {
      const factor = a[i]![p]! / a[p]![p]!;
      for (let j = p; j < m + k; j++) a[i]![j]! -= factor * a[p]![j]!;
    }
  }
  const solution = new Float64Array(n * k);
  for (let c = 0; c < k; c++) {
    for (let i = m - 1; i >= 0; i--) {
      let value = a[i]![m + c]!;
      for (let j = i + 1; j < m; j++) value -= a[i]![j]! * solution[kept[j]! * k + c]!;
      solution[kept[i]! * k + c] = value / a[i]![i]!;
    }
  }
  return solution;
}

/** Largest |A − B| over the columns of regularization l, relative to the largest |B|. */
export function largestError(solved: SolvedFixture, exact: Float64Array, k: number, l: number): number {
  const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let error = 0;
  for (const [at, value] of exact.entries()) {
    const [i, c] = [Math.floor(at / k), at % k];
    error = Math.max(error, Math.abs(solved.coefficients[i * solved.width + l * k + c]! - value));
  }
  return error / largest;
}
