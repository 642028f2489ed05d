import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Workspace } from '../../threads/workspace.js';
import type { KernelListener } from '../events.js';
import { type TileIndex, tileCount } from '../tiles/kernelMatrix.js';
import type { TileMaker } from '../tiles/tileMaker.js';
import { bandOrder } from './bandOrder.js';
import type { TileSink } from './tileSink.js';

/** Regions of tiles on their way to the sink: one is written while the next is worked out. */
export const GENERATED_TILES = ['generated tile 0', 'generated tile 1'] as const;

export interface GenerateTilesOptions {
  readonly workspace: Workspace;
  readonly kernel: TileMaker;
  readonly sink: TileSink;
  /** Tile rows of a band; see `planGeneration`. */
  readonly band: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: KernelListener;
}

export interface GeneratedTiles {
  /** Made now, and all. */
  readonly made: number;
  readonly tiles: number;
  readonly bytesWritten: number;
}

/**
 * Works out all tiles of the lower triangle that the sink does not have, and writes each while the next is worked out.
 * Every tile handed over is written, or has failed, when this returns or throws.
 *
 * @throws MlmlError of reading or writing; the signal's reason when it is aborted
 */
export async function generateTiles(options: GenerateTilesOptions): Promise<GeneratedTiles> {
  const { workspace, kernel, sink, band, signal, onEvent } = options;
  const { n, tileSize, dtype } = kernel;
  const tiles = tileCount(n, tileSize);
  const tileBytes = tileSize ** 2 * dtypeBytes[dtype];
  const missing: () => Generator<TileIndex> = function* () {
    for (const index of bandOrder(n, tileSize, band)) if (!sink.isDone(index)) yield index;
  };
  const total = count(missing());
  const writes: (Promise<void> | undefined)[] = GENERATED_TILES.map(() => undefined);
  let made = 0;
  let started = 0;
  const finished = () => {
    made++;
    onEvent?.({
      type: 'progress',
      phase: 'generate',
      done: tiles - total + made,
      total: tiles,
      epoch: 0,
      bytesRead: kernel.bytesRead,
      bytesWritten: made * tileBytes,
    });
  };
  const place = async () => {
    const slot = started % GENERATED_TILES.length;
    await writes[slot];
    return workspace.arena.address(GENERATED_TILES[slot]!);
  };
  try {
    for await (const tile of kernel.tilesInto(missing(), place, signal)) {
      const write = sink.writeTile(tile, tile.address).then(finished);
      // It is awaited when its slot is needed again; until then a failure is not unhandled.
      write.catch(() => {});
      writes[started++ % GENERATED_TILES.length] = write;
    }
    await Promise.all(writes);
  } finally {
    await Promise.allSettled(writes);
  }
  return { made, tiles, bytesWritten: made * tileBytes };
}

function count(items: Iterable<unknown>): number {
  let length = 0;
  for (const _ of items) length++;
  return length;
}
