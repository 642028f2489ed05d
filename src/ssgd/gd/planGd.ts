import { packedLength } from '../../arithmetic/gram.js';
import { padded4 } from '../../arithmetic/normalProduct.js';
import type { DatasetDescription } from '../../data/format.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import { budgetTooSmall, type Plan, type Region } from '../../memory/plan.js';
import { firstFitting } from '../closed/firstFitting.js';
import { type ProblemSize, problemSize, resultRegion, rowWork, solvingLayout } from '../closed/fit.js';
import { gramBlockRows, normalEquationRegions, normalEquationWork } from '../closed/normalEquations.js';
import { mostPanelThreads, rowPanelRegions } from '../closed/rowPanels.js';
import type { TrainOptions } from '../options.js';
import { type SharedWork, threadNotes, threadsWorth } from '../threadsWorth.js';

export interface GdPlan extends Plan {
  /** As of `ClosedPlan`. */
  readonly onePassBytes?: number;
  /** gram: one pass, then iterations without input; streaming: every iteration reads all rows. */
  readonly method: 'gram' | 'streaming';
  readonly size: ProblemSize;
  readonly blockRows: number;
  readonly threads: number;
}

/** Passes that estimate the curvature when --eta0=auto and nothing is precomputed. */
export const CURVATURE_PASSES = 6;
/** Weights, gradient, velocity, best weights, look-ahead. */
export const VECTORS = 5;

/**
 * `columns` is the number of columns of scores of the loss (default: classes, or 1 for regression).
 * `others` are regions the job needs besides, in the same arena.
 * Throws `MLML_BUDGET_TOO_SMALL`, and `MLML_USAGE` for an optimizer that gd does not have.
 */
export function planGd(
  description: DatasetDescription,
  options: TrainOptions,
  columns?: number,
  others: readonly Region[] = [],
): GdPlan {
  if (options.optimizer !== 'sgd' && options.optimizer !== 'nesterov') {
    throw new MlmlError(
      'MLML_USAGE',
      `gd: --optimizer=${options.optimizer} is for sgd, ssgd and hsgd; gd has sgd (heavy-ball momentum) and nesterov`,
    );
  }
  const layout = solvingLayout(description);
  const given = problemSize(description, options, layout.rowBytes);
  const size = columns === undefined ? given : { ...given, k: columns };
  const gram = planGram(size, options, others);
  if (options.loss === 'ridge' && gram.plannedPeakBytes <= options.bufferBytes) return gram;
  const streaming = planStreaming(size, options, others);
  if (streaming.plannedPeakBytes <= options.bufferBytes) {
    if (options.loss !== 'ridge') return streaming;
    return { ...streaming, onePassBytes: gram.plannedPeakBytes };
  }
  const needed =
    options.loss === 'ridge'
      ? Math.min(gram.plannedPeakBytes, streaming.plannedPeakBytes)
      : streaming.plannedPeakBytes;
  throw budgetTooSmall(streaming.job, needed, options.bufferBytes);
}

function vectorRegions(size: ProblemSize): Region[] {
  return [{ name: 'vectors', bytes: 8 * VECTORS * size.k * (size.d + 1) }];
}

function planGram(size: ProblemSize, options: TrainOptions, others: readonly Region[]): GdPlan {
  const layout = firstFitting(
    gramBlockRows,
    (rows) => [...normalEquationRegions(size, rows), ...vectorRegions(size), ...others],
    options.bufferBytes,
  );
  const sums = normalEquationWork(size, layout.choice);
  const iteration = size.d * size.d * size.k;
  const work = {
    total: sums.total + options.iters * iteration,
    step: Math.max(sums.step, iteration),
  };
  const shared = common(size, options, layout, work);
  return {
    ...shared,
    method: 'gram',
    passes: 1,
    bytesRead: size.n * size.rowBytes,
    notes: [
      `the Gram matrix takes ${formatBytes(8 * packedLength(size.d))}: one pass sums it, ` +
        `then up to ${options.iters} iterations read nothing`,
      ...threadNotes(shared.threads, options.nthreads),
    ],
  };
}

/** Scores of a block and their gradient lie in panels for the kernels and in rows for the loss. */
function streamingRegions(size: ProblemSize, blockRows: number): Region[] {
  const columns = padded4(size.k);
  const features = padded4(size.d);
  return [
    ...rowPanelRegions(size, blockRows),
    { name: 'scores', bytes: 8 * blockRows * columns },
    { name: 'row scores', bytes: 8 * blockRows * size.k },
    { name: 'row slopes', bytes: 8 * blockRows * size.k },
    { name: 'weight panels', bytes: 8 * columns * features },
    { name: 'gradient panels', bytes: 8 * columns * features },
    { name: 'feature origin', bytes: 8 * size.d },
    resultRegion(size),
    ...vectorRegions(size),
  ];
}

/** Full-batch passes; above the budget when even the smallest blocks cannot fit. */
export function planStreaming(
  size: ProblemSize,
  options: TrainOptions,
  others: readonly Region[] = [],
): GdPlan {
  const layout = firstFitting(
    [128, 64, 32, 16, 8, 4],
    (rows) => [...streamingRegions(size, rows), ...others],
    options.bufferBytes,
  );
  const passes = options.iters + 1 + (options.eta0 === 'auto' ? CURVATURE_PASSES : 0);
  const row = 2 * rowWork(size) * size.k;
  const shared = common(size, options, layout, {
    total: passes * size.n * row,
    step: (layout.choice * row) / 2,
  });
  return {
    ...shared,
    method: 'streaming',
    passes,
    bytesRead: passes * size.n * size.rowBytes,
    notes: [
      `each iteration reads all rows: up to ${passes} passes`,
      ...threadNotes(shared.threads, options.nthreads),
    ],
  };
}

function common(
  size: ProblemSize,
  options: TrainOptions,
  layout: { readonly choice: number; readonly regions: readonly Region[]; readonly totalBytes: number },
  work: SharedWork,
) {
  return {
    job: `gd on ${size.d} features x ${size.k} ${size.k === 1 ? 'column' : 'columns'}`,
    size,
    blockRows: layout.choice,
    budgetBytes: options.bufferBytes,
    regions: layout.regions,
    plannedPeakBytes: layout.totalBytes,
    bytesWritten: 0,
    scratchBytes: 0,
    threads: threadsWorth(Math.min(options.nthreads, mostPanelThreads(size.d)), work),
  };
}
