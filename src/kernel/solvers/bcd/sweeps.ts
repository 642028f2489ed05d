import { dtypeBytes } from '../../../arithmetic/dtype.js';
import type { Tile } from '../../tiles/kernelMatrix.js';
import { addTimesTile, addTimesTransposedTile } from '../../tiles/multiply.js';
import { spansLength, tilesOfSpans, tilesOfSpansBack } from '../../tiles/tileSpan.js';
import type { KernelProblem } from '../solver.js';
import type { BlockFactors } from './blockFactors.js';
import { type Block, spansLeft } from './blocks.js';
import { multiplyLower, solveLower, solveLowerTransposed, type VectorBlock } from './packedFactor.js';
import type { BcdShape } from './planBcd.js';
import type { RowOrder } from './rowOrder.js';

/**
 * Sweeps over the blocks of A = K + λI = L + D + Lᵀ (D its diagonal blocks, D = GGᵀ; L what lies below them). A sweep
 * reads the lower triangle of K once. Held-out rows count as absent; what A does to them is kept all the same.
 *
 * One product with the preconditioned matrix Ã = Gᵀ(D + L)⁻¹A(D + Lᵀ)⁻¹G is one sweep back and one forth (Eisenstat 1981):
 *   back:  t = (D + Lᵀ)⁻¹Gu:  g_i = G_i⁻¹(Lᵀt)_i,  t_i = G_i⁻ᵀ(u_i − g_i)
 *   forth: s = (D + L)⁻¹Lᵀt:  h_i = G_i⁻¹(Ls)_i,   s_i = G_i⁻ᵀ(g_i − h_i),   (Ãu)_i = u_i − h_i
 */
export class Sweeps {
  readonly #problem: KernelProblem;
  readonly #shape: BcdShape;
  readonly #order: RowOrder;
  readonly #factors: BlockFactors;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  readonly #third: Float64Array;
  /** Passes over K so far; the owner adds those it makes itself. */
  passes = 0;

  constructor(problem: KernelProblem, shape: BcdShape, order: RowOrder, factors: BlockFactors) {
    this.#problem = problem;
    this.#shape = shape;
    this.#order = order;
    this.#factors = factors;
    const { arena } = problem.workspace;
    this.#first = arena.float64('bcd first');
    this.#second = arena.float64('bcd second');
    this.#third = arena.float64('bcd third');
  }

  /** Region `bcd reduced residual` := Gᵀ(D + L)⁻¹·right, in place: `right` [n][width] lies there. */
  async reduce(): Promise<void> {
    const { arena, threads } = this.#problem.workspace;
    const residual = arena.float64('bcd reduced residual');
    const sums = arena.float64('bcd sums');
    const { width } = this.#shape;
    const [first, second] = [this.#first, this.#second];
    sums.fill(0);
    await this.#forth(
      (tile) => addTimesTile(threads, tile, sums.byteOffset, width, sums.byteOffset),
      async (block) => {
        const kept = this.#order.kept(block);
        this.#order.gather(block, kept, residual, first, width);
        this.#order.gather(block, kept, sums, second, width);
        for (let i = 0; i < kept * width; i++) first[i]! -= second[i]!;
        await this.#eachFactor(block, first, (factor, x) => solveLower(threads, factor, kept, x));
        this.#order.scatter(block, kept, first, residual, width);
        await this.#eachFactor(block, first, (factor, x) => solveLowerTransposed(threads, factor, kept, x));
        this.#order.scatter(block, kept, first, sums, width);
      },
    );
  }

