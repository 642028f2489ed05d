import type { CommandContext } from '../../src/cli/commandContext.js';
import { runCommand } from '../../src/cli/runCommand.js';
import type { Services, Training } from '../../src/cli/services.js';
import { openDataset } from '../../src/data/dataset.js';
import { DatasetWriter } from '../../src/data/datasetWriter.js';
import type { ImportOptions } from '../../src/data/import/importOptions.js';
import type { OpenOptions } from '../../src/data/import/openByName.js';
import type { RawRows } from '../../src/data/rawRows.js';
import type { RowFile } from '../../src/data/rowFile.js';
import { MlmlError } from '../../src/errors.js';
import type { KernelJobs } from '../../src/kernel/jobs.js';
import type { Plan } from '../../src/memory/plan.js';
import type { EvaluationReport } from '../../src/model/evaluation/evaluationReport.js';
import { isKernelModel } from '../../src/model/saveModel.js';
import { calibrateTable } from '../../src/model/table/calibrateTable.js';
import { evaluateTable } from '../../src/model/table/evaluateTable.js';
import { openModelArrays } from '../../src/model/table/openModelArrays.js';
import { openModelLibsvm } from '../../src/model/table/openModelLibsvm.js';
import { openModelTable } from '../../src/model/table/openModelTable.js';
import { predictTable } from '../../src/model/table/predictTable.js';
import type { Evaluation } from '../../src/ssgd/events.js';
import type { LinearModel } from '../../src/ssgd/linearModel.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';
import { fakeKernels, storedKernels } from './fakeKernels.js';

export const fakePlan: Plan = {
  job: 'ssgd on 2 features x 3 classes',
  budgetBytes: 1e6,
  regions: [{ name: 'weights', bytes: 48 }],
  plannedPeakBytes: 512,
  passes: 4,
  bytesRead: 120,
  bytesWritten: 90,
  scratchBytes: 30,
  neededScratchBytes: 20,
  notes: ['rows are scattered into 2 buckets'],
};

/** Three classes of 2 byte features: the class of (x, y) is 0 when both are small, 1 when x is large, 2 when y is. */
export const threeClasses: LinearModel = {
  task: 'classification',
  loss: 'softmax',
  d: 2,
  k: 3,
  scaling: { name: 'unit', multiply: new Float64Array(2).fill(1 / 255), add: new Float64Array(2) },
  weights: Float64Array.of(0, 0, 1, 0, 0, 1),
  intercept: Float64Array.of(0.25, 0, 0),
  classNames: ['none', 'right', 'up, high'],
  fingerprint: 'f',
};

/** Makes a data set of ten training rows and two test rows at `folder`. */
export async function makeDataset(storage: Storage, folder: string, task: 'classification' | 'regression') {
  const writer = await DatasetWriter.create(storage, folder, {
    name: 'tiny',
    task,
    d: 2,
    k: task === 'classification' ? 3 : 1,
    dtype: 'uint8',
    ...(task === 'classification' ? { classNames: ['none', 'right', 'up, high'] } : {}),
  });
  const rows = Array.from({ length: 10 }, () => [255, 0, 1]).flat();
  await writer.append('train', Uint8Array.from(rows), 10);
  await writer.append('test', Uint8Array.of(0, 255, 2, 0, 0, 0), 2);
  return await writer.finish({ description: 'made for a test', files: [] });
}

export interface FakeRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly storage: MemoryStorage;
  readonly opened: readonly { readonly source: string; readonly request: OpenOptions }[];
  readonly raw: readonly RawRows[];
  readonly verified: readonly string[];
}

export interface FakeWorld {
  readonly storage?: MemoryStorage;
  /** What the command sees of it; default: all. */
  readonly disk?: (storage: MemoryStorage) => Storage;
  readonly task?: 'classification' | 'regression';
  readonly train?: Training['train'];
  /** What differs from `fakePlan`. */
  readonly plan?: Partial<Plan>;
  readonly kernels?: Partial<KernelJobs>;
  /** The folder of stored kernels is empty; otherwise it has those of `fakeKernels`. */
  readonly noKernels?: boolean;
  readonly signal?: AbortSignal;
}

