import type { Dataset } from '../../data/dataset.js';
import { MlmlError } from '../../errors.js';
import { budgetTooSmall, layOut, type Plan, type Region } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { KernelTrainOptions } from '../options.js';
import { planScoring, type ScoringPlan, scoringBytes } from '../predict/kernelScorer.js';
import type { NystromSize } from '../solvers/nystrom/nystromProblem.js';
import { planNystrom } from '../solvers/nystrom/planNystrom.js';
import { targetColumns } from '../targets.js';
import { crossRowsRead, planCross } from '../tiles/crossKernel.js';
import {
  type Evaluation,
  evaluationRegions,
  evaluationThreads,
  packedBytesOf,
  threadsNote,
} from './evaluation.js';
import { heldOutCount, needsHeldOut } from './heldOutRows.js';
import { trainingRows } from './kernelData.js';
import { targetReaderRegions } from './targetReader.js';

/** Larger blocks gain nothing. */
const MOST_BLOCK_BYTES = 64e6;

/** Inducing points where nobody says how many. */
const USUAL_CENTERS = 1000;

/** Inducing points of a job that learns from `n` rows. Throws `MLML_USAGE` when more are asked for. */
export function centersOf(n: number, { centers }: Pick<KernelTrainOptions, 'centers'>): number {
  if (centers === -1) return Math.min(USUAL_CENTERS, n);
  if (centers <= n) return centers;
  throw new MlmlError('MLML_USAGE', `--centers=${centers}: there are only ${n} rows to learn from`);
}

/** A Nyström job with all sizes decided: two layouts of one memory. */
export interface NystromPlan {
  readonly size: NystromSize;
  readonly threads: number;
  /** Rows held out to choose among regularizations. */
  readonly heldOut: number;
  readonly solvingLayout: readonly Region[];
  readonly scoringLayout: readonly Region[];
  readonly scoring: ScoringPlan;
  readonly bytes: number;
  readonly flops: number;
  readonly plan: Plan;
}

/**
 * Sizes, layouts and traffic. `bytesBefore`: read already, see `Source`. Throws `MLML_BUDGET_TOO_SMALL`, naming a budget that
 * works.
 */
export function planNystromJob(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  bytesBefore = 0,
): NystromPlan {
  const found = fit(dataset, evaluation, options, options.bufferBytes, bytesBefore);
  if (found.bytes <= options.bufferBytes) return found;
  const bytesWith = (budget: number) => nystromBytes(dataset, evaluation, options, budget);
  const needed = smallestBudget(bytesWith, options.bufferBytes);
  throw budgetTooSmall(found.plan.job, needed, options.bufferBytes, 'or take fewer --centers');
}

/** Bytes that the plan takes with a budget: more than the budget when that is too small. */
export function nystromBytes(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  budget: number,
): number {
  return fit(dataset, evaluation, options, budget, 0).bytes;
}

function fit(
  dataset: Dataset,
  evaluation: Evaluation,
  options: KernelTrainOptions,
  budget: number,
  bytesBefore: number,
): NystromPlan {
  const { description, layout } = dataset;
  const rows = trainingRows(description, options);
  const heldOut = needsHeldOut({ reg: options.reg, patience: 0 }) ? heldOutCount(rows, options) : 0;
  const n = rows - heldOut;
  const m = centersOf(n, options);
  const k = targetColumns(description);
  const threads = evaluationThreads(evaluation.kernel, options.nthreads);
  const packedBytes = packedBytesOf(evaluation);
  const common: Region[] = [
    ...evaluationRegions(evaluation, threads, budget),
    // Never touched: room for the model's coefficients and the numbers of its rows.
    { name: 'model', bytes: 8 * m * k + 4 * m },
  ];
  const fixed: Region[] = [
    ...common,
    ...targetReaderRegions(layout),
    ...(heldOut > 0 ? [{ name: 'rows learnt from', bytes: 4 * n }] : []),
  ];
  const crossSizes = { rows: n, columns: m, rowBytes: layout.rowBytes, dtype: evaluation.dtype, packedBytes };
  const layoutWith = (bytes: number) => {
    const cross = planCross(crossSizes, bytes);
    const size: NystromSize = {
      n,
      m,
      k,
      regularizations: options.reg.length,
      blockRows: cross.blockSize,
      dtype: evaluation.dtype,
    };
    const solver = planNystrom(size);
    return { cross, size, solver, regions: [...fixed, ...cross.regions, ...solver.regions] };
  };
  // Sums take what they must; blocks shrink until all fits, the columns staying packed while there is room.
  let blockBytes = Math.min(MOST_BLOCK_BYTES, budget);
  let chosen = layoutWith(blockBytes);
  while (layOut(chosen.regions).totalBytes > budget && blockBytes > 1e4) {
    blockBytes *= 0.8;
    chosen = layoutWith(blockBytes);
  }
  const { cross, size, solver } = chosen;
  const scored = Math.max(description.parts.test.n, options.simulated ? rows : 0, 1);
  const { rowBytes, labels } = layout;
  const scoringSizes = { rows: scored, n: m, k, labels, rowBytes, packedBytes, resident: false };
  const free = budget - layOut(common).totalBytes - 4096;
  const scoring = planScoring(scoringSizes, evaluation.dtype, free);
  const scoringLayout = [...common, ...scoring.regions];
  const [solving, score] = [chosen.regions, scoringLayout].map((regions) => layOut(regions).totalBytes);
  const bytes = Math.max(solving!, score!);
  // Of each row the features, and once more its label.
  const streamed = (count: number) =>
    count === 0 ? 0 : (crossRowsRead(cross, count, m) + count) * layout.rowBytes;
  const scoredBytes = (count: number) => scoringBytes(scoring, layout, count, m);
  const bytesRead =
    bytesBefore +
    streamed(n) +
    streamed(heldOut) +
    scoredBytes(description.parts.test.n) +
    scoredBytes(options.simulated ? rows : 0);
  return {
    size,
    threads,
    heldOut,
    solvingLayout: chosen.regions,
    scoringLayout,
    scoring,
    bytes,
    flops: solver.flops,
    plan: {
      job: `nystrom on ${rows} rows of ${description.d} features x ${k} columns`,
      budgetBytes: budget,
      regions: solving! >= score! ? chosen.regions : scoringLayout,
      plannedPeakBytes: bytes,
      passes: 1,
      bytesRead,
      bytesWritten: 0,
      scratchBytes: 0,
      threads,
      notes: [
        ...solver.notes,
        threadsNote(threads),
        ...(heldOut > 0
          ? [`${heldOut} rows are held out to choose among ${options.reg.length} values of --reg`]
          : []),
      ],
    },
  };
}
