import { layOut, type Region } from '../../memory/plan.js';
import { threadRegions } from '../startThreads.js';
import { tileChecksumRegion } from '../store/tileChecksums.js';
import { type MatrixShape, SLOT_ALIGN } from '../store/tileLayout.js';
import { tileTableRegion } from '../store/tileTable.js';

/** What every operation on a matrix on disk may be given. */
export interface MatrixOptions {
  /** Bound on everything that grows with the matrix. Default 10 MB. */
  readonly bufferBytes?: number;
  /** Default 1: the calling thread alone. Each other starts a worker. */
  readonly nthreads?: number;
  readonly signal?: AbortSignal;
}

export const DEFAULT_BUFFER_BYTES = 10e6;

/** Regions for one matrix that is open, and `work` bytes for what is done with it. */
export function matrixRegions(shape: MatrixShape, threads: number, work: number): Region[] {
  return [
    ...threadRegions(threads),
    tileTableRegion('matrix', shape),
    tileChecksumRegion(),
    { name: 'work', bytes: work, align: SLOT_ALIGN },
  ];
}

/** The arena's bytes besides the work. */
export function fixedMatrixBytes(shape: MatrixShape, threads: number): number {
  return layOut(matrixRegions(shape, threads, 0)).totalBytes;
}
