import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall } from '../../memory/plan.js';
import { type Lock, lockFolder } from '../../storage/lock.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import { startThreads } from '../startThreads.js';
import { kernelAdvice, readKernelDescription } from '../store/kernelDescription.js';
import { TileFile } from '../store/tileFile.js';
import { type MatrixShape, slotBytes } from '../store/tileLayout.js';
import { TileStream } from '../store/tileStream.js';
import { TileTable } from '../store/tileTable.js';
import { MATRIX_FILE, readMatrixDescription } from './matrixDescription.js';
import {
  DEFAULT_BUFFER_BYTES,
  fixedMatrixBytes,
  type MatrixOptions,
  matrixRegions,
} from './matrixWorkspace.js';

/** A matrix on disk that is open: its files, and an arena whose region `work` is free for whatever is done with it. */
export class OpenMatrix {
  readonly storage: Storage;
  readonly folder: string;
  readonly shape: MatrixShape;
  readonly workspace: Workspace;
  readonly file: TileFile;
  readonly options: MatrixOptions;
  readonly #lock: Lock;

  private constructor(
    storage: Storage,
    folder: string,
    file: TileFile,
    workspace: Workspace,
    options: MatrixOptions,
    lock: Lock,
  ) {
    this.storage = storage;
    this.folder = folder;
    this.file = file;
    this.shape = file.shape;
    this.workspace = workspace;
    this.options = options;
    this.#lock = lock;
  }

  /** Opens a folder with a `matrix.json` or a `kernel.json`. */
  static async open(storage: Storage, folder: string, options: MatrixOptions): Promise<OpenMatrix> {
    if ((await storage.status(folder)) === undefined)
      throw new MlmlError('MLML_NOT_FOUND', `${folder}: there is no matrix`);
    const lock = await lockFolder(storage, folder, 'reader');
    let workspace: Workspace | undefined;
    try {
      const { shape, advice } = await readShape(storage, folder);
      const { bufferBytes = DEFAULT_BUFFER_BYTES, nthreads = 1 } = options;
      const fixed = fixedMatrixBytes(shape, nthreads);
      const least = fixed + slotBytes(shape);
      if (least > bufferBytes) throw budgetTooSmall(`opening the matrix ${folder}`, least, bufferBytes);
      workspace = await startThreads(
        new Arena(matrixRegions(shape, nthreads, bufferBytes - fixed)),
        nthreads,
        {},
      );
      const table = TileTable.inArena(workspace.arena, 'matrix', shape);
      const file = await TileFile.open(storage, folder, shape, table, advice);
      if (!table.complete) {
        await file.close();
        throw new MlmlError(
          'MLML_NOT_FOUND',
          `${folder}: the matrix is not complete: ${table.done} of ${table.tiles} tiles are there; ${advice}`,
        );
      }
      return new OpenMatrix(storage, folder, file, workspace, options, lock);
    } catch (error) {
      await workspace?.threads.close();
      await lock.release();
      throw error;
    }
  }

  get workAddress(): number {
    return this.workspace.arena.address('work');
  }
  get workBytes(): number {
    return this.workspace.arena.byteLength('work');
  }

  /** A stream of this matrix through `bytes` bytes of the work region, from `offset` on. */
  stream(offset: number, bytes: number): TileStream {
    return new TileStream(this.workspace, this.file, this.workAddress + offset, bytes);
  }

  /** Throws `MLML_BUDGET_TOO_SMALL` unless `bytes` bytes of work fit. */
  require(bytes: number, job: string): void {
    if (bytes <= this.workBytes) return;
    const budget = this.options.bufferBytes ?? DEFAULT_BUFFER_BYTES;
    throw budgetTooSmall(`${job} of the matrix ${this.folder}`, budget - this.workBytes + bytes, budget);
  }

  async close(): Promise<void> {
    await this.workspace.threads.close();
    await this.file.close();
    await this.#lock.release();
  }
}

async function readShape(storage: Storage, folder: string): Promise<{ shape: MatrixShape; advice: string }> {
  const kernel = await readKernelDescription(storage, folder);
  if (kernel !== undefined) return { shape: kernel, advice: kernelAdvice(kernel.memId) };
  if ((await storage.status(join(folder, MATRIX_FILE))) === undefined) {
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${folder}: is not a matrix (there is neither a ${MATRIX_FILE} nor a kernel.json in it)`,
    );
  }
  return {
    shape: await readMatrixDescription(storage, folder),
    advice: 'remove the folder and make the matrix anew',
  };
}
