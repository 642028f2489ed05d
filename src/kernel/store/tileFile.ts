import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { checksumText } from '../../storage/crc32c.js';
import type { ReadableFile, Storage } from '../../storage/storage.js';
import { type MatrixShape, slotBytes, tileName } from './tileLayout.js';
import { LOG_FILE, readTileLog } from './tileLog.js';
import type { TileTable } from './tileTable.js';

export const TILE_FILE = 'tiles.bin';

/** The tiles of a matrix on disk, for reading. */
export class TileFile {
  readonly shape: MatrixShape;
  readonly table: TileTable;
  /** What to do about a damaged file, for messages. */
  readonly advice: string;
  bytesRead = 0;
  readonly #file: ReadableFile;
  readonly #slotBytes: number;

  private constructor(file: ReadableFile, shape: MatrixShape, table: TileTable, advice: string) {
    this.#file = file;
    this.shape = shape;
    this.table = table;
    this.advice = advice;
    this.#slotBytes = slotBytes(shape);
  }

  /** Reads the log into the table and opens the tiles. */
  static async open(
    storage: Storage,
    folder: string,
    shape: MatrixShape,
    table: TileTable,
    advice: string,
  ): Promise<TileFile> {
    await readTileLog(storage, join(folder, LOG_FILE), table);
    return await TileFile.openWith(storage, folder, shape, table, advice);
  }

  /** With a table that was read before. Tiles that the file is too short for are `MLML_BAD_FILE`. */
  static async openWith(
    storage: Storage,
    folder: string,
    shape: MatrixShape,
    table: TileTable,
    advice: string,
  ): Promise<TileFile> {
    await checkTileFileLength(storage, folder, shape, table, advice);
    const file = await storage.openRead(join(folder, TILE_FILE), { direct: true });
    return new TileFile(file, shape, table, advice);
  }

  get path(): string {
    return this.#file.path;
  }

  /** Fills `target`, a whole slot (its address a multiple of 4096), with a tile. Nothing is checked. */
  async read(tile: number, target: Uint8Array): Promise<void> {
    await this.#file.readInto(target, tile * this.#slotBytes);
    this.bytesRead += target.length;
  }

  /** Throws `MLML_CHECKSUM` unless the checksum found is that of the log. */
  check(tile: number, found: number): void {
    const wanted = this.table.checksum(tile);
    if (found === wanted) {
      this.table.setChecked(tile);
      return;
    }
    const from = tile * this.#slotBytes;
    throw new MlmlError(
      'MLML_CHECKSUM',
      `${this.path}: ${tileName(this.shape, tile)}, bytes ${from} to ${from + this.#slotBytes - 1}, ` +
        `has checksum ${checksumText(found)} instead of ${checksumText(wanted)}; the file is damaged: ${this.advice}`,
    );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export async function checkTileFileLength(
  storage: Storage,
  folder: string,
  shape: MatrixShape,
  table: TileTable,
  advice: string,
): Promise<void> {
  const path = join(folder, TILE_FILE);
  const bytes = (await storage.status(path))?.byteLength ?? 0;
  const needed = table.end * slotBytes(shape);
  if (bytes >= needed) return;
  throw new MlmlError(
    'MLML_BAD_FILE',
    `${path}: has ${bytes} bytes; ${tileName(shape, table.end - 1)} ends at byte ${needed}; the file is cut short: ${advice}`,
  );
}
