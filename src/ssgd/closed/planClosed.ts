import { packedLength } from '../../arithmetic/gram.js';
import { padded4 } from '../../arithmetic/normalProduct.js';
import type { DatasetDescription } from '../../data/format.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import { budgetTooSmall, layOut, type Plan, type Region } from '../../memory/plan.js';
import type { TrainOptions } from '../options.js';
import { threadNotes, threadsWorth } from '../threadsWorth.js';
import { conjugateGradientRegions } from './conjugateGradients.js';
import { firstFitting } from './firstFitting.js';
import { type ProblemSize, problemSize, rowWork, solvingLayout } from './fit.js';
import {
  foldedBlockRows,
  gramBlockRows,
  normalEquationRegions,
  normalEquationWork,
} from './normalEquations.js';
import { mostPanelThreads } from './rowPanels.js';

export interface ClosedPlan extends Plan {
  /** A budget with which one pass would do, as far as the other regions do not grow with it. */
  readonly onePassBytes?: number;
  readonly method: 'cholesky' | 'cg';
  readonly size: ProblemSize;
  /** Parts of the rows that are summed by themselves at a time: folds, and where not all of them fit, one of the others; 0 without folds. */
  readonly parts: number;
  /** Rows per block. */
  readonly blockRows: number;
  /** Vectors per pass of conjugate gradients; 0 for Cholesky. */
  readonly width: number;
  readonly threads: number;
}

/** Passes of conjugate gradients that give up. */
export const LARGEST_PASSES = 500;
/** Bounds on what a solver may take. */
export type SolvingLimits = Pick<TrainOptions, 'bufferBytes' | 'nthreads'> &
  Partial<Pick<TrainOptions, 'folds'>>;

/** Wider blocks cost more arithmetic in the small dense steps than they save in passes. */
const LARGEST_WIDTH = 256;

/**
 * The direct method when the Gram matrix fits the budget, else conjugate gradients as wide as the budget allows.
 * `others` are regions the job needs besides, in the same arena.
 */
export function planClosed(
  description: DatasetDescription,
  options: TrainOptions,
  others: readonly Region[] = [],
): ClosedPlan {
  checkClosedOptions(options);
  const layout = solvingLayout(description);
  const size = problemSize(description, options, layout.rowBytes);
  const direct = planCholesky(size, options, others);
  if (direct.plannedPeakBytes <= options.bufferBytes) return direct;
  // Conjugate gradients would read all rows again and again for each fold.
  if (options.folds > 0) throw budgetTooSmall(direct.job, direct.plannedPeakBytes, options.bufferBytes);
  const iterative = planConjugateGradients(size, options, others);
  if (iterative.plannedPeakBytes <= options.bufferBytes) {
    return { ...iterative, onePassBytes: direct.plannedPeakBytes };
  }
  const needed = Math.min(direct.plannedPeakBytes, iterative.plannedPeakBytes);
  throw budgetTooSmall(direct.job, needed, options.bufferBytes);
}

function checkClosedOptions(options: TrainOptions): void {
  if (options.loss !== 'ridge') {
    throw new MlmlError(
      'MLML_USAGE',
      `closed: --loss=${options.loss} has no closed form; use ridge, or the verbs gd, sgd, ssgd or hsgd`,
    );
  }
  if (options.l1 !== 0) {
    throw new MlmlError(
      'MLML_USAGE',
      `closed: --l1=${options.l1} has no closed form; leave it 0, or use gd, sgd, ssgd or hsgd`,
    );
  }
}

function jobOf(size: ProblemSize, folds = 0): string {
  const each = folds === 0 ? '' : `, ${folds} folds`;
  return `closed on ${size.d} features x ${size.k} ${size.k === 1 ? 'column' : 'columns'}${each}`;
}

/** Blocks as long as that are worth more than summing more folds in a pass. */
const LONG_BLOCK = 32;

/** How many parts of the rows can be summed at a time, the most first: fewer take more passes. */
function partsOf(folds: number): number[] {
  const parts = [folds];
  for (let passes = 2; passes <= folds; passes++) {
    const fewer = 1 + Math.ceil(folds / passes);
    if (fewer < parts.at(-1)!) parts.push(fewer);
  }
  return parts;
}

/** Folds that are done with in a pass. */
export function foldsAtOnce(folds: number, parts: number): number {
  return parts === folds ? folds : parts - 1;
}

