import type { TableSource } from '../../data/table/tableSource.js';
import type { Storage } from '../../storage/storage.js';
import type { EvaluateOptions } from '../evaluation/evaluate.js';
import type { EvaluationReport } from '../evaluation/evaluationReport.js';
import { planReport, ReportSum } from '../evaluation/reportSum.js';
import type { Model } from '../saveModel.js';
import { scoreTable, type TableScoringOptions } from './scoreTable.js';
import { fitLabelledTable } from './tableFit.js';

/**
 * Quality of a model on the rows of a table that has the label of the training table too, in one pass; see `evaluate`. Half of
 * `bufferBytes` is for the order of the scores, whose number is not known before.
 *
 * @throws MlmlError `MLML_BAD_DATA` when there is no label, or columns are missing
 */
export async function evaluateTable(
  storage: Storage,
  model: Model,
  source: TableSource,
  options: EvaluateOptions & Pick<TableScoringOptions, 'budgetBytes'>,
): Promise<EvaluationReport> {
  const { bufferBytes, signal, scratchFolder } = options;
  const fit = fitLabelledTable(model, source);
  const plan = planReport(model, undefined, bufferBytes / 2, scratchFolder !== undefined);
  const report = new ReportSum(model, plan, storage, scratchFolder);
  try {
    const scoring = { budgetBytes: bufferBytes, ...options, bufferBytes: bufferBytes - plan.bytes };
    for await (const block of scoreTable(storage, model, source, fit, scoring, true)) {
      await report.add(block);
      options.onProgress?.(block.firstRow + block.rows);
    }
    return await report.result(async (sum) => sum.plainResult(), signal);
  } finally {
    await report.close();
  }
}
