import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription, DatasetOrigin } from '../data/format.js';
import type { ImportOptions } from '../data/import/importOptions.js';
import type { OpenOptions } from '../data/import/openByName.js';
import type { OpenRawOptions, RawRows } from '../data/rawRows.js';
import type { RowFile } from '../data/rowFile.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import type { SparseRowFile } from '../data/sparse/sparseRowFile.js';
import type { OpenTableOptions } from '../data/table/openTable.js';
import type { KernelJobs } from '../kernel/jobs.js';
import type { Plan } from '../memory/plan.js';
import type { EvaluationReport } from '../model/evaluation/evaluationReport.js';
import type { Model } from '../model/saveModel.js';
import type { calibrateTable } from '../model/table/calibrateTable.js';
import type { evaluateTable } from '../model/table/evaluateTable.js';
import type { openModelArrays } from '../model/table/openModelArrays.js';
import type { openModelLibsvm } from '../model/table/openModelLibsvm.js';
import type { openModelTable } from '../model/table/openModelTable.js';
import type { predictTable } from '../model/table/predictTable.js';
import type { ScoreBlock } from '../model/writePredictions.js';
import type { TrainOptions, Verb } from '../ssgd/options.js';
import type { CalibrationMethod, ScoreCalibration } from '../ssgd/scoreCalibration.js';
import type { TrainContext, TrainResult } from '../ssgd/train.js';
import type { Storage } from '../storage/storage.js';

export interface Training {
  planTraining(verb: Verb, description: DatasetDescription, options: TrainOptions): Plan;
  train(
    verb: Verb,
    dataset: Dataset | SparseDataset,
    options: TrainOptions,
    context: TrainContext,
  ): Promise<TrainResult>;
}

export interface ScoringOptions {
  readonly bufferBytes: number;
  readonly signal?: AbortSignal;
  /** Where the training rows of kernel models are read from. */
  readonly storage: Storage;
  /** Threads at most. */
  readonly nthreads: number;
  /** Called now and then with the rows scored. */
  readonly onProgress?: (rows: number) => void;
}

export interface EvaluationOptions extends ScoringOptions {
  /** Where scores are sorted that do not fit in memory. */
  readonly scratchFolder: string;
}

export interface CalibrationOptions extends EvaluationOptions {
  readonly method: CalibrationMethod;
  /** Of the data set the rows are from. */
  readonly fingerprint: string;
}

export interface Scoring {
  calibrateModel(
    model: Model,
    file: RowFile | SparseRowFile,
    options: CalibrationOptions,
  ): Promise<ScoreCalibration>;
  evaluateModel(
    model: Model,
    file: RowFile | SparseRowFile,
    options: EvaluationOptions,
  ): Promise<EvaluationReport>;
  scoreRows(model: Model, file: RowFile | SparseRowFile, options: ScoringOptions): AsyncIterable<ScoreBlock>;
}

export interface Importing {
  importDataset(storage: Storage, source: string, options: ImportOptions): Promise<DatasetDescription>;
  /** The same, keeping with the data set what it was made of. */
  importWithOrigin(
    storage: Storage,
    source: string,
    options: ImportOptions,
    origin: DatasetOrigin,
  ): Promise<DatasetDescription>;
  /** Makes sure that `options.out` holds a data set of that origin. */
  importForTraining(
    storage: Storage,
    source: string,
    options: ImportOptions,
    origin: DatasetOrigin,
  ): Promise<void>;
  /** The error of a table without a label, with the names of its columns. */
  labelMissing(storage: Storage, source: string, options: OpenTableOptions): Promise<unknown>;
  /** The folder a named data set is imported into and looked for. */
  datasetFolder(storage: Storage, name: string, dataDir?: string, n?: number): Promise<string>;
  /** A folder is opened; a known name is looked up in the data folder and imported first when it is not there. */
  openAnyByName(storage: Storage, source: string, options: OpenOptions): Promise<Dataset | SparseDataset>;
  /** Whether a file begins like LIBSVM text. */
  isLibsvmFile(storage: Storage, path: string): Promise<boolean>;
  openRawRows(storage: Storage, raw: RawRows, options?: OpenRawOptions): Promise<Dataset>;
}

/** Tables as models take them. */
export interface Tables {
  readonly openModelTable: typeof openModelTable;
  readonly openModelArrays: typeof openModelArrays;
  readonly openModelLibsvm: typeof openModelLibsvm;
  readonly predictTable: typeof predictTable;
  readonly evaluateTable: typeof evaluateTable;
  readonly calibrateTable: typeof calibrateTable;
}

export interface Verifying {
  /** Throws at the first thing that is wrong. */
  verifyDataset(
    storage: Storage,
    folder: string,
    onProgress?: (done: number, total: number) => void,
    signal?: AbortSignal,
  ): Promise<unknown>;
}

/**
 * What the verbs do their work with. Each group is loaded when a verb first asks for it, so that a command
 * holds in memory only what it needs; tests give their own.
 */
export interface Services {
  readonly storage: Storage;
  training(): Promise<Training>;
  kernels(): Promise<KernelJobs>;
  scoring(): Promise<Scoring>;
  importing(): Promise<Importing>;
  tables(): Promise<Tables>;
  /** Loads the readers of original files ahead of an import, so that their code counts as Node's baseline. */
  readers(): Promise<unknown>;
  verifying(): Promise<Verifying>;
}
