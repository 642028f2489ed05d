import { crc32c } from '../../storage/crc32c.js';
import type { Storage, WritableFile } from '../../storage/storage.js';

/**
 * The log of a matrix on disk: which tiles are done. Fixed-size records, only ever appended, each with a checksum of its own:
 * one that was cut or garbled by a power cut does not count, those around it do.
 */
export const LOG_FILE = 'tiles.log';
export const RECORD_BYTES = 16;
const CHUNK_BYTES = 4096 * RECORD_BYTES;
/** Tiles whose states are kept together while they are counted. */
const PAGE = 1024;
const WITHDRAWN = 0;
const DONE = 1;

/** What a record says: the tile is done and has this checksum, or (undefined) it is no longer to be believed. */
export interface TileRecord {
  readonly tile: number;
  readonly checksum: number | undefined;
}

function encode(records: readonly TileRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.length * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { tile, checksum }] of records.entries()) {
    const at = i * RECORD_BYTES;
    view.setUint32(at, tile, true);
    view.setUint32(at + 4, checksum ?? 0, true);
    view.setUint32(at + 8, checksum === undefined ? WITHDRAWN : DONE, true);
    view.setUint32(at + 12, crc32c(bytes.subarray(at, at + 12)), true);
  }
  return bytes;
}

/** What the log says of tiles goes here. */
export interface TileRecords {
  readonly tiles: number;
  setDone(tile: number, checksum: number): void;
  withdraw(tile: number): void;
}

/** Only how many tiles are done, in memory that grows with the log, not with what a description claims. */
export class TileCount implements TileRecords {
  readonly tiles: number;
  readonly #done = new Map<number, Uint8Array>();
  done = 0;

  constructor(tiles: number) {
    this.tiles = tiles;
  }

  #set(tile: number, state: 0 | 1): void {
    const page = Math.floor(tile / PAGE);
    let states = this.#done.get(page);
    if (states === undefined) {
      states = new Uint8Array(PAGE);
      this.#done.set(page, states);
    }
    this.done += state - states[tile % PAGE]!;
    states[tile % PAGE] = state;
  }

  setDone(tile: number): void {
    this.#set(tile, 1);
  }

  withdraw(tile: number): void {
    this.#set(tile, 0);
  }
}

/** Enters what the log says into the table, in order. Returns where the next record goes. A missing log is empty. */
export async function readTileLog(storage: Storage, path: string, table: TileRecords): Promise<number> {
  if ((await storage.status(path)) === undefined) return 0;
  const file = await storage.openRead(path);
  try {
    const whole = Math.floor(file.byteLength / RECORD_BYTES) * RECORD_BYTES;
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, whole));
    for (let position = 0; position < whole; position += bytes.length) {
      const chunk = bytes.subarray(0, Math.min(bytes.length, whole - position));
      await file.readInto(chunk, position);
      enter(chunk, table);
    }
    return whole;
  } finally {
    await file.close();
  }
}

function enter(chunk: Uint8Array, table: TileRecords): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  for (let at = 0; at < chunk.length; at += RECORD_BYTES) {
    if (view.getUint32(at + 12, true) !== crc32c(chunk.subarray(at, at + 12))) continue;
    const tile = view.getUint32(at, true);
    if (tile >= table.tiles) continue;
    if (view.getUint32(at + 8, true) === DONE) table.setDone(tile, view.getUint32(at + 4, true));
    else table.withdraw(tile);
  }
}

/** Appends records and forces them to the disk. What they tell of must be there already. */
export async function appendToLog(
  file: WritableFile,
  position: number,
  records: readonly TileRecord[],
): Promise<number> {
  const bytes = encode(records);
  await file.write(bytes, position);
  await file.sync();
  return position + bytes.length;
}