/** Cholesky on the packed Gram matrix; above the budget when that cannot fit. */
export function planCholesky(
  size: ProblemSize,
  { bufferBytes: budgetBytes, nthreads, folds = 0 }: SolvingLimits,
  others: readonly Region[] = [],
): ClosedPlan {
  const regionsOf = ({ parts, blockRows }: { parts: number; blockRows: number }) => [
    ...normalEquationRegions(size, blockRows, parts),
    { name: 'right sides', bytes: 8 * size.d * size.k },
    ...others,
  ];
  const choicesOf = (rows: readonly number[]) =>
    partsOf(folds).flatMap((parts) => rows.map((blockRows) => ({ parts, blockRows })));
  const rows = folds > 0 ? foldedBlockRows : gramBlockRows;
  const { choice, regions, totalBytes } = firstFitting(
    [
      ...choicesOf(rows.filter((each) => each >= LONG_BLOCK)),
      ...choicesOf(rows.filter((each) => each < LONG_BLOCK)),
    ],
    regionsOf,
    budgetBytes,
  );
  const { parts, blockRows } = choice;
  const passes = folds === 0 ? 1 : Math.ceil(folds / foldsAtOnce(folds, parts));
  const onePass = passes === 1 ? undefined : layOut(regionsOf({ parts: folds, blockRows: LONG_BLOCK }));
  const gramBytes = 8 * packedLength(size.d);
  const threads = threadsWorth(
    Math.min(nthreads, mostPanelThreads(size.d)),
    normalEquationWork(size, blockRows),
  );
  return {
    job: jobOf(size, folds),
    method: 'cholesky',
    size,
    parts,
    blockRows,
    width: 0,
    budgetBytes,
    regions,
    plannedPeakBytes: totalBytes,
    passes,
    ...(onePass === undefined ? {} : { onePassBytes: onePass.totalBytes }),
    // One more pass scores each row by the model that left out its fold.
    bytesRead: (passes + (folds > 0 ? 1 : 0)) * size.n * size.rowBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    threads,
    notes: [
      folds === 0
        ? `the Gram matrix takes ${formatBytes(gramBytes)}: one pass sums it, then Cholesky solves exactly`
        : `each of ${parts + 1} Gram matrices takes ${formatBytes(gramBytes)}: ${passes === 1 ? 'one pass sums' : `${passes} passes sum`} those of ${folds} folds, then Cholesky solves without each`,
      `rows are taken ${blockRows} at a time`,
      ...threadNotes(threads, nthreads),
    ],
  };
}

/** Block conjugate gradients; above the budget when even the narrowest block cannot fit. */
export function planConjugateGradients(
  size: ProblemSize,
  { bufferBytes: budgetBytes, nthreads }: SolvingLimits,
  others: readonly Region[] = [],
): ClosedPlan {
  const narrowest = padded4(size.k);
  const widest = Math.max(narrowest, Math.min(LARGEST_WIDTH, padded4(size.d)));
  const choices: { width: number; blockRows: number }[] = [];
  // Few rows per block leave room for width; wide blocks are worth more than long ones.
  for (let width = widest; width >= narrowest; width -= 4) choices.push({ width, blockRows: 32 });
  for (const blockRows of [16, 8, 4]) choices.push({ width: narrowest, blockRows });
  const regionsOf = (choice: { width: number; blockRows: number }) => [
    ...conjugateGradientRegions(size, choice.width, choice.blockRows),
    ...others,
  ];
  const { choice, regions, totalBytes } = firstFitting(choices, regionsOf, budgetBytes);
  const passes = Math.min(LARGEST_PASSES, Math.ceil((2 * size.d) / choice.width) + 10);
  const step = choice.blockRows * rowWork(size) * choice.width;
  const threads = threadsWorth(nthreads, { total: (2 * passes * size.n * step) / choice.blockRows, step });
  return {
    job: jobOf(size),
    method: 'cg',
    size,
    parts: 0,
    ...choice,
    budgetBytes,
    regions,
    plannedPeakBytes: totalBytes,
    passes,
    bytesRead: passes * size.n * size.rowBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    threads,
    notes: [
      `the Gram matrix (${formatBytes(8 * packedLength(size.d))}) does not fit --buffer: ` +
        `block conjugate gradients, ${choice.width} directions a pass, about ${passes} passes`,
      ...threadNotes(threads, nthreads),
    ],
  };
}
