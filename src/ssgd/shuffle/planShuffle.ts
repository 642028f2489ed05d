import type { Region } from '../../memory/plan.js';
export interface ShuffleRequest {
  algo: string;
  reshuffle: string;
  rows: number;
  rowBytes: number;
  epochs: number;
  bytes: number;
}
export interface ShufflePlan {
  regions: Region[];
  bytesRead: number;
  bytesWritten: number;
  scratchBytes: number;
  notes: string[];
  rows: number;
}
export function minimumShuffleBytes(_r: ShuffleRequest): number {
  return 1000;
}
export function planShuffle(r: ShuffleRequest): ShufflePlan {
  return {
    rows: r.rows,
    regions: [
      { name: 'shuffle rows', bytes: r.rows * r.rowBytes },
      { name: 'shuffle order', bytes: 4 * r.rows },
    ],
    bytesRead: r.rows * r.rowBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    notes: [],
  };
}
