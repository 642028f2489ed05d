import type { RowFile } from '../../data/rowFile.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import { MlmlError } from '../../errors.js';
import { budgetTooSmall } from '../../memory/plan.js';
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
import { defaultThreads } from '../../threads/defaultThreads.js';
import { planRanks, type RankPlan } from '../evaluation/rankPlan.js';
import { ScoreRuns } from '../evaluation/scoreRuns.js';
import { budgetFor, bytesBeside, finiteScores } from '../finiteScores.js';
import type { Model } from '../saveModel.js';
import { leastBytes, type ScoringOptions } from '../scoreModel.js';
import { fitIsotonic } from './fitIsotonic.js';
import { fitSigmoid, type ScoreWalk } from './fitSigmoid.js';

export interface CalibrateOptions extends ScoringOptions {
  readonly method: CalibrationMethod;
  /** Folder for sorted scores, when there are more than memory holds. */
  readonly scratchFolder: string;
  /** Of the data set the rows are from. */
  readonly fingerprint: string;
  /** Called now and then with the rows done. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Fits probabilities to the scores of a classification on rows that it was not trained on; `{ ...model, calibration }` is the model
 * that gives them. Each class is fitted against the rest. Scores are sorted in half of `bufferBytes`, on disk if need be.
 *
 * @throws MlmlError `MLML_BAD_DATA` when a class has no rows, or all; `MLML_BUDGET_TOO_SMALL`
 */
export async function calibrate(
  storage: Storage,
  model: Model,
  file: RowFile | SparseRowFile,
  options: CalibrateOptions,
): Promise<ScoreCalibration> {
  if (model.task !== 'classification')
    throw new MlmlError(
      'MLML_USAGE',
      'a model of regression has no classes, so no probabilities to calibrate',
    );
  const { bufferBytes, signal, nthreads = defaultThreads(), method, fingerprint } = options;
  const columns = model.k <= 2 ? 1 : model.k;
  const least = leastBytes(model, file, nthreads);
  const plan = planRanks(file.rows, columns, bytesBeside(bufferBytes, least), true);
  if (plan.runRows === 0) {
    throw budgetTooSmall(
      `sorting the scores of ${file.rows} rows for ${columns} classes`,
      budgetFor(plan.exactBytes, least),
      bufferBytes,
    );
  }
  let scratch: Scratch | undefined;
  try {
    const runs = new ScoreRuns(plan, async () => {
      scratch = await Scratch.open(storage, options.scratchFolder, plan.scratchBytes);
      return await scratch.create('scores', {});
    });
    const scoring = { ...options, nthreads, bufferBytes: bufferBytes - plan.bytes };
    for await (const block of finiteScores(storage, model, file, scoring))
      await addScores(model, block, runs, plan);
    await runs.sort();
    const curves: (SigmoidCurve | IsotonicCurve)[] = [];
    for (let column = 0; column < columns; column++) {
      signal?.throwIfAborted();
      const walk: ScoreWalk = (visit) => runs.merge(column, visit);
      requireBoth(model, column, runs);
      curves.push(await (method === 'sigmoid' ? fitSigmoid(walk) : fitIsotonic(walk)));
    }
    return { method, rows: file.rows, fingerprint, curves } as ScoreCalibration;
  } finally {
    await scratch?.close();
  }
}

async function addScores(
  { k }: ScoreMeaning,
  { rows, scores, labels }: ScoredBlock,
  runs: ScoreRuns,
  plan: RankPlan,
): Promise<void> {
  checkLabels(labels, rows, Math.max(k, 2));
  for (let i = 0; i < rows; i++) {
    if (runs.full && !runs.exhausted) await runs.spill();
    if (plan.columns === 1) runs.add(0, binaryScore(scores, i * k, k), labels[i] === 1);
    else for (let c = 0; c < k; c++) runs.add(c, scores[i * k + c]!, labels[i] === c);
    runs.endRow();
  }
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
