import { dirname, join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import type { Storage } from '../../storage/storage.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { startThreads } from '../startThreads.js';
import { readDiagonal } from '../store/tileColumns.js';
import { extentOf, type MatrixShape, slotBytes, type TileExtent } from '../store/tileLayout.js';
import { planTileSlots } from '../store/tileStream.js';
import { TileTable } from '../store/tileTable.js';
import { type MatrixView, readBlock } from './blockReader.js';
import { importTiles, planImport } from './importTiles.js';
import {
  MATRIX_FILE,
  MATRIX_VERSION,
  type MatrixDescription,
  writeDescription,
} from './matrixDescription.js';
import { makeMatrixFolder } from './matrixFolder.js';
import { type Factor, multiplyMatrices, planMatrixProduct, productTable } from './matrixProduct.js';
import type { MatrixSource } from './matrixSource.js';
import { DEFAULT_BUFFER_BYTES, type MatrixOptions } from './matrixWorkspace.js';
import { OpenMatrix } from './openMatrix.js';
import { addViewProduct, planVectorProduct } from './vectorProduct.js';

/** What a matrix is, before its entries are written. */
export interface NewMatrix {
  /** The source is symmetric; only its lower triangle is stored. Default false. */
  readonly symmetric?: boolean;
  /** Default float32. */
  readonly dtype?: TileDtype;
  /** Default: chosen from the budget. */
  readonly tileSize?: number;
}

/** Consecutive rows: `rows` x (columns of the matrix) numbers, row by row. Valid until the next are asked for. */
export interface RowRange {
  readonly firstRow: number;
  readonly rows: number;
  readonly values: Float64Array;
}

/** A rectangle of a matrix, row by row. Valid until the next is asked for. */
export interface MatrixBlock extends TileExtent {
  readonly values: Float64Array;
}

/**
 * A matrix on disk, worked with in bounded memory: products, transposes, + λI, iteration. Also opens stored kernels. One
 * operation at a time on a matrix and its views; they share files and memory, and closing any of them closes all.
 *
 * @example
 * const rows = iteratedRows(3, 2, [[1, 2], [3, 4], [5, 6]]);
 * const m = await MemMatrix.fromRows(nodeStorage, 'm', rows);
 * await m.transpose().dot(Float64Array.of(1, 1, 1)); // [9, 12]
 * const gram = await m.transpose().dot(m, 'gram');
 * for await (const row of gram.plusIdentity(0.5).rows()) console.log(row);
 * await gram.close();
 * await m.close();
 */
export class MemMatrix {
  readonly #open: OpenMatrix;
  readonly #transposed: boolean;
  readonly #shift: number;

  private constructor(open: OpenMatrix, transposed = false, shift = 0) {
    this.#open = open;
    this.#transposed = transposed;
    this.#shift = shift;
  }

  /** Opens a matrix, or a stored kernel, by its folder. */
  static async open(storage: Storage, folder: string, options: MatrixOptions = {}): Promise<MemMatrix> {
    return new MemMatrix(await OpenMatrix.open(storage, folder, options));
  }

  /**
   * Stores a matrix in a new folder and opens it. It is there whole or not at all. `MLML_EXISTS` when the folder is there,
   * `MLML_BAD_DATA` for numbers that are not finite or do not fit, or when `symmetric` is not true.
   */
  static async fromRows(
    storage: Storage,
    folder: string,
    source: MatrixSource,
    given: NewMatrix = {},
    options: MatrixOptions = {},
  ): Promise<MemMatrix> {
    const { symmetric = false, dtype = 'float32', tileSize } = given;
    const { rows, columns } = source;
    if (symmetric && rows !== columns) throw notSquare(rows, columns, 'symmetric');
    await refuseExisting(storage, folder);
    const size = { rows, columns, symmetric, dtype, ...(tileSize === undefined ? {} : { tileSize }) };
    const { bufferBytes = DEFAULT_BUFFER_BYTES, nthreads = 1, signal } = options;
    const { shape, regions } = planImport(size, bufferBytes, nthreads);
    const workspace = await startThreads(new Arena(regions), nthreads, {});
    try {
      const table = TileTable.inArena(workspace.arena, 'matrix', shape);
      await makeMatrixFolder(storage, dirname(folder), shape, workspace, table, {
        fill: (writer) => importTiles(source, shape, workspace, writer, signal),
        describe: (temporary) => describe(storage, temporary, folder, shape),
      });
    } finally {
      await workspace.threads.close();
    }
    return await MemMatrix.open(storage, folder, options);
  }

  /** Number of rows. */
  get rowCount(): number {
    return this.#transposed ? this.#open.shape.columns : this.#open.shape.rows;
  }
  /** Number of columns. */
  get columnCount(): number {
    return this.#transposed ? this.#open.shape.rows : this.#open.shape.columns;
  }
  /** Whether only one triangle is stored. */
  get symmetric(): boolean {
    return this.#open.shape.symmetric;
  }
  /** Number type of the entries. */
  get dtype(): TileDtype {
    return this.#open.shape.dtype;
  }
  /** The folder it lies in. */
  get folder(): string {
    return this.#open.folder;
  }
  /** λ of the multiple of the identity that was added. */
  get shift(): number {
    return this.#shift;
  }
  /** Bytes read so far. */
  get bytesRead(): number {
    return this.#open.file.bytesRead;
  }

  /** The transpose, as a view: nothing is stored. */
  transpose(): MemMatrix {
    return this.symmetric ? this : new MemMatrix(this.#open, !this.#transposed, this.#shift);
  }

  /** This matrix + λI, as a view: nothing is stored. */
  plusIdentity(lambda: number): MemMatrix {
    if (this.rowCount !== this.columnCount) throw notSquare(this.rowCount, this.columnCount, 'plusIdentity');
    return new MemMatrix(this.#open, this.#transposed, this.#shift + lambda);
  }

  /**
   * Times a block of vectors: `width` columns, row by row, columnCount · width numbers. The result has rowCount · width. One pass
   * over the matrix, or several when the vectors do not fit the budget at once. Sums are in doubles.
   */
  dot(block: Float64Array, width?: number): Promise<Float64Array>;
  /**
   * Times another matrix, into a third in a new folder, which is opened. `MLML_EXISTS` when the folder is there. Stored as
   * `dtype`, default this matrix's own.
   */
  dot(other: MemMatrix, folder: string, dtype?: TileDtype): Promise<MemMatrix>;
  dot(
    other: Float64Array | MemMatrix,
    second: number | string = 1,
    dtype: TileDtype = this.dtype,
  ): Promise<Float64Array | MemMatrix> {
    if (other instanceof MemMatrix) return this.#timesMatrix(other, second as string, dtype);
    return this.#timesVectors(other, second as number);
  }

  async #timesVectors(block: Float64Array, width: number): Promise<Float64Array> {
    const [rows, columns] = [this.rowCount, this.columnCount];
    if (!Number.isSafeInteger(width) || width < 1 || block.length !== columns * width) {
      throw new MlmlError(
        'MLML_USAGE',
        `dot: ${block.length} numbers with width ${width}; the matrix has ${columns} columns`,
      );
    }
    const plan = planVectorProduct(this.#open.shape, width, this.#open.workBytes);
    this.#open.require(plan.bytes, `a product with ${Math.min(2, width)} vectors`);
    const result = new Float64Array(rows * width);
    await addViewProduct(this.#open, this.#view, plan, block, width, result);
    return result;
  }

  async #timesMatrix(other: MemMatrix, folder: string, dtype: TileDtype): Promise<MemMatrix> {
    if (this.columnCount !== other.rowCount) {
      throw new MlmlError(
        'MLML_USAGE',
        `dot: ${this.rowCount} x ${this.columnCount} times ${other.rowCount} x ${other.columnCount}: the inner sizes differ`,
      );
    }
    const { storage, workspace, options } = this.#open;
    await refuseExisting(storage, folder);
    const size = { rows: this.rowCount, inner: this.columnCount, columns: other.columnCount, dtype };
    const [left, right] = [this.#open.shape, other.#open.shape];
    const slots = { left: slotBytes(left), right: slotBytes(right), leftTile: left.tileSize };
    const plan = planMatrixProduct(size, slots, this.#open.workBytes);
    this.#open.require(plan.bytes, `the product with ${other.folder}`);
    const a: Factor = { open: this.#open, view: this.#view };
    const b: Factor = { open: other.#open, view: other.#view };
    const table = productTable(a, plan);
    await makeMatrixFolder(storage, dirname(folder), plan.shape, workspace, table, {
      fill: (writer) => multiplyMatrices(a, b, plan, size, writer, options.signal),
      describe: (temporary) => describe(storage, temporary, folder, plan.shape),
    });
    return await MemMatrix.open(storage, folder, options);
  }

  /** M[i, i] for all rows of a square matrix. */
  async diagonal(): Promise<Float64Array> {
    if (this.rowCount !== this.columnCount) throw notSquare(this.rowCount, this.columnCount, 'diagonal');
    const target = new Float64Array(this.rowCount);
    const { shape, workspace, workBytes } = this.#open;
    await readDiagonal(this.#open.stream(0, workBytes), shape, workspace.arena.buffer, target);
    for (let i = 0; i < target.length; i++) target[i]! += this.#shift;
    return target;
  }

  /** All rows in order, one at a time; each is valid until the next is asked for. */
  async *rows(): AsyncGenerator<Float64Array> {
    const each = 8 * this.columnCount;
    const room = this.#open.workBytes - slotBytes(this.#open.shape);
    const atOnce = Math.max(1, Math.min(this.#open.shape.tileSize, Math.floor(room / each)));
    for await (const { rows, values } of this.rowBlocks(atOnce))
      for (let r = 0; r < rows; r++) yield values.subarray(r * this.columnCount, (r + 1) * this.columnCount);
  }

  /**
   * All rows in order, `rows` at a time, the last block with what remains. Cheapest in multiples of the tile size: fewer rows read
   * the same tiles again.
   */
  async *rowBlocks(rows: number): AsyncGenerator<RowRange> {
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new MlmlError('MLML_USAGE', `rowBlocks: ${rows} rows; there must be at least 1`);
    const atOnce = Math.min(rows, this.rowCount);
    const read = this.#blockReader(atOnce, this.columnCount, `a block of ${atOnce} rows`);
    for (let firstRow = 0; firstRow < this.rowCount; firstRow += atOnce) {
      const count = Math.min(atOnce, this.rowCount - firstRow);
      const extent = { firstRow, rows: count, firstColumn: 0, columns: this.columnCount };
      yield { firstRow, rows: count, values: await read(extent) };
    }
  }

  /** The whole matrix in blocks of one tile, row by row of blocks; a symmetric one on both sides of its diagonal. */
  async *blocks(): AsyncGenerator<MatrixBlock> {
    const { tileSize } = this.#open.shape;
    const read = this.#blockReader(tileSize, tileSize, 'a block');
    const shape = { ...this.#open.shape, rows: this.rowCount, columns: this.columnCount };
    for (let row = 0; row * tileSize < this.rowCount; row++) {
      for (let column = 0; column * tileSize < this.columnCount; column++) {
        const extent = extentOf(shape, { row, column });
        yield { ...extent, values: await read(extent) };
      }
    }
  }

  /** Closes its files. */
  async close(): Promise<void> {
    await this.#open.close();
  }

  get #view(): MatrixView {
    return { shape: this.#open.shape, transposed: this.#transposed, shift: this.#shift };
  }

  /** Reads blocks of at most rows x columns into one place of the work, tiles through what is left of it. */
  #blockReader(rows: number, columns: number, job: string) {
    const { shape, workspace, workAddress, workBytes } = this.#open;
    const bytes = 8 * rows * columns;
    this.#open.require(bytes + slotBytes(shape), job);
    const slots = planTileSlots(shape, workBytes - bytes);
    const stream = this.#open.stream(0, slots.bytes);
    const address = workAddress + slots.bytes;
    const { buffer } = workspace.arena;
    return async (extent: TileExtent) => {
      await readBlock(this.#view, stream, buffer, extent, address, extent.columns, this.#open.options.signal);
      return new Float64Array(buffer, address, extent.rows * extent.columns);
    };
  }
}

async function describe(
  storage: Storage,
  temporary: string,
  folder: string,
  shape: MatrixShape,
): Promise<string> {
  const { rows, columns, symmetric, tileSize, dtype } = shape;
  const description: MatrixDescription = {
    format: 'mlml-matrix',
    version: MATRIX_VERSION,
    rows,
    columns,
    symmetric,
    tileSize,
    dtype,
    created: new Date().toISOString(),
  };
  await writeDescription(storage, join(temporary, MATRIX_FILE), description);
  return folder;
}

async function refuseExisting(storage: Storage, folder: string): Promise<void> {
  if ((await storage.status(folder)) !== undefined)
    throw new MlmlError('MLML_EXISTS', `${folder}: exists already; remove it or give another folder`);
}

function notSquare(rows: number, columns: number, what: string): MlmlError {
  return new MlmlError('MLML_USAGE', `${what}: the matrix is ${rows} x ${columns}; it must be square`);
}
