import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import { type MatrixShape, tilesOf } from './tileLayout.js';

/** Region for the table of a matrix: five bytes a tile. */
export function tileTableRegion(name: string, shape: MatrixShape): Region {
  return { name: `${name} tile table`, bytes: 5 * tilesOf(shape) };
}

const DONE = 1;
const CHECKED = 2;

/** Which tiles of a file can be believed, and their checksums. */
export class TileTable {
  /** Tiles done. */
  done = 0;
  /** One more than the last tile done. */
  end = 0;
  readonly tiles: number;
  readonly #checksums: Uint32Array;
  readonly #states: Uint8Array;

  /** In memory of its own; `inArena` puts it into the plan's region. */
  constructor(tiles: number, memory: ArrayBufferLike = new ArrayBuffer(5 * tiles), address = 0) {
    this.tiles = tiles;
    this.#checksums = new Uint32Array(memory, address, tiles);
    this.#states = new Uint8Array(memory, address + 4 * tiles, tiles);
    this.#states.fill(0);
  }

  static inArena(arena: Arena, name: string, shape: MatrixShape): TileTable {
    return new TileTable(tilesOf(shape), arena.buffer, arena.address(tileTableRegion(name, shape).name));
  }

  get complete(): boolean {
    return this.done === this.tiles;
  }

  isDone(tile: number): boolean {
    return (this.#states[tile]! & DONE) !== 0;
  }

  /** The bytes of this tile were compared with its checksum since the table was made. */
  isChecked(tile: number): boolean {
    return (this.#states[tile]! & CHECKED) !== 0;
  }

  checksum(tile: number): number {
    return this.#checksums[tile]!;
  }

  setDone(tile: number, checksum: number): void {
    if (!this.isDone(tile)) this.done++;
    this.end = Math.max(this.end, tile + 1);
    this.#checksums[tile] = checksum;
    this.#states[tile] = DONE;
  }

  setChecked(tile: number): void {
    this.#states[tile]! |= CHECKED;
  }

  withdraw(tile: number): void {
    if (this.isDone(tile)) this.done--;
    this.#states[tile] = 0;
    while (this.end > 0 && !this.isDone(this.end - 1)) this.end--;
  }
}
