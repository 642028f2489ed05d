import type { Workspace } from '../../../threads/workspace.js';
import type { FactorFile } from './factorFile.js';
import {
  type FactorLayout,
  factorTileNumber,
  paddedRow,
  rowOffset,
  slabColumnsOf,
  tileRowsOf,
} from './factorLayout.js';
import { SLOTS, solveWidth } from './planClosed.js';
import { readAhead } from './readAhead.js';

/** Rows and columns of a slab that one call works on. */
const ROWS = 128;
const COLUMNS = 16;

interface Step {
  readonly i: number;
  readonly j: number;
  readonly q: number;
}

/**
 * Solves LLᵀZ = scale·R in doubles for a block of vectors, streaming L from its file twice: forwards column by column, then
 * backwards. Inside, vectors lie one after the other in padded rows, which suits strips.
 */
export class TriangularSolver {
  readonly #layout: FactorLayout;
  readonly #workspace: Workspace;
  readonly #file: FactorFile;
  readonly #width: number;
  readonly #scale: number;
  readonly #signal: AbortSignal | undefined;

  constructor(
    layout: FactorLayout,
    workspace: Workspace,
    file: FactorFile,
    k: number,
    scale: number,
    signal: AbortSignal | undefined,
  ) {
    this.#layout = layout;
    this.#workspace = workspace;
    this.#file = file;
    this.#width = solveWidth(k);
    this.#scale = scale;
    this.#signal = signal;
  }

  /** `right` and `target`: [n][width]. */
  async solve(right: Float64Array, target: Float64Array): Promise<void> {
    const { n, length } = this.#layout;
    const width = this.#width;
    const x = this.#workspace.arena.float64('closed solution');
    x.fill(0);
    for (let i = 0; i < n; i++) {
      const row = paddedRow(this.#layout, i);
      for (let v = 0; v < width; v++) x[v * length + row] = this.#scale * right[i * width + v]!;
    }
    await this.#stream(this.#forward(), (step, slab) => this.#eliminate(step, slab));
    await this.#stream(this.#backward(), (step, slab) => this.#substitute(step, slab));
    for (let i = 0; i < n; i++) {
      const row = paddedRow(this.#layout, i);
      for (let v = 0; v < width; v++) target[i * width + v] = x[v * length + row]!;
    }
  }

  async #stream(steps: Iterable<Step>, work: (step: Step, slab: number) => void): Promise<void> {
    const slabs = this.#workspace.arena.address('closed slabs');
    const address = (slot: number) => slabs + slot * this.#layout.slabBytes;
    const ahead = readAhead(steps, 2 * SLOTS, ({ i, j, q }, slot) =>
      this.#file.read(factorTileNumber(this.#layout, i, j), q, address(slot)),
    );
    for await (const { step, slot } of ahead) {
      this.#signal?.throwIfAborted();
      work(step, address(slot));
    }
  }

  *#forward(): Generator<Step> {
    const { tiles } = this.#layout;
    for (let j = 0; j < tiles; j++)
      for (let q = 0; slabColumnsOf(this.#layout, j, q) > 0; q++)
        for (let i = j; i < tiles; i++) yield { i, j, q };
  }

  *#backward(): Generator<Step> {
    const { tiles, slabs } = this.#layout;
    for (let j = tiles - 1; j >= 0; j--)
      for (let q = slabs - 1; q >= 0; q--)
        for (let i = tiles - 1; i >= j && slabColumnsOf(this.#layout, j, q) > 0; i--) yield { i, j, q };
  }

  /** What a slab is multiplied with: its rows, those below the triangle on the diagonal. */
  #part({ i, j, q }: Step, slab: number) {
    const { tileSize, slabColumns } = this.#layout;
    const columns = slabColumnsOf(this.#layout, j, q);
    const firstRow = i === j ? q * slabColumns + columns : 0;
    const x = this.#workspace.arena.address('closed solution');
    return {
      columns,
      firstRow,
      rows: tileRowsOf(this.#layout, i) - firstRow,
      triangle: slab + rowOffset(this.#layout, q * slabColumns),
      unknowns: x + 8 * (j * tileSize + q * slabColumns),
      below: x + 8 * (i * tileSize + firstRow),
    };
  }

  #eliminate(step: Step, slab: number): void {
    const { slabColumns, length } = this.#layout;
    const { kernels, threads } = this.#workspace;
    const part = this.#part(step, slab);
    if (step.i === step.j) {
      kernels.solveTriangle(part.triangle, part.columns, slabColumns, part.unknowns, length, this.#width, 0);
    }
    for (let r = 0; r < part.rows; r += ROWS) {
      threads.add(
        'subtractStripsTimes',
        slab + rowOffset(this.#layout, part.firstRow + r),
        Math.min(ROWS, part.rows - r) / 8,
        part.columns,
        slabColumns,
        part.unknowns,
        length,
        this.#width,
        part.below + 8 * r,
      );
    }
    threads.run();
  }

  #substitute(step: Step, slab: number): void {
    const { slabColumns, length } = this.#layout;
    const { kernels, threads } = this.#workspace;
    const part = this.#part(step, slab);
    for (let c = 0; c < part.columns && part.rows > 0; c += COLUMNS) {
      threads.add(
        'subtractStripsTransposedTimes',
        slab + rowOffset(this.#layout, part.firstRow) + 32 * c,
        part.rows / 8,
        Math.min(COLUMNS, part.columns - c),
        slabColumns,
        part.below,
        length,
        this.#width,
        part.unknowns + 8 * c,
      );
    }
    threads.run();
    if (step.i === step.j) {
      kernels.solveTriangle(part.triangle, part.columns, slabColumns, part.unknowns, length, this.#width, 1);
    }
  }
}
