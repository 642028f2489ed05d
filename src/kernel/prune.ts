import { MlmlError } from '../errors.js';
import type { KernelModel } from './kernelModel.js';

/** Which rows to keep: one of the two. */
export interface PruneOptions {
  /** Share of the rows, above 0 and at most 1: those with the largest coefficients. */
  readonly keep?: number;
  /** Rows whose coefficients reach this share of the largest norm of a row's coefficients. */
  readonly tol?: number;
}

/**
 * The same model without the rows whose coefficients matter least: those of smallest Euclidean norm over the columns.
 * Scores change; evaluate before and after. The order of rows is kept.
 *
 * @throws MlmlError `MLML_USAGE`
 */
export function pruneModel(model: KernelModel, options: PruneOptions): KernelModel {
  const { n, k, coefficients } = model;
  const { keep, tol } = options;
  if ((keep === undefined) === (tol === undefined)) {
    throw new MlmlError(
      'MLML_USAGE',
      'prune: give either --keep (a share of the rows) or --tol (a share of the largest coefficient)',
    );
  }
  if (keep !== undefined && !(keep > 0 && keep <= 1))
    throw new MlmlError('MLML_USAGE', `--keep=${keep}: must be above 0 and at most 1`);
  if (tol !== undefined && !(tol >= 0 && tol <= 1))
    throw new MlmlError('MLML_USAGE', `--tol=${tol}: must be from 0 to 1`);
  const norms = new Float64Array(n);
  for (let i = 0; i < n; i++) norms[i] = Math.hypot(...coefficients.subarray(i * k, (i + 1) * k));
  const sorted = norms.slice().sort().reverse();
  const most = keep !== undefined ? Math.max(1, Math.round(keep * n)) : n;
  const least = keep !== undefined ? sorted[most - 1]! : tol! * sorted[0]!;
  // Of rows that tie at the edge the first are kept.
  let ties = most - sorted.filter((norm) => norm > least).length;
  const kept: number[] = [];
  for (let i = 0; i < n; i++) {
    const norm = norms[i]!;
    if (norm === 0 || norm < least || (norm === least && ties-- <= 0)) continue;
    kept.push(i);
  }
  // A model of zeros keeps one row, so that it stays a model.
  if (kept.length === 0) kept.push(0);
  const indices = Uint32Array.from(kept, (i) => model.rows.indices?.[i] ?? i);
  const chosen = new Float64Array(kept.length * k);
  for (const [to, from] of kept.entries())
    chosen.set(coefficients.subarray(from * k, (from + 1) * k), to * k);
  // The scores are others: what was fitted to the old ones no longer holds.
  const { calibration: _, ...scoring } = model;
  return { ...scoring, n: kept.length, coefficients: chosen, rows: { ...model.rows, indices } };
}

/** Beyond this share of the sum of absolute coefficients a pruned model scores differently. */
export const NEGLIGIBLE_SHARE = 1e-3;

/** Share of the sum of absolute coefficients that pruning dropped, 0 to 1. */
export function droppedShare(model: KernelModel, pruned: KernelModel): number {
  const size = ({ coefficients }: KernelModel) =>
    coefficients.reduce((sum, value) => sum + Math.abs(value), 0);
  const whole = size(model);
  return whole === 0 ? 0 : Math.max(0, 1 - size(pruned) / whole);
}