const trainEvaluation: Evaluation = { rows: 10, loss: 0.5, accuracy: 0.9 };
const testEvaluation: Evaluation = { rows: 2, loss: 0.25, accuracy: 0.5 };

const figures = { precision: 0.5, recall: 1, f1: 2 / 3, rocAuc: 0.75, averagePrecision: 0.8125 };
const absent = { precision: 0, recall: 0, f1: 0, rocAuc: null, averagePrecision: null };

/** What the evaluation that evaluates nothing says. */
export const fakeReport: EvaluationReport = {
  ...testEvaluation,
  classification: {
    classes: [
      { class: 0, name: 'none', rows: 1, predicted: 2, ...figures },
      { class: 1, name: 'right', rows: 0, predicted: 0, ...absent },
      { class: 2, name: 'up, high', rows: 1, predicted: 0, ...absent, rocAuc: 0.25 },
    ],
    macro: { ...figures, precision: 0.25, recall: 0.5, f1: 1 / 3 },
    weighted: { ...figures, precision: 0.25 },
    confusion: [
      [1, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
    ],
    logLoss: 0.25,
    calibration: {
      expectedError: 0.125,
      largestError: 0.25,
      bins: [
        { from: 0, to: 0.5, rows: 0, probability: 0, share: 0 },
        { from: 0.5, to: 1, rows: 2, probability: 0.625, share: 0.5 },
      ],
    },
    ranking: {
      method: 'histogram',
      rocAucError: 0.001,
      averagePrecisionError: 0.002,
      scratchBytes: 0,
      bins: 64,
      exactBufferBytes: 2.5e6,
    },
  },
};

/** Trains nothing, but tells and returns everything. */
export const fakeTrain: Training['train'] = async (_verb, _dataset, options, { onEvent }) => {
  onEvent?.({ type: 'plan', plan: fakePlan });
  onEvent?.({ type: 'rate', eta0: 0.125, reason: 'from the largest row norm' });
  const progress = { type: 'progress', total: 30, epoch: 1, bytesRead: 60, bytesWritten: 0 } as const;
  onEvent?.({ ...progress, phase: 'train', done: 10 });
  onEvent?.({ type: 'row', step: 1, samples: 10, epoch: 1, loss: 1.5, learningRate: 0.125 });
  onEvent?.({ type: 'log', step: 1000, loss: 1.25, trainAccuracy: 0.5, testAccuracy: undefined });
  onEvent?.({ type: 'log', step: 2000, loss: 0.75, trainAccuracy: 0.75, testAccuracy: 0.5 });
  onEvent?.({ type: 'evaluation', part: 'test', epoch: 3, evaluation: testEvaluation });
  const model = { ...threeClasses, loss: options.loss };
  const figures = { epochs: 3, samples: 30, seconds: 0.5, bytesRead: 120, bytesWritten: 90 };
  return { model, plan: fakePlan, ...figures, train: trainEvaluation, test: testEvaluation };
};

/** Runs a command line against a file system in memory, a fixed date and a trainer that does not train. */
export async function fakeCommand(words: readonly string[], world: FakeWorld = {}): Promise<FakeRun> {
  const storage = world.storage ?? new MemoryStorage();
  const opened: FakeRun['opened'][number][] = [];
  const raw: RawRows[] = [];
  const verified: string[] = [];
  let stdout = '';
  let stderr = '';
  let milliseconds = 0;
  for (const { folder } of world.noKernels ? [] : storedKernels) await storage.makeFolder(folder);
  const services: Services = {
    storage: world.disk?.(storage) ?? storage,
    async training() {
      return {
        planTraining: (_verb, _description, options) => {
          if (options.bufferBytes < 1000) throw new MlmlError('MLML_BUDGET_TOO_SMALL', 'ssgd needs more');
          return { ...fakePlan, budgetBytes: options.bufferBytes, ...world.plan };
        },
        train: world.train ?? fakeTrain,
      };
    },
    async kernels() {
      return { ...fakeKernels, ...world.kernels };
    },
    async scoring() {
      return {
        calibrateModel: async (_model, file, { method, fingerprint }) => {
          const from = { rows: file.rows, fingerprint };
          if (method === 'sigmoid')
            return { method, ...from, curves: [0, 1, 2].map(() => ({ slope: -2, intercept: 1 })) };
          return {
            method,
            ...from,
            curves: [0, 1, 2].map(() => ({ scores: [0, 1], probabilities: [0.25, 0.75] })),
          };
        },
        async evaluateModel() {
          return fakeReport;
        },
        async *scoreRows(model, given) {
          const file = given as RowFile;
          if (isKernelModel(model)) {
            const scores = new Float64Array(file.rows * model.k);
            for (let i = 0; i < file.rows; i++) scores[i * model.k + 1] = 1;
            yield { scores, rows: file.rows, firstRow: 0 };
            return;
          }
          const scores = new Float64Array(model.k);
          const row = new Uint8Array(file.layout.rowBytes);
          for (let i = 0; i < file.rows; i++) {
            await file.readRows(row, i, 1);
            for (let c = 0; c < model.k; c++) {
              scores[c] = model.intercept[c]!;
              for (let j = 0; j < model.d; j++)
                scores[c]! += (model.weights[c * model.d + j]! * row[j]!) / 255;
            }
            yield { scores, rows: 1, firstRow: i };
          }
        },
      };
    },
    async readers() {},
    tables: async () => ({
      openModelArrays,
      openModelLibsvm,
      openModelTable,
      predictTable,
      evaluateTable,
      calibrateTable,
    }),
    async importing() {
      const openByName = async (_storage: unknown, source: string, request: OpenOptions) => {
        opened.push({ source, request });
        const folder = `data/${source}`;
        if ((await storage.status(folder)) === undefined) {
          request.onNotice?.(`${source} has not been imported yet`);
          request.onProgress?.({ phase: 'download', what: source, done: 1, total: 2 });
          await makeDataset(storage, folder, world.task ?? 'classification');
        }
        return await openDataset(storage, folder);
      };
      const importDataset = async (_storage: unknown, source: string, options: ImportOptions) => {
        opened.push({ source, request: options });
        return await makeDataset(storage, options.out, world.task ?? 'classification');
      };
      return {
        isLibsvmFile: async () => false,
        importDataset,
        importWithOrigin: importDataset,
        importForTraining: async (_storage, source, options) =>
          void (await importDataset(_storage, source, options)),
        labelMissing: async () => new MlmlError('MLML_USAGE', 'a label is missing'),
        datasetFolder: async (_storage, name, dataDir = 'data') => `${dataDir}/${name}`,
        openAnyByName: openByName,
        openRawRows: async (_storage, request) => {
          raw.push(request);
          await makeDataset(storage, 'data/raw', request.task ?? 'classification');
          return await openDataset(storage, 'data/raw');
        },
      };
    },
    async verifying() {
      return { verifyDataset: async (_storage, folder) => void verified.push(folder) };
    },
  };
  const context: CommandContext = {
    services,
    stdout: {
      isTTY: false,
      write: async (data) => {
        stdout += typeof data === 'string' ? data : new TextDecoder().decode(data);
      },
    },
    stderr: {
      isTTY: false,
      write: (text) => {
        stderr += text;
      },
    },
    signal: world.signal ?? new AbortController().signal,
    clock: () => milliseconds++,
    now: () => new Date(Date.UTC(2026, 0, 31, 12, 34, 56)),
    residentBytes: () => 50e6,
    peakBytes: () => 60e6,
  };
  await runCommand(context, words);
  return { stdout, stderr, storage, opened, raw, verified };
}
