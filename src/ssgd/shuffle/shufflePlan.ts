import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import type { Region } from '../../memory/plan.js';
import type { ShuffleName } from '../options.js';
import { footprint, segmentRows } from './footprint.js';
import { minimumBlockBytes, planBlocks } from './planBlocks.js';
import { minimumScatterBytes, planScatter, type ScatterLevel } from './planScatter.js';
import { minimumSortBytes, planSort } from './planSort.js';

export interface ShuffleRequest {
  readonly algo: ShuffleName;
  readonly reshuffle: 'epoch' | 'once';
  readonly rows: number;
  readonly rowBytes: number;
  readonly epochs: number;
  /** Memory available for shuffling. */
  readonly bytes: number;
  /** Scratch up to this size may count on the page cache; larger scratch bypasses it. Default (and most) 2 GiB. */
  readonly cacheBytes?: number;
}

export type ShuffleKind = 'memory' | 'scatter' | 'scatter-once' | 'external_sort' | 'block_shuffle' | 'none';

/** How rows will be put into random order, and what it costs. */
export interface ShufflePlan {
  readonly kind: ShuffleKind;
  readonly algo: ShuffleName;
  readonly rows: number;
  readonly rowBytes: number;
  readonly epochs: number;
  /** What the arena must hold; all names begin with 'shuffle '. */
  readonly regions: readonly Region[];
  /** Levels of scattering, the first first; empty unless the kind is scatter or scatter-once. */
  readonly levels: readonly ScatterLevel[];
  /** Rows that are shuffled in memory at a time. */
  readonly capacity: number;
  /** Rows handed over at a time, at most. */
  readonly segmentRows: number;
  /** block_shuffle: rows read as they lie; external_sort: rows of a run's half buffer in the last merge. */
  readonly blockRows: number;
  /** external_sort: most runs merged at a time. */
  readonly fanIn: number;
  /** Scratch files bypass the page cache. */
  readonly direct: boolean;
  /** Scratch files are read and written while rows are worked on; otherwise each request is answered at once. */
  readonly background: boolean;
  /** Bytes read and written by all epochs together, rows and scratch; exact. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Most disk space the scratch takes. */
  readonly scratchBytes: number;
  /** More of it, with which a saved state can be gone on from without a replay. */
  readonly keptBytes: number;
  readonly notes: readonly string[];
}

/** Rows are numbered with 32 bits. */
const MOST_ROWS = 2 ** 32 - 1;
/** An arena ends at 4 GiB; what is left is for the rest of the job. */
const MOST_BYTES = 3.5 * 2 ** 30;

/** Decides how to shuffle inside `request.bytes`. Throws `MLML_BUDGET_TOO_SMALL` below `minimumShuffleBytes`. */
export function planShuffle(request: ShuffleRequest): ShufflePlan {
  if (request.rows < 1 || request.rows > MOST_ROWS || request.epochs < 1) {
    throw new MlmlError(
      'MLML_USAGE',
      `shuffling takes 1 to ${MOST_ROWS} rows and at least one epoch, not ${request.rows} rows and ${request.epochs} epochs`,
    );
  }
  const minimum = minimumShuffleBytes(request);
  if (Math.min(request.bytes, MOST_BYTES) < minimum) {
    throw new MlmlError(
      'MLML_BUDGET_TOO_SMALL',
      `shuffling ${request.rows} rows of ${request.rowBytes} bytes needs at least ${minimum} bytes of memory; ` +
        `${Math.floor(request.bytes)} are available`,
    );
  }
  const usable = { ...request, bytes: Math.min(request.bytes, MOST_BYTES) };
  if (memoryBytes(request) <= usable.bytes) return planMemory(request);
  if (request.algo === 'external_sort') return planSort(usable);
  if (request.algo === 'external_shuffle') return planScatter(usable);
  return planBlocks(usable);
}

/** The smallest `bytes` with which `planShuffle` finds a way. */
export function minimumShuffleBytes(request: Omit<ShuffleRequest, 'bytes'>): number {
  const whole = memoryBytes(request);
  if (request.algo === 'external_shuffle') return Math.min(whole, minimumScatterBytes(request));
  if (request.algo === 'external_sort') return Math.min(whole, minimumSortBytes(request));
  return Math.min(whole, minimumBlockBytes(request));
}

function memoryRegions(request: Omit<ShuffleRequest, 'bytes'>): Region[] {
  const rows: Region = { name: 'shuffle rows', bytes: request.rows * request.rowBytes };
  return request.algo === 'none' ? [rows] : [rows, { name: 'shuffle order', bytes: 4 * request.rows }];
}

function memoryBytes(request: Omit<ShuffleRequest, 'bytes'>): number {
  return footprint(memoryRegions(request));
}

function planMemory(request: ShuffleRequest): ShufflePlan {
  const { algo, rows, rowBytes, epochs } = request;
  return {
    kind: 'memory',
    algo,
    rows,
    rowBytes,
    epochs,
    regions: memoryRegions(request),
    levels: [],
    capacity: rows,
    segmentRows: segmentRows(rowBytes, rows),
    blockRows: 0,
    fanIn: 0,
    direct: false,
    background: true,
    bytesRead: rows * rowBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    keptBytes: 0,
    notes: [
      `the rows (${formatBytes(rows * rowBytes)}) fit in memory: they are read once` +
        (algo === 'none' ? '' : ' and shuffled by index'),
    ],
  };
}
