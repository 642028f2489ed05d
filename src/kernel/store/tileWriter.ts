import { join } from 'node:path';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import { savingInterval } from '../../storage/savingInterval.js';
import type { Storage, WritableFile } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import type { TileIndex } from '../tiles/kernelMatrix.js';
import { TileChecksums } from './tileChecksums.js';
import { checkTileFileLength, TILE_FILE } from './tileFile.js';
import { extentOf, type MatrixShape, numberOf, slotBytes, tilesOf } from './tileLayout.js';
import { appendToLog, LOG_FILE, RECORD_BYTES, readTileLog, type TileRecord } from './tileLog.js';
import type { TileTable } from './tileTable.js';

/** Milliseconds of work between two syncs: what a kill can cost. */
const USUAL_MS = 2000;

export interface TileWriterOptions {
  /** What to do about damaged files, for messages. */
  readonly advice: string;
  /** What to do when the disk has become full, for messages. */
  readonly whenFull: string;
  /** Milliseconds between two syncs. Default: `savingInterval`, 2000; 0 syncs each tile. */
  readonly syncMs?: number;
}

/**
 * Writes the tiles of a matrix, in any order, from the arena. Data are forced to the disk before the log says they are
 * there, so a tile that the log calls done is whole whatever happened.
 */
export class TileWriter {
  readonly table: TileTable;
  bytesWritten = 0;
  readonly #shape: MatrixShape;
  readonly #slotBytes: number;
  readonly #memory: Uint8Array;
  readonly #checksums: TileChecksums;
  readonly #data: WritableFile;
  readonly #log: WritableFile;
  readonly #options: TileWriterOptions;
  readonly #syncMs: number;
  #logEnd: number;
  /** Written, but not yet forced to the disk. */
  #written: TileRecord[] = [];
  #inFlight = new Set<Promise<void>>();
  #flushing: Promise<void> | undefined;
  #lastFlush = performance.now();
  #failure: unknown;
  #syncFailed = false;

  private constructor(
    shape: MatrixShape,
    table: TileTable,
    workspace: Workspace,
    files: { readonly data: WritableFile; readonly log: WritableFile; readonly logEnd: number },
    options: TileWriterOptions & { readonly syncMs: number },
  ) {
    this.#shape = shape;
    this.table = table;
    this.#slotBytes = slotBytes(shape);
    this.#memory = new Uint8Array(workspace.arena.buffer);
    this.#checksums = new TileChecksums(workspace);
    this.#data = files.data;
    this.#log = files.log;
    this.#logEnd = files.logEnd;
    this.#options = options;
    this.#syncMs = options.syncMs;
  }

