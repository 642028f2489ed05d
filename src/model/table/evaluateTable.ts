import { labelColumns } from '../../data/columns/columnMapping.js';
import type { TableSource } from '../../data/table/tableSource.js';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { EvaluateOptions } from '../evaluation/evaluate.js';
import type { EvaluationReport } from '../evaluation/evaluationReport.js';
import { planReport, ReportSum } from '../evaluation/reportSum.js';
import type { Model } from '../saveModel.js';
import { scoreTable } from './scoreTable.js';
import { fitTable } from './tableFit.js';

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
  options: EvaluateOptions,
): Promise<EvaluationReport> {
  const { bufferBytes, signal, scratchFolder } = options;
  const fit = fitTable(model, source);
  if (fit.labels === undefined) {
    const labels = model.columns === undefined ? [] : labelColumns(model.columns);
    const label = labels.find((column) => !source.columns.includes(column));
    const which = labels.length > 1 ? `one of the ${labels.length} labels` : 'the label';
    throw new MlmlError(
      'MLML_BAD_DATA',
      label === undefined
        ? `${source.name}: the model does not know which column is the label: it was trained on rows without names of columns; import the table first`
        : `${source.name}: has no column ${JSON.stringify(label)}, ${which}; mlml predict does without`,
    );
  }
  const plan = planReport(model, undefined, bufferBytes / 2, scratchFolder !== undefined);
  const report = new ReportSum(model, plan, storage, scratchFolder);
  try {
    const scoring = { ...options, bufferBytes: bufferBytes - plan.bytes };
    for await (const block of scoreTable(storage, model, source, fit, scoring, true)) {
      await report.add(block);
      options.onProgress?.(block.firstRow + block.rows);
    }
    return await report.result(async (sum) => sum.plainResult(), signal);
  } finally {
    await report.close();
  }
}
