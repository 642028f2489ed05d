/**
 * `mlml`: memory-limited machine learning. Everything the command line does, as functions.
 *
 * @example
 * import { defaultOptions, nodeStorage, openByName, predict, saveModel, train } from 'mlml';
 *
 * const dataset = await openByName(nodeStorage, 'digits');
 * const { model, test } = await train('ssgd', dataset, { ...defaultOptions, bufferBytes: 1e6 }, {
 *   storage: nodeStorage,
 *   scratchFolder: 'scratch',
 * });
 * console.log(test?.accuracy);
 * await saveModel(nodeStorage, 'model', model);
 * await predict(nodeStorage, model, dataset.test, 'predictions.csv', { bufferBytes: 1e6 });
 * await dataset.close();
 *
 * @module
 */
export * from './data/data.js';
export * from './kernel/kernel.js';
export { formatBytes, parseByteSize } from './memory/byteSize.js';
export type { ByteSink } from './model/byteSink.js';
export { type CalibrateOptions, calibrate } from './model/calibration/calibrate.js';
export { saveCalibration } from './model/calibration/saveCalibration.js';
export { type EvaluateOptions, evaluate } from './model/evaluation/evaluate.js';
export type {
  Calibration,
  ClassFigures,
  ClassificationReport,
  ClassReport,
  EvaluationReport,
  RankingNote,
  ReliabilityBin,
} from './model/evaluation/evaluationReport.js';
export type { RankMethod } from './model/evaluation/rankPlan.js';
export {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportFormats,
  exportModel,
} from './model/export/exportModel.js';
export type { PortDescription } from './model/export/onnx/graphBuilder.js';
export type { Dimension } from './model/export/onnx/messages.js';
export { loadModel } from './model/loadModel.js';
export { type PredictOptions, predict } from './model/predict.js';
export type { InputRow } from './model/predictor/inputEncoder.js';
export {
  openPredictor,
  type Prediction,
  type Predictor,
  type PredictorOptions,
  type PredictRowsOptions,
  type PredictStreamOptions,
} from './model/predictor/predictor.js';
export { RowError } from './model/predictor/rowError.js';
export { probabilitiesOf } from './model/probabilities.js';
export { type Model, type SaveOptions, saveModel } from './model/saveModel.js';
export { type ScoringOptions, scoreModel } from './model/scoreModel.js';
export { calibrateTable } from './model/table/calibrateTable.js';
export { evaluateTable } from './model/table/evaluateTable.js';
export { type ModelArrayOptions, type ModelArrays, openModelArrays } from './model/table/openModelArrays.js';
export { type ModelLibsvmOptions, openModelLibsvm } from './model/table/openModelLibsvm.js';
export { type ModelTableOptions, openModelTable } from './model/table/openModelTable.js';
export { type PredictTableOptions, predictTable } from './model/table/predictTable.js';
export type { OwnScores, TableScores, TableScoringOptions } from './model/table/scoreTable.js';
export type { ServeEvent, ServeOptions } from './serve/serveOptions.js';
export { type ModelServer, startServer } from './serve/server.js';
export * from './ssgd/ssgd.js';
