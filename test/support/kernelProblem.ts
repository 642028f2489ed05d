import { loadKernels } from '../../src/arithmetic/kernels.js';
import type { KernelEvent } from '../../src/kernel/events.js';
import type { TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { defaultKernelOptions, type KernelTrainOptions } from '../../src/kernel/options.js';
import {
  type KernelProblem,
  type Solver,
  type SystemSize,
  vectorWidth,
} from '../../src/kernel/solvers/solver.js';
import { kernelTasks } from '../../src/kernel/tasks/tasks.js';
import { Arena } from '../../src/memory/arena.js';
import type { Checkpoint } from '../../src/storage/checkpoint.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { OneThread } from '../../src/threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../src/threads/threads.js';
import { DenseKernel, denseKernelRegions } from './denseKernel.js';

/** Keeps the last state in memory, as a file would: headers go through JSON. */
export class MemoryCheckpoint implements Checkpoint {
  saved: { header: string; blocks: Record<string, Uint8Array> } | undefined;
  saves = 0;

  async load(blocks: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
    if (this.saved === undefined) return undefined;
    for (const [name, block] of Object.entries(blocks)) block.set(this.saved.blocks[name]!);
    return JSON.parse(this.saved.header);
  }

  due(): boolean {
    return true;
  }

  readonly eager = true;
  readonly states = undefined;

  atRest(): void {}

  async rescue(): Promise<void> {}

  async save(header: unknown, blocks: Readonly<Record<string, Uint8Array>>): Promise<void> {
    this.saves++;
    const copies = Object.entries(blocks).map(([name, block]) => [name, block.slice()] as const);
    this.saved = { header: JSON.stringify(header), blocks: Object.fromEntries(copies) };
  }

  async clear(): Promise<void> {
    this.saved = undefined;
  }

  folder(): Promise<string> {
    throw new Error('this checkpoint has no folder');
  }
}

/** A kernel system for a test of a solver. */
export interface SystemUnderTest {
  readonly n: number;
  readonly k: number;
  readonly entry: (i: number, j: number) => number;
  /** y(i, c). */
  readonly target: (i: number, c: number) => number;
  readonly tileSize?: number;
  readonly dtype?: TileDtype;
  readonly heldOut?: (i: number) => boolean;
  readonly classification?: boolean;
  readonly options?: Partial<KernelTrainOptions>;
  /** Bytes the solver may plan with. */
  readonly bytes?: number;
  readonly checkpoint?: Checkpoint;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: KernelEvent) => void;
}

/** Carves an arena for a system, one thread, and fills its targets. */
export function kernelProblem(solver: Solver, system: SystemUnderTest) {
  const { n, k, tileSize = 16, dtype = 'float64', heldOut } = system;
  const options: KernelTrainOptions = { ...defaultKernelOptions, nthreads: 1, ...system.options };
  const size: SystemSize = {
    n,
    k,
    regularizations: options.reg.length,
    tileSize,
    threads: 1,
    heldOut: heldOut !== undefined,
  };
  const plan = solver.plan(size, options, system.bytes ?? 1e6);
  const width = vectorWidth(size);
  const arena = new Arena([
    { name: 'targets', bytes: 8 * n * width },
    { name: 'coefficients', bytes: 8 * n * width },
    { name: 'thread', bytes: THREAD_SCRATCH_BYTES },
    { name: 'held-out', bytes: n },
    ...denseKernelRegions(tileSize, dtype),
    ...plan.regions,
  ]);
  const kernels = loadKernels(arena.memory);
  const tasks = kernelTasks(
    { kernels, buffer: arena.buffer, thread: 0, scratch: arena.address('thread') },
    {},
  );
  const targets = arena.float64('targets');
  for (let i = 0; i < n; i++)
    for (let c = 0; c < k * size.regularizations; c++) targets[i * width + c] = system.target(i, c % k);
  const mask = arena.uint8('held-out');
  if (heldOut !== undefined) for (let i = 0; i < n; i++) mask[i] = heldOut(i) ? 1 : 0;
  const matrix = new DenseKernel(arena, n, tileSize, system.entry, dtype);
  const events: KernelEvent[] = [];
  const problem: KernelProblem = {
    workspace: { arena, kernels, threads: new OneThread(tasks) },
    matrix,
    size,
    options,
    targets,
    coefficients: arena.float64('coefficients'),
    heldOut: heldOut === undefined ? undefined : mask,
    classification: system.classification ?? false,
    checkpoint: system.checkpoint ?? new MemoryCheckpoint(),
    storage: new MemoryStorage(),
    ...(system.signal === undefined ? {} : { signal: system.signal }),
    onEvent: (event) => {
      events.push(event);
      system.onEvent?.(event);
    },
  };
  return { problem, plan, matrix, width, events };
}

/** Solves Ax = b for several right-hand sides by Gaussian elimination with pivoting; `a` is row-major, both are lost. */
export function solveDense(a: Float64Array, n: number, b: Float64Array, k: number): Float64Array {
  for (let j = 0; j < n; j++) {
    let pivot = j;
    for (let i = j + 1; i < n; i++) if (Math.abs(a[i * n + j]!) > Math.abs(a[pivot * n + j]!)) pivot = i;
    for (const [matrix, columns] of [
      [a, n],
      [b, k],
    ] as const) {
      for (let c = 0; c < columns; c++) {
        const held = matrix[j * columns + c]!;
        matrix[j * columns + c] = matrix[pivot * columns + c]!;
        matrix[pivot * columns + c] = held;
      }
    }
    for (let i = j + 1; i < n; i++) {
      const factor = a[i * n + j]! / a[j * n + j]!;
      for (let c = j; c < n; c++) a[i * n + c]! -= factor * a[j * n + c]!;
      for (let c = 0; c < k; c++) b[i * k + c]! -= factor * b[j * k + c]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < k; c++) {
      let value = b[i * k + c]!;
      for (let j = i + 1; j < n; j++) value -= a[i * n + j]! * b[j * k + c]!;
      b[i * k + c] = value / a[i * n + i]!;
    }
  }
  return b;
}
