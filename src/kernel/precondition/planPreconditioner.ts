import { packedLength } from '../../arithmetic/gram.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';

/** Sizes of a preconditioner of rank `rank` for blocks of vectors of `width` columns and some regularizations. */
export interface PreconditionerSize {
  readonly n: number;
  /** Columns of F, a multiple of 4; 0: there is no preconditioner. */
  readonly rank: number;
  readonly width: number;
  readonly regularizations: number;
}

/** Columns of F that are made at a time: few for small ranks, so that pivots are chosen in several rounds. */
export function blockColumns(rank: number): number {
  return Math.min(128, Math.ceil(rank / 32) * 4);
}

/** Pivots drawn at once for a stored kernel, where columns cost a pass over many tiles. */
const STORED_BATCH = 512;

/** Columns of K that are asked for at a time. */
export function columnsAtOnce(rank: number, stored: boolean): number {
  const block = blockColumns(rank);
  return stored ? Math.max(block, Math.min(STORED_BATCH, 4 * Math.ceil(rank / 16))) : block;
}

/** Floats from one row of F to the next: not a multiple of 4 KiB, which would put a column on few cache lines. */
export function factorStride(rank: number): number {
  return rank % 1024 === 0 ? rank + 16 : rank;
}

export function preconditionerRegions({ n, rank, width, regularizations }: PreconditionerSize): Region[] {
  if (rank === 0) return [{ name: 'cg gram', bytes: 0 }];
  const block = blockColumns(rank);
  return [
    { name: 'cg factor', bytes: 4 * n * factorStride(rank), align: 4096 },
    { name: 'cg gram', bytes: 8 * packedLength(rank) },
    { name: 'cg inverses', bytes: 8 * packedLength(rank) * regularizations },
    { name: 'cg inverse states', bytes: 8 * regularizations },
    { name: 'cg pivot rows', bytes: 4 * rank * block },
    { name: 'cg pivot block', bytes: 2 * 8 * block * block },
    { name: 'cg residual diagonal', bytes: 8 * n },
    { name: 'cg mask', bytes: n },
    { name: 'cg reduced', bytes: 2 * 8 * rank * width },
  ];
}

/** The rank that the plan of an arena was made with. */
export function plannedRank(arena: Arena): number {
  return Math.round((Math.sqrt(arena.byteLength('cg gram') + 1) - 1) / 2);
}

function regionBytes(size: PreconditionerSize): number {
  return preconditionerRegions(size).reduce((sum, { bytes, align = 64 }) => sum + bytes + align, 0);
}

/** The largest rank whose regions take at most `bytes`, and at most `most`. */
export function largestRank(size: Omit<PreconditionerSize, 'rank'>, bytes: number, most: number): number {
  let [fits, above] = [0, Math.floor(Math.max(0, most) / 4) + 1];
  while (above - fits > 1) {
    const middle = (fits + above) >> 1;
    if (regionBytes({ ...size, rank: 4 * middle }) <= bytes) fits = middle;
    else above = middle;
  }
  return 4 * fits;
}

/** Floating-point operations to make F and FᵀF. */
export function preconditionerFlops(n: number, rank: number): number {
  return 2 * n * rank * rank;
}
