import { packedLength } from '../../arithmetic/gram.js';
import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import { scanBytes } from '../../data/scanRows.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import type { Workspace } from '../../threads/workspace.js';
import { requireWeight } from '../rowWeights.js';
import type { SharedWork } from '../threadsWorth.js';
import { type ProblemSize, resultRegion, rowWork } from './fit.js';
import type { RowParts } from './foldGroups.js';
import { addFolds, foldRegions, type RunningSums } from './foldSums.js';
import { rowPanelRegions } from './rowPanels.js';
import { type NormalEquationInput, originsOf, sumRows } from './rowSums.js';

/**
 * The normal equations of ridge regression in the arena, after one pass:
 *
 *   gram    X'ᵀX' of the scaled rows, centred when there is an intercept; packed lower triangle, without reg
 *   cross   X'ᵀY likewise, k vectors of d
 *   mean    mean of the scaled features
 *   targetMean, targetSquares    mean of each column of Y; Σ‖y‖², about the mean when there is an intercept
 *
 * Sums are taken about an origin (0 for bytes, whose sums are exact integers, and for sparse rows; else the mean of the statistics)
 * and moved to the mean afterwards: Σ(x−m)(x−m)ᵀ = Σ(x−o)(x−o)ᵀ − n·δδᵀ with δ = m − o. Without an intercept
 * n·mmᵀ is added back. So a large mean costs no digits.
 */
export interface NormalEquations {
  readonly targetMean: Float64Array;
  readonly targetSquares: number;
  readonly bytesRead: number;
}

/** Rows per block, most wanted first. */
export const gramBlockRows = [512, 256, 128, 64, 32, 16, 8, 4] as const;
/** Where rows are summed by fold: a fold has only its part of a block. */
export const foldedBlockRows = [2048, 1024, ...gramBlockRows] as const;

export function normalEquationRegions(size: ProblemSize, blockRows: number, folds = 0): Region[] {
  const { d, k } = size;
  const shared = [
    ...foldRegions(size, folds, blockRows),
    { name: 'gram', bytes: 8 * packedLength(d) },
    { name: 'cross', bytes: 8 * d * k },
    { name: 'mean', bytes: 8 * d },
    resultRegion(size),
  ];
  if (size.bytes) {
    // Blocks of less than 16 rows are padded to 16.
    const padded = Math.max(16, blockRows);
    return [
      { name: 'rows', bytes: scanBytes(blockRows, size.rowBytes) },
      { name: 'row labels', bytes: 8 * size.labels * blockRows },
      { name: 'transposed', bytes: 2 * padded * padded4(d) },
      ...shared,
    ];
  }
  const columns = padded4(k) + 4;
  return [
    ...rowPanelRegions(size, blockRows),
    { name: 'targets', bytes: 8 * columns * blockRows },
    { name: 'cross panels', bytes: 8 * columns * padded4(d) },
    ...shared,
  ];
}

/** The arithmetic of a pass, which goes in blocks of `blockRows` rows. */
export function normalEquationWork(size: ProblemSize, blockRows: number): SharedWork {
  const { n, k } = size;
  const each = rowWork(size);
  const row = (each * each) / 2 + each * k;
  return { total: n * row, step: Math.min(n, blockRows) * row };
}

/** Raw sums about an origin, before they are moved to the mean. */
interface Sums extends RunningSums {
  /** mean of the (unscaled or scaled) features minus their origin */
  readonly delta: Float64Array;
  /** factor still to be applied to each feature */
  readonly factor: Float64Array;
  /** of the targets */
  readonly origins: Float64Array;
}

/** The normal equations of parts of the rows, after one pass over all of them. */
export interface FoldedEquations {
  /** Those of all rows, or of the rows outside a fold, in the regions of the normal equations. */
  of(without?: number): NormalEquations;
}

/** One streaming pass. */
export async function accumulateNormalEquations(
  workspace: Workspace,
  input: NormalEquationInput,
): Promise<NormalEquations> {
  const { sums, origins } = await sumRows(workspace, input);
  return moveToMean(workspace.arena, input, sums[0]!, origins);
}

/** One streaming pass that sums each fold by itself. */
export async function accumulateFolds(
  workspace: Workspace,
  input: NormalEquationInput & { readonly folds: RowParts },
): Promise<FoldedEquations> {
  const { sums, origins } = await sumRows(workspace, input);
  const { arena } = workspace;
  return {
    of: (without) => moveToMean(arena, input, addFolds(arena, input.size, sums, without), origins),
  };
}

/** The normal equations of raw sums, in place. */
function moveToMean(
  arena: Arena,
  input: NormalEquationInput,
  running: RunningSums,
  origins: Float64Array,
): NormalEquations {
  const { size, bias } = input;
  const { n, d, k } = size;
  requireWeight(running.total);
  const sums = size.bytes
    ? sumsOfBytes(arena, input, running, origins)
    : sumsOfDoubles(arena, input, running, origins);
  const gram = arena.float64('gram');
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  const { delta, factor, targets, total } = sums;
  for (let i = 0; i < d; i++) {
    const row = packedLength(i);
    const shift = total * delta[i]!;
    const back = bias ? 0 : total * mean[i]!;
    for (let j = 0; j <= i; j++) {
      gram[row + j] = (gram[row + j]! - shift * delta[j]!) * factor[i]! * factor[j]! + back * mean[j]!;
    }
  }
  const targetMean = new Float64Array(k);
  let targetSquares = sums.squares;
  for (let c = 0; c < k; c++) {
    const targetDelta = targets[c]! / total;
    targetMean[c] = origins[c]! + targetDelta;
    targetSquares -= total * targetDelta ** 2;
    if (!bias) targetSquares += total * targetMean[c]! ** 2;
    for (let j = 0; j < d; j++) {
      const at = c * d + j;
      const centred = (cross[at]! - targets[c]! * delta[j]!) * factor[j]!;
      cross[at] = bias ? centred : centred + total * mean[j]! * targetMean[c]!;
    }
  }
  return { targetMean, targetSquares, bytesRead: n * size.rowBytes };
}

function sumsOfBytes(
  arena: Arena,
  { dataset, size, scaling }: NormalEquationInput,
  running: RunningSums,
  origins: Float64Array,
): Sums {
  const { d, k } = size;
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  if (dataset.description.task === 'classification')
    for (let at = 0; at < d * k; at++) mean[at % d]! += cross[at]!;
  const delta = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    delta[j] = mean[j]! / running.total;
    mean[j] = scaling.multiply[j]! * delta[j]! + scaling.add[j]!;
  }
  return { ...running, delta, factor: scaling.multiply, origins };
}

function sumsOfDoubles(
  arena: Arena,
  input: NormalEquationInput,
  running: RunningSums,
  origins: Float64Array,
): Sums {
  const { d, k } = input.size;
  const features = padded4(d);
  const panels = arena.float64('cross panels');
  const centres = originsOf(input);
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  const delta = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    for (let c = 0; c < k; c++) cross[c * d + j] = panels[panelIndex(features, j, c)]!;
    delta[j] = panels[panelIndex(features, j, padded4(k))]! / running.total;
    mean[j] = centres[j]! + delta[j]!;
  }
  return { ...running, delta, factor: new Float64Array(d).fill(1), origins };
}
