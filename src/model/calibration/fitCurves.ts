import { MlmlError } from '../../errors.js';
import { checkLabels } from '../../ssgd/checkLabels.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import type { ScoredBlock } from '../../ssgd/score.js';
import {
  binaryScore,
  type CalibrationMethod,
  type IsotonicCurve,
  type ScoreCalibration,
  type SigmoidCurve,
} from '../../ssgd/scoreCalibration.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { RankPlan } from '../evaluation/rankPlan.js';
import { ScoreRuns } from '../evaluation/scoreRuns.js';
import { fitIsotonic } from './fitIsotonic.js';
import { fitSigmoid, type ScoreWalk } from './fitSigmoid.js';

/** Options of calibrations that say how curves are fitted. */
export interface CurveOptions {
  readonly method: CalibrationMethod;
  /** Folder for sorted scores, when there are more than memory holds. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * Classes that get a curve each, against the rest: one for two classes.
 *
 * @throws MlmlError `MLML_USAGE` for a regression
 */
export function calibratedColumns({ task, k }: ScoreMeaning): number {
  if (task === 'classification') return k <= 2 ? 1 : k;
  throw new MlmlError('MLML_USAGE', 'a model of regression has no classes, so no probabilities to calibrate');
}

/**
 * Fits a curve to the scores of each class, in the memory of a plan for as many columns as `calibratedColumns`.
 *
 * @throws MlmlError `MLML_BAD_DATA` when a class has no rows, or all; `MLML_BUDGET_TOO_SMALL` when more rows come than can be sorted
 */
export async function fitCurves(
  storage: Storage,
  model: ScoreMeaning,
  plan: RankPlan,
  blocks: AsyncIterable<Pick<ScoredBlock, 'rows' | 'scores' | 'labels'>>,
  { method, scratchFolder, signal }: CurveOptions,
): Promise<Omit<ScoreCalibration, 'fingerprint'>> {
  let scratch: Scratch | undefined;
  try {
    const runs = new ScoreRuns(plan, async () => {
      scratch = await Scratch.open(storage, scratchFolder, plan.scratchBytes);
      return await scratch.create('scores', {});
    });
    let rows = 0;
    for await (const block of blocks) {
      await addScores(model, block, runs, plan);
      rows += block.rows;
    }
    await runs.sort();
    const curves: (SigmoidCurve | IsotonicCurve)[] = [];
    for (let column = 0; column < plan.columns; column++) {
      signal?.throwIfAborted();
      const walk: ScoreWalk = (visit) => runs.merge(column, visit);
      requireBoth(model, column, runs);
      curves.push(await (method === 'sigmoid' ? fitSigmoid(walk) : fitIsotonic(walk)));
    }
    return { method, rows, curves } as Omit<ScoreCalibration, 'fingerprint'>;
  } finally {
    await scratch?.close();
  }
}

async function addScores(
  { k }: ScoreMeaning,
  { rows, scores, labels }: Pick<ScoredBlock, 'rows' | 'scores' | 'labels'>,
  runs: ScoreRuns,
  plan: RankPlan,
): Promise<void> {
  checkLabels(labels, rows, Math.max(k, 2));
  for (let i = 0; i < rows; i++) {
    if (runs.full) await makeRoom(runs, plan);
    if (plan.columns === 1) runs.add(0, binaryScore(scores, i * k, k), labels[i] === 1);
    else for (let c = 0; c < k; c++) runs.add(c, scores[i * k + c]!, labels[i] === c);
    runs.endRow();
  }
}

/** Of a known number of rows the plan has room for all. */
async function makeRoom(runs: ScoreRuns, plan: RankPlan): Promise<void> {
  if (!runs.exhausted) return await runs.spill();
  throw new MlmlError(
    'MLML_BUDGET_TOO_SMALL',
    `more than ${plan.runRows * plan.mostRuns} rows: their scores cannot be sorted within --buffer; give a larger one`,
  );
}

/** A curve needs rows of the class and others. */
function requireBoth({ k, classNames }: ScoreMeaning, column: number, runs: ScoreRuns): void {
  const { own, others } = runs.counts(column);
  if (own > 0 && others > 0) return;
  const number = k <= 2 ? 1 : column;
  const name = classNames[number];
  const which = `class ${number}${name === undefined || name === String(number) ? '' : ` (${name})`}`;
  throw new MlmlError(
    'MLML_BAD_DATA',
    `${own === 0 ? 'no row is' : 'all rows are'} of ${which}: probabilities need rows of each class`,
  );
}
