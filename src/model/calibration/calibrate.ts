import type { RowFile } from '../../data/rowFile.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import { budgetTooSmall } from '../../memory/plan.js';
import type { ScoreCalibration } from '../../ssgd/scoreCalibration.js';
import type { Storage } from '../../storage/storage.js';
import { defaultThreads } from '../../threads/defaultThreads.js';
import { planRanks } from '../evaluation/rankPlan.js';
import { budgetFor, bytesBeside, finiteScores } from '../finiteScores.js';
import type { Model } from '../saveModel.js';
import { leastBytes, type ScoringOptions } from '../scoreModel.js';
import { type CurveOptions, calibratedColumns, fitCurves } from './fitCurves.js';

/** Options of `calibrate`. */
export interface CalibrateOptions extends ScoringOptions, CurveOptions {
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
  const { bufferBytes, nthreads = defaultThreads(), fingerprint } = options;
  const columns = calibratedColumns(model);
  const least = leastBytes(model, file, nthreads);
  const plan = planRanks(file.rows, columns, bytesBeside(bufferBytes, least), true);
  if (plan.runRows === 0) {
    throw budgetTooSmall(
      `sorting the scores of ${file.rows} rows for ${columns} classes`,
      budgetFor(plan.exactBytes, least),
      bufferBytes,
    );
  }
  const scoring = { ...options, nthreads, bufferBytes: bufferBytes - plan.bytes };
  const blocks = finiteScores(storage, model, file, scoring);
  return { ...(await fitCurves(storage, model, plan, blocks, options)), fingerprint } as ScoreCalibration;
}
