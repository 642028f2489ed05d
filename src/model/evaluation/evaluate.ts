import type { RowFile } from '../../data/rowFile.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import type { Storage } from '../../storage/storage.js';
import { defaultThreads } from '../../threads/defaultThreads.js';
import { budgetFor, bytesBeside, finiteScores } from '../finiteScores.js';
import type { Model } from '../saveModel.js';
import { leastBytes, type ScoringOptions } from '../scoreModel.js';
import type { EvaluationReport } from './evaluationReport.js';
import { planReport, ReportSum } from './reportSum.js';

/** Options of `evaluate`. */
export interface EvaluateOptions extends ScoringOptions {
  /**
   * Folder for sorted scores, when there are more than memory holds. Without one, areas and average precisions of so many rows come from
   * histograms, with a bound on their error.
   */
  readonly scratchFolder?: string;
  /** Called now and then with the rows done. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Quality of a model on a part of a data set, in one pass inside `bufferBytes`: loss; accuracy, precision, recall, F1, errors by class,
 * log loss, areas under ROC curves, average precisions and calibration (classification); rmse, mae and r2 (regression).
 *
 * @example
 * const { classification } = await evaluate(nodeStorage, model, dataset.test, { bufferBytes: 1e7 });
 * console.log(classification?.macro.rocAuc);
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`; `MLML_DISK_FULL` when the scratch has no room
 */
export async function evaluate(
  storage: Storage,
  model: Model,
  file: RowFile | SparseRowFile,
  options: EvaluateOptions,
): Promise<EvaluationReport> {
  const { bufferBytes, signal, nthreads = defaultThreads() } = options;
  const least = leastBytes(model, file, nthreads);
  const beside = bytesBeside(bufferBytes, least);
  const plan = planReport(model, file.rows, beside, options.scratchFolder !== undefined);
  const report = new ReportSum(model, plan, storage, options.scratchFolder);
  try {
    const scoring = { ...options, nthreads, bufferBytes: bufferBytes - plan.bytes };
    for await (const block of finiteScores(storage, model, file, scoring)) await report.add(block);
    const result = await report.result((sum) => sum.result(file, signal), signal);
    return withBudget(result, (bytes) => budgetFor(bytes, least));
  } finally {
    await report.close();
  }
}

/** The same report, with what would make it exact told as a budget of all together. */
function withBudget(report: EvaluationReport, budget: (bytes: number) => number): EvaluationReport {
  const { classification } = report;
  if (classification === undefined || classification.ranking.exactBufferBytes === 0) return report;
  const { ranking } = classification;
  const exactBufferBytes = budget(ranking.exactBufferBytes);
  return { ...report, classification: { ...classification, ranking: { ...ranking, exactBufferBytes } } };
}
