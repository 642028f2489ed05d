import { packedLength } from '../../../arithmetic/gram.js';
import { flushTiny, stripIndex } from '../../../arithmetic/tileFactor.js';
import type { Workspace } from '../../../threads/workspace.js';
import type { FactorFile } from './factorFile.js';
import { type FactorLayout, factorTileNumber, rowOffset, slabColumnsOf, tileRowsOf } from './factorLayout.js';
import { SLOTS } from './planClosed.js';
import { readAhead } from './readAhead.js';

/** Rows of a tile that one call works on: 17 million products with a slab of 256 columns. */
const STRIP = 128;

/** A pivot is not positive: A is not positive definite, or not so in float32. */
export class PivotError extends Error {}

/** The tile in memory, C, on its way to be a tile of a triangular factor. */
export interface TileWork {
  /** Tile column. */
  readonly column: number;
  /** Rows in use. */
  readonly rows: number;
  /** C is on the diagonal of L. */
  readonly diagonal: boolean;
  /** First tile column that is not zero in its row. */
  readonly from: number;
  /** That tile is upper triangular. */
  readonly upper: boolean;
  /** Number in the file of the tile of its row in tile column p. */
  tileOf(p: number): number;
  /** Where its result goes in the file; undefined when nobody will read it. */
  readonly target: number | undefined;
}

interface Step {
  readonly p: number;
  readonly q: number;
}

/**
 * The inner part of a left-looking tiled Cholesky factorisation, for one tile C in row i and tile column j:
 *
 *   C −= Σ_p L_ip·L_jpᵀ (p < j),  then  C = C·L_jj⁻ᵀ,  or on the diagonal  C = chol(C)
 *
 * Both parts take L slab by slab, read ahead of the work: in the second, a finished slab of C is an operand for the
 * slabs behind it. Every element sees the same operations in the same order, whatever the number of threads.
 */
