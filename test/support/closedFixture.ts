import type { KernelEvent } from '../../src/kernel/events.js';
import type { TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import { defaultKernelOptions, type KernelTrainOptions } from '../../src/kernel/options.js';
import { closed } from '../../src/kernel/solvers/closed/closed.js';
import { type KernelProblem, type SystemSize, vectorWidth } from '../../src/kernel/solvers/solver.js';
import { startThreads, threadRegions } from '../../src/kernel/startThreads.js';
import { Arena } from '../../src/memory/arena.js';
import { layOut } from '../../src/memory/plan.js';
import { Random } from '../../src/memory/random.js';
import type { Checkpoint } from '../../src/storage/checkpoint.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';
import { DenseKernel, denseKernelRegions } from './denseKernel.js';

/** Keeps the last state in memory; always due. */
export class MemoryCheckpoint implements Checkpoint {
  saves = 0;
  #state: { header: unknown; blocks: Record<string, Uint8Array> } | undefined;
  /** Throws after so many saves, as a kill would stop the process. */
  readonly #killAfter: number;

  constructor(killAfter = Number.POSITIVE_INFINITY, from?: MemoryCheckpoint) {
    this.#killAfter = killAfter;
    if (from !== undefined) this.#state = from.#state;
  }

  async load(blocks: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
    if (this.#state === undefined) return undefined;
    for (const [name, block] of Object.entries(blocks)) block.set(this.#state.blocks[name]!);
    return JSON.parse(JSON.stringify(this.#state.header));
  }

  due(): boolean {
    return true;
  }

  readonly eager = true;
  readonly states = undefined;

  atRest(): void {}

  async rescue(): Promise<void> {}

  async save(header: unknown, blocks: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const copies = Object.entries(blocks).map(([name, block]) => [name, block.slice()]);
    this.#state = { header, blocks: Object.fromEntries(copies) };
    this.saves++;
    if (this.saves >= this.#killAfter) throw new Error('killed');
  }

  async clear(): Promise<void> {
    this.#state = undefined;
  }

  async folder(): Promise<string> {
    return '/job';
  }
}

export interface ClosedCase {
  readonly n: number;
  readonly tileSize: number;
  readonly entry: (i: number, j: number) => number;
  readonly dtype?: TileDtype;
  readonly k?: number;
  readonly reg?: readonly number[];
  /** Rows of a tile of the factor at most: sets the budget. */
  readonly factorTile?: number;
  readonly heldOut?: Uint8Array;
  readonly classification?: boolean;
  /** Element of a target column. Default: a sine, which has a share in all eigenvectors. */
  readonly target?: (i: number, c: number) => number;
  readonly options?: Partial<KernelTrainOptions>;
  readonly checkpoint?: Checkpoint;
  readonly storage?: Storage;
  /** Default 1. */
  readonly threads?: number;
}

/** Runs `closed` on a dense kernel with random targets. */
export async function solveClosed(given: ClosedCase) {
  const { n, tileSize, entry, dtype = 'float64', k = 1, reg = [0.1], heldOut } = given;
  const threads = given.threads ?? 1;
  const target = given.target ?? ((i, c) => Math.sin(i * (c + 1)));
  const size: SystemSize = {
    n,
    k,
    regularizations: reg.length,
    tileSize,
    threads,
    heldOut: heldOut !== undefined,
  };
  const options = { ...defaultKernelOptions, nthreads: 1, reg, ...given.options };
  const plan = budgetFor(size, options, given.factorTile ?? n);
  const width = vectorWidth(size);
  const arena = new Arena([
    ...denseKernelRegions(tileSize, dtype),
    { name: 'targets', bytes: 8 * n * width },
    { name: 'coefficients', bytes: 8 * n * width },
    ...plan.regions,
    ...threadRegions(threads),
  ]);
  const workspace = await startThreads(arena, threads, {});
  const targets = arena.float64('targets');
  const random = Random.of(77, n, k);
  for (let i = 0; i < n; i++) {
    const label = random.below(k);
    for (let c = 0; c < width; c++) {
      const column = c % k;
      const value = given.classification ? Number(column === label) : target(i, column);
      targets[i * width + c] = c < k * reg.length ? value : 0;
    }
  }
  const matrix = new DenseKernel(arena, n, tileSize, entry, dtype);
  const events: KernelEvent[] = [];
  const problem: KernelProblem = {
    workspace,
    matrix,
    size,
    options,
    targets,
    coefficients: arena.float64('coefficients'),
    heldOut,
    classification: given.classification ?? false,
    checkpoint: given.checkpoint ?? new MemoryCheckpoint(),
    storage: given.storage ?? new MemoryStorage(),
    onEvent: (event) => events.push(event),
  };
  const solution = await closed.solve(problem).finally(() => workspace.threads.close());
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  return { solution, plan, events, warnings, width, targets, matrix, coefficients: problem.coefficients };
}

/** The plan of the smallest budget whose tiles have at least `rows` rows, or of the largest tiles. */
function budgetFor(size: SystemSize, options: KernelTrainOptions, rows: number) {
  let best = closed.plan(size, options, Number.POSITIVE_INFINITY);
  for (;;) {
    const next = closed.plan(size, options, layOut(best.regions).totalBytes - 1);
    const tile = (plan: typeof best) => plan.regions.find(({ name }) => name === 'closed tile')!.bytes;
    if (tile(next) >= tile(best) || tile(next) < 4 * rows * rows) return best;
    best = next;
  }
}