  /**
   * Opens the files in a folder, or makes them, and reads into the table what is done already. The caller holds the folder's
   * lock. `MLML_DISK_FULL` when the missing tiles do not fit the disk.
   */
  static async open(
    storage: Storage,
    folder: string,
    shape: MatrixShape,
    table: TileTable,
    workspace: Workspace,
    options: TileWriterOptions,
  ): Promise<TileWriter> {
    const syncMs = options.syncMs ?? savingInterval(USUAL_MS);
    const [dataPath, logPath] = [join(folder, TILE_FILE), join(folder, LOG_FILE)];
    const logEnd = await readTileLog(storage, logPath, table);
    await checkTileFileLength(storage, folder, shape, table, options.advice);
    const missing = tilesOf(shape) - table.done;
    const needed = missing * (slotBytes(shape) + RECORD_BYTES);
    const free = await storage.freeBytes(folder);
    if (missing > 0 && free < needed) {
      throw new MlmlError(
        'MLML_DISK_FULL',
        `${folder}: needs ${formatBytes(needed)} of disk space, ${formatBytes(free)} are free; free some space or choose another folder`,
      );
    }
    const openOrCreate = async (path: string, direct: boolean) =>
      (await storage.status(path)) === undefined
        ? await storage.create(path, { direct })
        : await storage.openWrite(path, { direct });
    const data = await openOrCreate(dataPath, true);
    try {
      const log = await openOrCreate(logPath, false);
      await storage.syncFolder(folder);
      return new TileWriter(shape, table, workspace, { data, log, logEnd }, { ...options, syncMs });
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  /**
   * Writes the tile that lies at `address` (a multiple of 4096, `slotBytes` of room), row-major, `tileSize` entries from
   * one row to the next. What belongs to no entry becomes zero. Returns when the slot may be used again; the checksum
   * is taken before the first await, by all threads, and no calls may be waiting on their list.
   */
  async write(index: TileIndex, address: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const tile = numberOf(this.#shape, index);
    this.#pad(index, address);
    const checksum = this.#checksums.of(address, this.#slotBytes);
    // A tile made anew: while it is being written neither old nor new bytes may be believed.
    if (this.table.isDone(tile)) await this.withdraw([tile]);
    const writing = this.#data
      .write(this.#memory.subarray(address, address + this.#slotBytes), tile * this.#slotBytes)
      .then(() => {
        this.bytesWritten += this.#slotBytes;
        this.#written.push({ tile, checksum });
      });
    this.#inFlight.add(writing);
    try {
      await writing;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#inFlight.delete(writing);
    }
    if (performance.now() - this.#lastFlush >= this.#syncMs) {
      // In the background; the next write, or the end, tells of a failure.
      this.#flush().catch(() => {});
    }
  }

  /** Marks tiles as not done, on the disk too. */
  async withdraw(tiles: readonly number[]): Promise<void> {
    await this.#flush();
    await this.#append(tiles.map((tile) => ({ tile, checksum: undefined })));
    for (const tile of tiles) this.table.withdraw(tile);
  }

  /** Waits for all writes and forces them and their records to the disk. */
  async flush(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
    await this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Keeps what can be kept, also after a failure, and closes the files. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } catch {
      // Thrown where it happened; what is not in the log will be made again.
    } finally {
      await this.#data.close();
      await this.#log.close();
    }
  }

  /** One batch: sync the data, then append its records and sync them. Batches follow one another. */
  #flush(): Promise<void> {
    const before = this.#flushing ?? Promise.resolve();
    const batch = before.then(async () => {
      const records = this.#written;
      this.#lastFlush = performance.now();
      if (records.length === 0 || this.#syncFailed) return;
      this.#written = [];
      await this.#data.sync().catch((error) => {
        // Nobody knows which writes it lost: none of those after the last good sync may be believed.
        this.#syncFailed = true;
        throw this.#fail(error);
      });
      await this.#append(records);
      for (const { tile, checksum } of records) this.table.setDone(tile, checksum!);
      this.#lastFlush = performance.now();
    });
    this.#flushing = batch.catch(() => {});
    return batch;
  }

  async #append(records: readonly TileRecord[]): Promise<void> {
    try {
      this.#logEnd = await appendToLog(this.#log, this.#logEnd, records);
      this.bytesWritten += records.length * RECORD_BYTES;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    const full = error instanceof MlmlError && error.code === 'MLML_DISK_FULL';
    this.#failure ??= full
      ? new MlmlError(
          'MLML_DISK_FULL',
          `${this.#data.path}: the disk became full; ${this.#options.whenFull}`,
          { cause: error },
        )
      : error;
    return this.#failure;
  }

  /** Zeros behind the entries of each row, behind the last row, and up to the end of the slot. */
  #pad(index: TileIndex, address: number): void {
    const { tileSize, dtype } = this.#shape;
    const { rows, columns } = extentOf(this.#shape, index);
    const bytes = dtypeBytes[dtype];
    if (columns < tileSize) {
      for (let r = 0; r < rows; r++) {
        const row = address + r * tileSize * bytes;
        this.#memory.fill(0, row + columns * bytes, row + tileSize * bytes);
      }
    }
    this.#memory.fill(0, address + rows * tileSize * bytes, address + this.#slotBytes);
  }
}
