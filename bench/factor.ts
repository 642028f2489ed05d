/**
 * The exact solver: GFLOP/s of its tiled Cholesky factorisation on disk, seconds of the refinement and of the
 * leave-one-out errors, on K_ij = exp(−|i − j|/50), which costs nothing to make.
 * `npm run bench -- factor [--n=5000] [--buffer=64] [--tile=1000] [--threads=2] [--k=10]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestBuild } from '../src/arithmetic/kernels.js';
import { defaultKernelOptions } from '../src/kernel/options.js';
import { closed } from '../src/kernel/solvers/closed/closed.js';
import { vectorWidth } from '../src/kernel/solvers/solver.js';
import { startThreads, threadRegions } from '../src/kernel/startThreads.js';
import {
  type KernelMatrix,
  lowerTriangle,
  type Tile,
  type TileIndex,
} from '../src/kernel/tiles/kernelMatrix.js';
import { Arena } from '../src/memory/arena.js';
import type { Checkpoint } from '../src/storage/checkpoint.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, printTable } from './support/report.js';

/** Tiles copied from one row of the Toeplitz matrix. */
class ToeplitzKernel implements KernelMatrix {
  readonly dtype = 'float32';
  readonly stored = false;
  readonly bytesRead = 0;
  readonly n: number;
  readonly tileSize: number;
  readonly #arena: Arena;
  readonly #row: Float32Array;

  constructor(arena: Arena, n: number, tileSize: number) {
    this.n = n;
    this.tileSize = tileSize;
    this.#arena = arena;
    this.#row = Float32Array.from({ length: 2 * n }, (_, i) => Math.exp(-Math.abs(i - n) / 50));
  }

  async *tiles(which?: Iterable<TileIndex>): AsyncGenerator<Tile> {
    const { n, tileSize: size } = this;
    const floats = this.#arena.float32('tile');
    for (const { row, column } of which ?? lowerTriangle(n, size)) {
      const [firstRow, firstColumn] = [row * size, column * size];
      const rows = Math.min(size, n - firstRow);
      const columns = Math.min(size, n - firstColumn);
      for (let r = 0; r < rows; r++) {
        const from = n + firstColumn - firstRow - r;
        floats.set(this.#row.subarray(from, from + columns), r * size);
      }
      const address = this.#arena.address('tile');
      yield {
        row,
        column,
        firstRow,
        rows,
        firstColumn,
        columns,
        address,
        stride: size,
        dtype: 'float32',
      };
    }
  }

  async diagonal(target: Float64Array): Promise<void> {
    target.fill(1);
  }

  async columns(): Promise<void> {
    throw new Error('closed asks for no columns');
  }
}

const n = argument('n', 5000);
const k = argument('k', 10);
const threads = argument('threads', 2);
const tileSize = Math.min(n, argument('tile', 1000));
const size = { n, k, regularizations: 1, tileSize, threads, heldOut: false };
const options = { ...defaultKernelOptions, nthreads: threads };
const plan = closed.plan(size, options, argument('buffer', 64) * 1e6);
const vectors = 8 * n * vectorWidth(size);
const arena = new Arena([
  ...plan.regions,
  { name: 'tile', bytes: 4 * tileSize * tileSize },
  { name: 'targets', bytes: vectors },
  { name: 'coefficients', bytes: vectors },
  ...threadRegions(threads),
]);
const targets = arena.float64('targets');
for (let i = 0; i < n; i++) targets[i * vectorWidth(size) + (Math.floor(i / 10) % k)] = 1;
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const checkpoint: Checkpoint = {
  load: async () => undefined,
  due: () => false,
  eager: false,
  states: undefined,
  atRest: () => {},
  rescue: async () => {},
  save: async () => {},
  clear: async () => {},
  folder: async () => folder,
};
const workspace = await startThreads(arena, threads, {});
try {
  const start = performance.now();
  let [factored, solved, traffic] = [0, 0, 0];
  const solution = await closed.solve({
    workspace,
    matrix: new ToeplitzKernel(arena, n, tileSize),
    size,
    options,
    targets,
    coefficients: arena.float64('coefficients'),
    heldOut: undefined,
    classification: true,
    checkpoint,
    storage: nodeStorage,
    onEvent: (event) => {
      if (event.type === 'progress' && solved === 0) factored = performance.now();
      if (event.type === 'progress') traffic = event.bytesRead + event.bytesWritten;
      if (event.type === 'pass') solved = performance.now();
    },
  });
  const end = performance.now();
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
  const speed = n ** 3 / 3 / (factored - start) / 1e6;
  for (const note of plan.notes) console.log(note);
  printTable(`closed, n=${n}, k=${k}, ${threads} threads, ${bestBuild()} kernels, one run`, [
    ['factor s', 'GFLOP/s', 'refine s', 'leave-one-out s', 'factor file traffic GB', 'passes', 'residual'],
    [
      seconds(start, factored),
      speed.toFixed(1),
      seconds(factored, solved),
      seconds(solved, end),
      (traffic / 1e9).toFixed(2),
      String(solution.passes),
      solution.residuals[0]!.toExponential(1),
    ],
  ]);
} finally {
  await workspace.threads.close();
  rmSync(folder, { recursive: true, force: true });
}