  /**
   * Of the directions u: steps := t, reduced products := Ãu, products := At (for rows held out: Kt).
   */
  async multiply(): Promise<void> {
    const { arena, threads } = this.#problem.workspace;
    const directions = arena.float64('bcd directions');
    const steps = arena.float64('bcd steps');
    const products = arena.float64('bcd products');
    const reduced = arena.float64('bcd reduced products');
    const sums = arena.float64('bcd sums');
    const { width } = this.#shape;
    const [first, second, third] = [this.#first, this.#second, this.#third];
    products.fill(0);
    await this.#back(
      (tile) => addTimesTransposedTile(threads, tile, steps.byteOffset, width, products.byteOffset),
      async (block) => {
        const kept = this.#order.kept(block);
        this.#order.gather(block, kept, products, first, width);
        this.#order.gather(block, kept, directions, second, width);
        await this.#eachFactor(block, first, (factor, x, columns) => {
          solveLower(threads, factor, kept, x);
          for (let i = 0; i < kept; i++) {
            for (let c = columns.from; c < columns.to; c++) second[i * width + c]! -= first[i * width + c]!;
          }
          const from = 8 * columns.from;
          const part = { ...x, address: second.byteOffset + from };
          multiplyLower(threads, factor, kept, block.rows, part, third.byteOffset + from);
          solveLowerTransposed(threads, factor, kept, part);
        });
        this.#order.scatter(block, kept, first, reduced, width);
        this.#order.scatter(block, kept, second, steps, width);
        this.#order.scatterAdd(block, third, products, width);
      },
    );
    sums.fill(0);
    await this.#forth(
      (tile) => {
        addTimesTile(threads, tile, sums.byteOffset, width, sums.byteOffset);
        addTimesTile(threads, tile, steps.byteOffset, width, products.byteOffset);
      },
      async (block) => {
        const kept = this.#order.kept(block);
        this.#order.gather(block, kept, sums, first, width);
        await this.#eachFactor(block, first, (factor, x) => solveLower(threads, factor, kept, x));
        this.#order.gather(block, kept, reduced, second, width);
        this.#order.gather(block, kept, directions, third, width);
        for (let i = 0; i < kept * width; i++) {
          third[i]! -= first[i]!;
          second[i]! -= first[i]!;
        }
        this.#order.scatter(block, kept, third, reduced, width);
        await this.#eachFactor(block, second, (factor, x) => solveLowerTransposed(threads, factor, kept, x));
        this.#order.scatter(block, kept, second, sums, width);
      },
    );
  }

  /** The columns of each regularization with the factor that belongs to it. */
  async #eachFactor(
    block: Block,
    vectors: Float64Array,
    work: (factor: number, x: VectorBlock, columns: { readonly from: number; readonly to: number }) => void,
  ): Promise<void> {
    const { width, directions } = this.#shape;
    for (let l = 0; l < this.#problem.size.regularizations; l++) {
      const factor = await this.#factors.load(block, l);
      const from = l * directions;
      const x = { address: vectors.byteOffset + 8 * from, width, columns: directions };
      work(factor, x, { from, to: from + directions });
    }
  }

  /** All tiles of L by rows, from the first block to the last; a block is solved when its row of L is complete. */
  async #forth(add: (tile: Tile) => void, solve: (block: Block) => Promise<void>): Promise<void> {
    const { matrix, workspace, signal } = this.#problem;
    const groups = this.#shape.groups;
    let next = 0;
    const solveBefore = async (tileRow: number) => {
      for (; next < groups.length && groups[next]!.endTileRow <= tileRow; next++)
        for (const block of groups[next]!.blocks) await solve(block);
    };
    const spans = spansLeft(groups);
    const total = spansLength(spans);
    let done = 0;
    for await (const tile of matrix.tiles(tilesOfSpans(spans), signal)) {
      await solveBefore(tile.row);
      if (tile.row === tile.column) {
        for (const block of groups[next]!.blocks) {
          if (block.firstRow > tile.firstRow) {
            add(rowsBefore(tile, block));
            workspace.threads.run();
          }
          await solve(block);
        }
        next++;
      } else {
        add(tile);
        workspace.threads.run();
      }
      this.#progress(++done, total);
    }
    await solveBefore(Number.POSITIVE_INFINITY);
    this.passes++;
  }

  /** All tiles of L by rows, from the last block to the first; a block is solved before its row of L is used. */
  async #back(add: (tile: Tile) => void, solve: (block: Block) => Promise<void>): Promise<void> {
    const { matrix, workspace, signal } = this.#problem;
    const groups = this.#shape.groups;
    let next = groups.length - 1;
    const solveFrom = async (tileRow: number) => {
      for (; next >= 0 && groups[next]!.endTileRow > tileRow; next--)
        for (const block of groups[next]!.blocks) await solve(block);
    };
    const spans = spansLeft(groups);
    const total = spansLength(spans);
    let done = 0;
    for await (const tile of matrix.tiles(tilesOfSpansBack(spans), signal)) {
      await solveFrom(tile.row === tile.column ? tile.row + 1 : tile.row);
      if (tile.row === tile.column) {
        for (const block of groups[next]!.blocks.toReversed()) {
          await solve(block);
          if (block.firstRow > tile.firstRow) {
            add(rowsBefore(tile, block));
            workspace.threads.run();
          }
        }
        next--;
      } else {
        add(tile);
        workspace.threads.run();
      }
      this.#progress(++done, total);
    }
    await solveFrom(-1);
    this.passes++;
  }

  #progress(done: number, total: number): void {
    const { matrix, onEvent } = this.#problem;
    onEvent({
      type: 'progress',
      phase: 'solve',
      done,
      total,
      epoch: this.passes + 1,
      bytesRead: matrix.bytesRead,
      bytesWritten: 0,
    });
  }
}

/** The part of a diagonal tile in the rows of a block and the columns before it. */
function rowsBefore(tile: Tile, block: Block): Tile {
  const skipped = block.firstRow - tile.firstRow;
  return {
    ...tile,
    firstRow: block.firstRow,
    rows: block.rows,
    columns: skipped,
    address: tile.address + skipped * tile.stride * dtypeBytes[tile.dtype],
  };
}