export class TileReducer {
  readonly #layout: FactorLayout;
  readonly #workspace: Workspace;
  readonly #file: FactorFile;
  readonly #tile: number;
  readonly #slabs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(layout: FactorLayout, workspace: Workspace, file: FactorFile, signal: AbortSignal | undefined) {
    this.#layout = layout;
    this.#workspace = workspace;
    this.#file = file;
    this.#tile = workspace.arena.address('closed tile');
    this.#slabs = workspace.arena.address('closed slabs');
    this.#signal = signal;
  }

  /** @throws PivotError */
  async reduce(work: TileWork): Promise<void> {
    const { column: j, diagonal } = work;
    const ahead = readAhead(this.#steps(work), SLOTS, ({ p, q }, slot) => {
      const read = this.#file.read(factorTileNumber(this.#layout, j, p), q, this.#rowSlab(slot));
      if (p === j || diagonal) return read;
      return Promise.all([read, this.#file.read(work.tileOf(p), q, this.#ownSlab(slot))]);
    });
    for await (const { step, slot } of ahead) {
      this.#signal?.throwIfAborted();
      const rowSlab = this.#rowSlab(slot);
      if (step.p === j) this.#finishSlab(work, step, rowSlab);
      else {
        const own = diagonal ? rowSlab : this.#ownSlab(slot);
        this.#subtract(work, step, own, rowSlab, 0);
      }
    }
    if (diagonal)
      for (let q = 0; slabColumnsOf(this.#layout, j, q) > 0; q++)
        this.#finishSlab(work, { p: j, q }, this.#tile + q * this.#layout.slabBytes);
    await this.#file.flush();
  }

  /** Slabs of L in the order of the sums; those of L_jj only when C is not itself L_jj. */
  *#steps({ column, from, diagonal }: TileWork): Generator<Step> {
    for (let p = from; p < column; p++) for (let q = 0; q < this.#layout.slabs; q++) yield { p, q };
    for (let q = 0; !diagonal && slabColumnsOf(this.#layout, column, q) > 0; q++) yield { p: column, q };
  }

  /** Slab of tile row j of L. */
  #rowSlab(slot: number): number {
    return this.#slabs + 2 * slot * this.#layout.slabBytes;
  }

  /** Slab of the row of C. */
  #ownSlab(slot: number): number {
    return this.#rowSlab(slot) + this.#layout.slabBytes;
  }

  /** Slab q of C becomes final and leaves the slabs behind it. `factor`: slab q of L_jj. */
  #finishSlab(work: TileWork, step: Step, factor: number): void {
    const { q } = step;
    const { slabColumns, slabBytes } = this.#layout;
    const { threads } = this.#workspace;
    const slab = this.#tile + q * slabBytes;
    const columns = slabColumnsOf(this.#layout, work.column, q);
    const top = factor + rowOffset(this.#layout, q * slabColumns);
    if (work.diagonal) this.#factorise(top, columns);
    const first = work.diagonal ? q * slabColumns + columns : 0;
    const end = this.#rowsInUse(work, step);
    for (let r = first; r < end; r += STRIP) {
      const strips = Math.min(STRIP, end - r) / 8;
      threads.add('solveStrips', top, slab + rowOffset(this.#layout, r), strips, columns, slabColumns);
    }
    threads.run();
    if (work.target !== undefined) this.#file.write(work.target, q, slab);
    this.#subtract(work, step, slab, factor, q + 1);
  }

  /** Rows of a slab of C's row that are not all zero. */
  #rowsInUse(work: TileWork, { p, q }: Step): number {
    if (!work.upper || p !== work.from) return work.rows;
    return q * this.#layout.slabColumns + slabColumnsOf(this.#layout, p, q);
  }

  /** C −= own·rowᵀ for the slabs of C from `first` on; `own` and `row` are the slabs of a step. */
  #subtract(work: TileWork, step: Step, own: number, row: number, first: number): void {
    const { slabColumns, slabBytes } = this.#layout;
    const { threads } = this.#workspace;
    const depth = slabColumnsOf(this.#layout, step.p, step.q);
    const end = this.#rowsInUse(work, step);
    for (let s = first; slabColumnsOf(this.#layout, work.column, s) > 0; s++) {
      const columns = slabColumnsOf(this.#layout, work.column, s);
      for (let r = work.diagonal ? s * slabColumns : 0; r < end; r += STRIP) {
        threads.add(
          'subtractStripProducts',
          own + rowOffset(this.#layout, r),
          row + rowOffset(this.#layout, s * slabColumns),
          this.#tile + s * slabBytes + rowOffset(this.#layout, r),
          Math.min(STRIP, end - r) / 8,
          columns,
          depth,
          slabColumns,
        );
      }
    }
    threads.run();
  }

  /** The triangle at `address` becomes its factor, in doubles; zeros above the diagonal. */
  #factorise(address: number, columns: number): void {
    const { arena, kernels } = this.#workspace;
    const { slabColumns } = this.#layout;
    const pivot = arena.float64('closed pivot');
    const floats = new Float32Array(arena.buffer, address, columns * slabColumns);
    for (let r = 0; r < columns; r++) {
      const row = packedLength(r);
      for (let c = 0; c <= r; c++) pivot[row + c] = floats[stripIndex(r, c, slabColumns)]!;
    }
    const done = kernels.choleskyPacked(pivot.byteOffset, columns, 0);
    if (done < columns) throw new PivotError(`row ${done}`);
    for (let r = 0; r < columns; r++) {
      const row = packedLength(r);
      for (let c = 0; c <= r; c++) floats[stripIndex(r, c, slabColumns)] = flushTiny(pivot[row + c]!);
      for (let c = r + 1; c < columns; c++) floats[stripIndex(r, c, slabColumns)] = 0;
    }
  }
}

/** Work on tile (i, j) of L. */
export function factorTile(layout: FactorLayout, i: number, j: number): TileWork {
  return {
    column: j,
    rows: tileRowsOf(layout, i),
    diagonal: i === j,
    from: 0,
    upper: false,
    tileOf: (p) => factorTileNumber(layout, i, p),
    target: factorTileNumber(layout, i, j),
  };
}
