import { MlmlError } from '../../errors.js';
import { alignUp, type Region } from '../../memory/plan.js';
import { canonicalJson } from '../../storage/canonicalJson.js';
import { type Lock, lockFolder } from '../../storage/lock.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import type { KernelMatrix, Tile, TileIndex } from '../tiles/kernelMatrix.js';
import {
  type KernelDescription,
  kernelAdvice,
  kernelFolder,
  requireKernelDescription,
} from './kernelDescription.js';
import { tileChecksumRegion } from './tileChecksums.js';
import { readColumns, readDiagonal } from './tileColumns.js';
import { TileFile } from './tileFile.js';
import { type MatrixShape, SLOT_ALIGN } from './tileLayout.js';
import { planTileSlots, type TileSlots, TileStream } from './tileStream.js';
import { TileTable, tileTableRegion } from './tileTable.js';

export interface StoredKernelPlan extends TileSlots {
  readonly regions: readonly Region[];
}

/**
 * Memory for streaming a stored kernel: its regions take at most `bytes` where that is possible, else the smallest that
 * work (one slot). Spare bytes keep tiles in memory from pass to pass. Pure.
 */
export function planStoredKernel(shape: MatrixShape, bytes: number): StoredKernelPlan {
  const fixed = [tileTableRegion('kernel', shape), tileChecksumRegion()];
  const taken = fixed.reduce((sum, region) => sum + alignUp(region.bytes, 64), SLOT_ALIGN);
  const slots = planTileSlots(shape, bytes - taken);
  return { ...slots, regions: [...fixed, { name: 'kernel tiles', bytes: slots.bytes, align: SLOT_ALIGN }] };
}

/** A kernel on disk, as solvers see it. Holds a reader's lock on its folder until it is closed. */
export class StoredKernelMatrix implements KernelMatrix {
  readonly stored = true;
  readonly description: KernelDescription;
  readonly folder: string;
  readonly #file: TileFile;
  readonly #lock: Lock;
  readonly #stream: TileStream;
  readonly #workspace: Workspace;

  private constructor(
    description: KernelDescription,
    folder: string,
    file: TileFile,
    lock: Lock,
    workspace: Workspace,
  ) {
    this.description = description;
    this.folder = folder;
    this.#file = file;
    this.#lock = lock;
    this.#workspace = workspace;
    const { arena } = workspace;
    this.#stream = new TileStream(
      workspace,
      file,
      arena.address('kernel tiles'),
      arena.byteLength('kernel tiles'),
    );
  }

  /**
   * Opens a kernel whose description was read before (for the plan), in an arena with the regions of `planStoredKernel`.
   * One that is not complete is `MLML_NOT_FOUND`, one that is being written to `MLML_BUSY`.
   */
  static async open(
    storage: Storage,
    kernels: string,
    description: KernelDescription,
    workspace: Workspace,
  ): Promise<StoredKernelMatrix> {
    const { memId } = description;
    const folder = kernelFolder(kernels, memId);
    const lock = await lockFolder(storage, folder, 'reader');
    try {
      // Until the lock was there, somebody could make it anew.
      const now = await requireKernelDescription(storage, kernels, memId);
      const shape = ({ state, created, ...rest }: KernelDescription) => canonicalJson(rest);
      if (shape(now) !== shape(description)) {
        throw new MlmlError('MLML_BUSY', `${folder}: was made anew a moment ago; give the command again`);
      }
      const table = TileTable.inArena(workspace.arena, 'kernel', now);
      const file = await TileFile.open(storage, folder, now, table, kernelAdvice(memId));
      if (!table.complete) {
        await file.close();
        throw new MlmlError(
          'MLML_NOT_FOUND',
          `${folder}: the kernel is not complete: ${table.done} of ${table.tiles} tiles are there; ` +
            'give the same generate command again, it goes on',
        );
      }
      return new StoredKernelMatrix(now, folder, file, lock, workspace);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get n(): number {
    return this.description.rows;
  }
  get tileSize(): number {
    return this.description.tileSize;
  }
  get dtype(): TileDtype {
    return this.description.dtype;
  }
  get bytesRead(): number {
    return this.#file.bytesRead;
  }

  tiles(which?: Iterable<TileIndex>, signal?: AbortSignal): AsyncGenerator<Tile> {
    return this.#stream.tiles(which, signal);
  }

  async diagonal(target: Float64Array): Promise<void> {
    await readDiagonal(this.#stream, this.description, this.#workspace.arena.buffer, target);
  }

  async columns(columns: Uint32Array, address: number, stride: number, signal?: AbortSignal): Promise<void> {
    const wanted = { columns, address, stride };
    await readColumns(this.#stream, this.description, this.#workspace.arena.buffer, wanted, signal);
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock.release();
  }
}
