import { halfToNumber } from '../../../arithmetic/dtype.js';
import { packedLength } from '../../../arithmetic/gram.js';
import { MlmlError } from '../../../errors.js';
import type { Tile } from '../../tiles/kernelMatrix.js';
import { tilesOfSpans } from '../../tiles/tileSpan.js';
import type { KernelProblem } from '../solver.js';
import { type Block, type BlockGroup, diagonalSpan } from './blocks.js';
import { factorisePacked } from './packedFactor.js';
import type { BcdShape } from './planBcd.js';
import type { RowOrder } from './rowOrder.js';

/**
 * Cholesky factors of K_BB + λI of all blocks B and all λ, packed doubles, rows in the order of `RowOrder`. They lie in
 * region `bcd factors`, or in files of the checkpoint's folder, which a resumed job uses again.
 */
export class BlockFactors {
  readonly #problem: KernelProblem;
  readonly #shape: BcdShape;
  readonly #order: RowOrder;
  readonly #address: number;
  /** Address of each factor kept in memory. */
  readonly #places = new Map<string, number>();
  #loaded = '';

  private constructor(problem: KernelProblem, shape: BcdShape, order: RowOrder) {
    this.#problem = problem;
    this.#shape = shape;
    this.#order = order;
    this.#address = problem.workspace.arena.address('bcd factors');
    let next = this.#address;
    for (const { blocks } of shape.groups) {
      for (const block of blocks) {
        for (let l = 0; l < problem.size.regularizations; l++) {
          this.#places.set(nameOf(problem, block, l), shape.resident ? next : this.#address);
          next += 8 * packedLength(block.rows);
        }
      }
    }
  }

  /** Makes what is not on disk already. Throws `MLML_NOT_DEFINITE`. */
  static async make(problem: KernelProblem, shape: BcdShape, order: RowOrder): Promise<BlockFactors> {
    const factors = new BlockFactors(problem, shape, order);
    const { regularizations } = problem.size;
    let done = 0;
    for (const group of shape.groups) {
      for (let l = 0; l < regularizations; l++) await factors.#makeGroup(group, l);
      problem.onEvent({
        type: 'progress',
        phase: 'factor',
        done: ++done,
        total: shape.groups.length,
        epoch: 0,
        bytesRead: problem.matrix.bytesRead,
        bytesWritten: 0,
      });
    }
    return factors;
  }

  /** Address of the factor of a block for regularization l, once it is in memory. */
  async load(block: Block, l: number): Promise<number> {
    const name = nameOf(this.#problem, block, l);
    const address = this.#places.get(name)!;
    if (!this.#shape.resident && this.#loaded !== name) {
      const { storage, checkpoint } = this.#problem;
      const file = await storage.openRead(`${await checkpoint.folder()}/${name}`);
      try {
        await file.readInto(this.#bytes(block, address), 0);
        this.#problem.onScratchRead?.(8 * packedLength(block.rows));
      } finally {
        await file.close();
      }
      this.#loaded = name;
    }
    return address;
  }

  #bytes(block: Block, address: number): Uint8Array {
    return new Uint8Array(this.#problem.workspace.arena.buffer, address, 8 * packedLength(block.rows));
  }

  /** Factors of the blocks of a group for one λ. Blocks of one tile row share its diagonal tile. */
  async #makeGroup(group: BlockGroup, l: number): Promise<void> {
    const { matrix, signal } = this.#problem;
    const missing: Block[] = [];
    for (const block of group.blocks) if (!(await this.#isOnDisk(block, l))) missing.push(block);
    // One factor at a time fits in memory when they go to disk: the tile is then streamed again for the next.
    const rounds = this.#shape.resident ? [missing] : missing.map((block) => [block]);
    for (const blocks of rounds) {
      if (blocks.length === 0) continue;
      for await (const tile of matrix.tiles(tilesOfSpans([diagonalSpan(group)]), signal))
        for (const block of blocks) this.#copy(tile, block, this.#place(block, l));
      for (const block of blocks) await this.#factorise(block, l);
    }
  }

  #place(block: Block, l: number): number {
    return this.#places.get(nameOf(this.#problem, block, l))!;
  }

  async #isOnDisk(block: Block, l: number): Promise<boolean> {
    if (this.#shape.resident) return false;
    const { storage, checkpoint } = this.#problem;
    const status = await storage.status(`${await checkpoint.folder()}/${nameOf(this.#problem, block, l)}`);
    return status?.byteLength === 8 * packedLength(block.rows);
  }

  /** The entries of a tile that belong to the block's lower triangle, into their places. */
  #copy(tile: Tile, block: Block, address: number): void {
    const entries = entriesOf(tile, this.#problem.workspace.arena.buffer);
    const target = new Float64Array(this.#problem.workspace.arena.buffer, address, packedLength(block.rows));
    const end = block.firstRow + block.rows;
    const lastRow = Math.min(end, tile.firstRow + tile.rows);
    for (let i = Math.max(block.firstRow, tile.firstRow); i < lastRow; i++) {
      const row = this.#order.placeOf(i);
      const from = (i - tile.firstRow) * tile.stride - tile.firstColumn;
      const last = Math.min(end, i + 1, tile.firstColumn + tile.columns);
      for (let j = Math.max(block.firstRow, tile.firstColumn); j < last; j++) {
        const column = this.#order.placeOf(j);
        const at = row > column ? packedLength(row) + column : packedLength(column) + row;
        const entry = entries[from + j]!;
        target[at] = tile.dtype === 'float16' ? halfToNumber(entry) : entry;
      }
    }
  }

  async #factorise(block: Block, l: number): Promise<void> {
    const { workspace, options, storage, checkpoint } = this.#problem;
    const { arena, threads } = workspace;
    const address = this.#place(block, l);
    const matrix = new Float64Array(arena.buffer, address, packedLength(block.rows));
    const regularization = options.reg[l]!;
    for (let i = 0; i < block.rows; i++) matrix[packedLength(i) + i]! += regularization;
    const failed = factorisePacked(threads, arena.buffer, address, block.rows, block.rows * 2 ** -52);
    if (failed < block.rows) {
      throw new MlmlError(
        'MLML_NOT_DEFINITE',
        `bcd: with --reg=${regularization} the kernel matrix of rows ${block.firstRow} to ` +
          `${block.firstRow + block.rows - 1} is not positive definite; raise --reg, store tiles with a wider --dtype, ` +
          'or use a positive definite kernel (sigmoid is none)',
      );
    }
    if (this.#shape.resident) return;
    const path = `${await checkpoint.folder()}/${nameOf(this.#problem, block, l)}`;
    const file = await storage.create(`${path}.tmp`);
    try {
      await file.write(this.#bytes(block, address), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await storage.rename(`${path}.tmp`, path);
    this.#loaded = nameOf(this.#problem, block, l);
  }
}

function nameOf({ options }: KernelProblem, { firstRow, rows }: Block, l: number): string {
  return `bcd-factor-${firstRow}-${rows}-${options.reg[l]}`;
}

function entriesOf(tile: Tile, buffer: SharedArrayBuffer): Uint16Array | Float32Array | Float64Array {
  const length = (tile.rows - 1) * tile.stride + tile.columns;
  if (tile.dtype === 'float16') return new Uint16Array(buffer, tile.address, length);
  if (tile.dtype === 'float32') return new Float32Array(buffer, tile.address, length);
  return new Float64Array(buffer, tile.address, length);
}
