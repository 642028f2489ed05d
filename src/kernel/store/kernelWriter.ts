import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Region } from '../../memory/plan.js';
import { canonicalJson } from '../../storage/canonicalJson.js';
import { type Lock, lockFolder } from '../../storage/lock.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import type { TileIndex } from '../tiles/kernelMatrix.js';
import {
  describeKernel,
  type KernelDescription,
  type KernelIdentity,
  kernelAdvice,
  kernelFolder,
  memIdOf,
  readKernelDescription,
  writeKernelDescription,
} from './kernelDescription.js';
import { tileChecksumRegion } from './tileChecksums.js';
import { TILE_FILE } from './tileFile.js';
import { allTiles, type MatrixShape, numberOf } from './tileLayout.js';
import { LOG_FILE } from './tileLog.js';
import { TileTable, tileTableRegion } from './tileTable.js';
import { TileWriter, type TileWriterOptions } from './tileWriter.js';

/** Regions a kernel writer needs, besides the slots its caller makes tiles in. */
export function kernelWriterRegions(shape: MatrixShape): Region[] {
  return [tileTableRegion('kernel', shape), tileChecksumRegion()];
}

/**
 * The description of the kernel that is to be made: that on disk when it was begun before (its tile size then holds), else
 * a new one with this tile size. Writes nothing.
 */
export async function findOrDescribeKernel(
  storage: Storage,
  kernels: string,
  identity: KernelIdentity,
  tileSize: number,
): Promise<KernelDescription> {
  const folder = kernelFolder(kernels, memIdOf(identity));
  const found = await readKernelDescription(storage, folder);
  if (found === undefined) return describeKernel(identity, tileSize);
  const { rows, dtype, kernel, scale, data } = found;
  const there = canonicalJson({ n: rows, dtype, kernel, scale, fingerprint: data.fingerprint });
  const { data: rowsGiven, ...rest } = identity;
  const wanted = canonicalJson({ ...rest, fingerprint: rowsGiven.fingerprint });
  if (there === wanted) return found;
  throw new MlmlError(
    'MLML_MISMATCH',
    `${folder}: holds another kernel: ${there} instead of ${wanted}; remove it with \`mlml kernels rm ${found.memId}\``,
  );
}

/** A kernel on disk being made. Holds the writer's lock on its folder until it is closed. */
export class KernelWriter {
  readonly description: KernelDescription;
  readonly folder: string;
  readonly #storage: Storage;
  readonly #writer: TileWriter;
  readonly #lock: Lock;

  private constructor(
    storage: Storage,
    folder: string,
    description: KernelDescription,
    writer: TileWriter,
    lock: Lock,
  ) {
    this.#storage = storage;
    this.folder = folder;
    this.description = description;
    this.#writer = writer;
    this.#lock = lock;
  }

  /**
   * Makes the kernel's folder, or goes on with it: tiles that are done already stay. `MLML_BUSY` when another process
   * uses it, `MLML_DISK_FULL` when what is missing does not fit.
   */
  static async open(
    storage: Storage,
    kernels: string,
    description: KernelDescription,
    workspace: Workspace,
    options: Pick<TileWriterOptions, 'syncMs'> = {},
  ): Promise<KernelWriter> {
    const folder = kernelFolder(kernels, description.memId);
    await storage.makeFolder(folder);
    const lock = await lockFolder(storage, folder, 'writer');
    let isNew = false;
    try {
      const found = await readKernelDescription(storage, folder);
      if (found !== undefined && found.tileSize !== description.tileSize) {
        throw new MlmlError('MLML_BUSY', `${folder}: was made anew a moment ago; give the command again`);
      }
      isNew = found === undefined;
      if (isNew) {
        // Without a description nothing here can be believed.
        for (const file of [TILE_FILE, LOG_FILE]) await storage.remove(join(folder, file));
      }
      const table = TileTable.inArena(workspace.arena, 'kernel', description);
      const writer = await TileWriter.open(storage, folder, description, table, workspace, {
        ...options,
        advice: kernelAdvice(description.memId),
        whenFull: 'free some space and give the same command again, it goes on',
      });
      try {
        if (isNew) await writeKernelDescription(storage, folder, description);
        await storage.syncFolder(kernels);
      } catch (error) {
        await writer.close();
        throw error;
      }
      return new KernelWriter(storage, folder, found ?? description, writer, lock);
    } catch (error) {
      if (isNew) await storage.remove(folder).catch(() => {});
      else await lock.release();
      throw error;
    }
  }

  get tiles(): number {
    return this.#writer.table.tiles;
  }
  /** Tiles that are on the disk for good. */
  get tilesDone(): number {
    return this.#writer.table.done;
  }
  get complete(): boolean {
    return this.#writer.table.complete;
  }
  get bytesWritten(): number {
    return this.#writer.bytesWritten;
  }

  isDone(index: TileIndex): boolean {
    return this.#writer.table.isDone(numberOf(this.description, index));
  }

  /** The tiles that were missing when it was opened or last synced, in the order of the file. */
  *missing(): Generator<TileIndex> {
    for (const index of allTiles(this.description)) if (!this.isDone(index)) yield index;
  }

  /** See `TileWriter.write`. */
  async writeTile(index: TileIndex, address: number): Promise<void> {
    await this.#writer.write(index, address);
  }

  /** Forces everything written to the disk; with the last tile, the kernel becomes complete. */
  async finish(): Promise<void> {
    await this.#writer.flush();
    const state = this.complete ? 'complete' : 'incomplete';
    if (state !== (await readKernelDescription(this.#storage, this.folder))?.state)
      await writeKernelDescription(this.#storage, this.folder, { ...this.description, state });
  }

  /** Keeps the tiles written so far, closes the files and releases the lock; also after an error. */
  async close(): Promise<void> {
    try {
      await this.#writer.close();
    } finally {
      await this.#lock.release();
    }
  }
}
