import type { Speeds } from './speeds.js';

export type CandidateName = 'cg' | 'closed' | 'bcd';

/** A way to solve the whole system, with what its plan says. */
export interface Candidate {
  readonly solver: CandidateName;
  /** The kernel is stored first and read in each pass; otherwise it is computed in each pass. */
  readonly stored: boolean;
  /** Bytes that the passes, and the solver's own files, read and write. */
  readonly passes: number;
  readonly bytesPerPass: number;
  readonly scratchBytes: number;
  /** Multiply-adds of the solver besides the passes. */
  readonly flops: number;
  /** Products of tiles in float32, where the solver allows it. */
  readonly floats: boolean;
}

/** Bytes a second of a disk that had no room to be measured. */
const UNKNOWN_DISK = 2e8;

export interface Job {
  readonly n: number;
  /** Columns of vectors. */
  readonly width: number;
  /** Rows to score at the end. */
  readonly scored: number;
  /** Bytes of a stored kernel, and of the tiles of it that are still to be made. */
  readonly storeBytes: number;
  readonly missingBytes: number;
}

/** Predicted seconds, all together and by part. */
export interface Prediction {
  readonly seconds: number;
  readonly generate: number;
  readonly solve: number;
  readonly score: number;
}

/**
 * Time a candidate takes: entries evaluated, multiply-adds and bytes at the speeds measured; what overlaps counts once.
 */
export function predict(candidate: Candidate, job: Job, speeds: Speeds): Prediction {
  const entries = (job.n * (job.n + 1)) / 2;
  const share = job.storeBytes === 0 ? 0 : job.missingBytes / job.storeBytes;
  const written = speeds.written || UNKNOWN_DISK;
  const read = speeds.read || UNKNOWN_DISK;
  const generate = candidate.stored
    ? Math.max((share * entries) / speeds.entries, job.missingBytes / written)
    : 0;
  // Each entry below the diagonal serves two products.
  const products = (2 * entries * job.width) / (candidate.floats ? speeds.floatProducts : speeds.products);
  const pass = candidate.stored
    ? Math.max(products, candidate.bytesPerPass / read)
    : products + entries / speeds.entries;
  // The solvers' own loops: Cholesky factors and preconditioners in larger blocks of floats, those of bcd in doubles.
  const own =
    candidate.flops / (candidate.solver === 'bcd' ? 2 * speeds.products : 2.5 * speeds.floatProducts);
  const solve = candidate.passes * pass + Math.max(own, candidate.scratchBytes / written);
  const score = (job.scored * job.n) / speeds.entries;
  return { seconds: generate + solve + score, generate, solve, score };
}

/** Time on m inducing points, whose sums over n rows and systems take `flops`. */
export function predictNystrom(m: number, flops: number, job: Job, speeds: Speeds): Prediction {
  const solve = (job.n * m) / speeds.entries + flops / (2 * speeds.products);
  const score = (job.scored * m) / speeds.entries;
  return { seconds: solve + score, generate: 0, solve, score };
}

/** The candidate of least predicted time; undefined when there is none. */
export function quickest<T extends { readonly prediction: Prediction }>(
  candidates: readonly T[],
): T | undefined {
  let found: T | undefined;
  for (const candidate of candidates)
    if (found === undefined || candidate.prediction.seconds < found.prediction.seconds) found = candidate;
  return found;
}
