import { setImmediate } from 'node:timers/promises';
import { MlmlError } from '../../errors.js';
import type { Workspace } from '../../threads/workspace.js';
import type { Tile, TileIndex } from '../tiles/kernelMatrix.js';
import { TileChecksums } from './tileChecksums.js';
import type { TileFile } from './tileFile.js';
import { allTiles, extentOf, type MatrixShape, numberOf, slotBytes, tilesOf } from './tileLayout.js';

/** One tile in use and three on their way: enough for the disk to be busy at all times. */
const RING_SLOTS = 4;
/** After so many milliseconds without a read to wait for, other events get their turn. */
const TURN_MS = 20;

/** How the slots of a stream are used. */
export interface TileSlots {
  readonly slots: number;
  /** Slots that tiles pass through. */
  readonly ring: number;
  /** The first tiles of the file, which stay in slots of their own. */
  readonly cached: number;
  /** Bytes of the slots. */
  readonly bytes: number;
  /** Bytes read by each pass over all tiles but the first. */
  readonly bytesPerPass: number;
}

/** Slots for reading a matrix in at most `bytes` bytes, at least one. Pure. */
export function planTileSlots(shape: MatrixShape, bytes: number): TileSlots {
  const tiles = tilesOf(shape);
  const each = slotBytes(shape);
  const slots = Math.min(tiles, Math.max(1, Math.floor(bytes / each)));
  const ring = slots === tiles ? 0 : Math.min(RING_SLOTS, slots);
  const cached = slots - ring;
  return { slots, ring, cached, bytes: slots * each, bytesPerPass: (tiles - cached) * each };
}

interface Waiting {
  readonly index: TileIndex;
  readonly tile: number;
  readonly address: number;
  /** Undefined for a tile that is in memory. */
  readonly read: Promise<void> | undefined;
}

/**
 * Reads tiles into slots of the arena, the next while the caller works on one. The first tiles of the file stay in
 * memory where there is room. Each tile is compared with its checksum when it is first read.
 */
export class TileStream {
  readonly #file: TileFile;
  readonly #memory: Uint8Array;
  readonly #base: number;
  readonly #slots: TileSlots;
  readonly #slotBytes: number;
  readonly #checksums: TileChecksums;
  /** 1 for cached tiles that are in memory. */
  readonly #loaded: Uint8Array;
  #active = false;
  #lastTurn = performance.now();

  /** `base` is the address of `bytes` bytes for slots, a multiple of 4096. */
  constructor(workspace: Workspace, file: TileFile, base: number, bytes: number) {
    this.#file = file;
    this.#memory = new Uint8Array(workspace.arena.buffer);
    this.#base = base;
    this.#slots = planTileSlots(file.shape, bytes);
    this.#slotBytes = slotBytes(file.shape);
    this.#checksums = new TileChecksums(workspace);
    this.#loaded = new Uint8Array(this.#slots.cached);
  }

  /**
   * The tiles asked for, in that order (default: all, in the order of the file). Each is valid until the next is asked
   * for, and then no calls may be waiting on the threads' list. One stream of tiles at a time.
   */
  async *tiles(
    which: Iterable<TileIndex> = allTiles(this.#file.shape),
    signal?: AbortSignal,
  ): AsyncGenerator<Tile> {
    if (this.#active) throw new MlmlError('MLML_INTERNAL', 'tiles are asked for while others are in use');
    this.#active = true;
    const queue: Waiting[] = [];
    const free = Array.from({ length: this.#slots.ring }, (_, slot) => this.#base + slot * this.#slotBytes);
    const source = which[Symbol.iterator]();
    let next = source.next();
    try {
      for (;;) {
        while (!next.done && queue.length < RING_SLOTS) {
          const waiting = this.#start(next.value, free, queue);
          if (waiting === undefined) break;
          queue.push(waiting);
          next = source.next();
        }
        const first = queue[0];
        if (first === undefined) return;
        signal?.throwIfAborted();
        await this.#arrival(first);
        signal?.throwIfAborted();
        yield this.#tileOf(first);
        queue.shift();
        if (first.tile >= this.#slots.cached) free.push(first.address);
      }
    } finally {
      source.return?.();
      // Slots belong to their reads until these have ended.
      await Promise.allSettled(queue.map(({ read }) => read));
      this.#active = false;
    }
  }

  // Written out: properties that follow a spread are dear in V8, and leave garbage that outlives small collections.
  #tileOf({ index, address }: Waiting): Tile {
    const { tileSize, dtype } = this.#file.shape;
    const { firstRow, rows, firstColumn, columns } = extentOf(this.#file.shape, index);
    const { row, column } = index;
    return { row, column, firstRow, rows, firstColumn, columns, address, stride: tileSize, dtype };
  }

  /** Begins to read a tile; undefined when there is no slot for it. */
  #start(index: TileIndex, free: number[], queue: readonly Waiting[]): Waiting | undefined {
    const tile = numberOf(this.#file.shape, index);
    const { ring, cached } = this.#slots;
    if (tile >= cached) {
      const address = free.pop();
      return address === undefined ? undefined : { index, tile, address, read: this.#read(tile, address) };
    }
    const address = this.#base + (ring + tile) * this.#slotBytes;
    const before = queue.find((waiting) => waiting.tile === tile);
    if (before !== undefined) return { index, tile, address, read: before.read };
    return { index, tile, address, read: this.#loaded[tile] === 1 ? undefined : this.#read(tile, address) };
  }

  #read(tile: number, address: number): Promise<void> {
    const read = this.#file.read(tile, this.#memory.subarray(address, address + this.#slotBytes));
    // It is awaited later; until then a failure is not unhandled.
    read.catch(() => {});
    return read;
  }

  async #arrival({ tile, address, read }: Waiting): Promise<void> {
    if (read !== undefined) {
      await read;
      this.#lastTurn = performance.now();
      if (!this.#file.table.isChecked(tile))
        this.#file.check(tile, this.#checksums.of(address, this.#slotBytes));
      if (tile < this.#slots.cached) this.#loaded[tile] = 1;
    } else if (performance.now() - this.#lastTurn > TURN_MS) {
      await setImmediate();
      this.#lastTurn = performance.now();
    }
  }
}
