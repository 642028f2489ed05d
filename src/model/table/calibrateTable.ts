import type { TableSource } from '../../data/table/tableSource.js';
import type { ScoreCalibration } from '../../ssgd/scoreCalibration.js';
import type { Storage } from '../../storage/storage.js';
import type { CalibrateOptions } from '../calibration/calibrate.js';
import { calibratedColumns, fitCurves } from '../calibration/fitCurves.js';
import { leastRunBytes, planRanks } from '../evaluation/rankPlan.js';
import type { Model } from '../saveModel.js';
import { scoreTable, shareTooSmall, type TableScoringOptions } from './scoreTable.js';
import { fitLabelledTable } from './tableFit.js';

/**
 * Fits probabilities to the scores of a classification on the rows of a table that has the label of the training table too; see
 * `calibrate`. The scores are sorted in half of `bufferBytes`, on disk if need be. The table is read once.
 *
 * @throws MlmlError `MLML_BAD_DATA` when there is no label, columns are missing, or a class has no rows or all;
 * `MLML_BUDGET_TOO_SMALL`
 */
export async function calibrateTable(
  storage: Storage,
  model: Model,
  source: TableSource,
  options: Omit<CalibrateOptions, 'fingerprint'> & Pick<TableScoringOptions, 'budgetBytes'>,
): Promise<ScoreCalibration> {
  const { bufferBytes, onProgress } = options;
  const columns = calibratedColumns(model);
  const fit = fitLabelledTable(model, source);
  const plan = planRanks(undefined, columns, bufferBytes / 2, true, true);
  if (plan.runRows === 0)
    throw shareTooSmall(
      `sorting the scores of a table for ${columns} classes`,
      2 * leastRunBytes(columns),
      options,
    );
  const scoring = { budgetBytes: bufferBytes, ...options, bufferBytes: bufferBytes - plan.bytes };
  const blocks = async function* () {
    for await (const block of scoreTable(storage, model, source, fit, scoring, true)) {
      yield block;
      onProgress?.(block.firstRow + block.rows);
    }
  };
  const fitted = await fitCurves(storage, model, plan, blocks(), options);
  return { ...fitted, fingerprint: '' } as ScoreCalibration;
}
