import type { Dataset } from '../data/dataset.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import { saveModel } from '../model/saveModel.js';
import type { RunDescription } from '../run/runFolder.js';
import {
  allowedBytes,
  crossValidationLine,
  scoreOf,
  summaryText,
  type TrainSummary,
} from '../run/summary.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { heldOutShare, type TrainOptions, type Verb } from '../ssgd/options.js';
import { variantsOf } from '../ssgd/sgd/sweepGrid.js';
import type { TrainContext } from '../ssgd/train.js';
import { checkInitialModel, modelHash } from '../ssgd/warmStart.js';
import type { CommandContext } from './commandContext.js';
import { givenFile } from './givenFile.js';
import { openAnyTrainingData } from './openData.js';
import type { Arguments } from './parseArguments.js';
import type { Training } from './services.js';
import { runTraining, type TrainingRun } from './trainingRun.js';
import { trainOptions, uselessOptions } from './trainSettings.js';

type AnyData = Dataset | SparseDataset;

/** closed, gd, sgd, ssgd, hsgd: trains a linear model and leaves a run folder. */
export async function trainVerb(
  context: CommandContext,
  verb: Verb,
  given: Arguments,
  words: readonly string[],
): Promise<void> {
  const options = trainOptions(given);
  let start: StartingModel = {};
  await runTraining<TrainSummary, AnyData>(context, { verb, given, words }, async () => {
    // Everything is loaded before the baseline is taken; what comes later is the job's.
    const training = await context.services.training();
    const file = await givenFile(context.services.storage, verb, given);
    return {
      options,
      allowedBytes: (threads) => allowedBytes(options.bufferBytes, threads),
      warnings: uselessOptions(verb, given, file !== undefined),
      scratch: options.scratch,
      csv: options.logfreq > 0 && verb !== 'closed',
      csvColumns: [
        ...(heldOutShare(options) > 0 ? (['holdout'] as const) : []),
        ...(options.sweep === undefined ? [] : (['model'] as const)),
      ],
      open: (reporter, folder) => openAnyTrainingData(context, verb, given, reporter, folder),
      plan: async (dataset, _scratch, earlier) => {
        // Before anything is made: a model that does not fit leaves no trace.
        start = await startingModel(context, verb, options, dataset, earlier);
        return training.planTraining(verb, dataset.description, options);
      },
      init: () => (start.init === undefined ? start.missingInit?.hash : modelHash(start.init)),
      work: (run) => trainAndSave(context, training, verb, options, run, start),
      text: summaryText,
    };
  });
}

type StartingModel = Pick<TrainContext, 'init' | 'missingInit'>;

/**
 * The model that --init names, when it can be started from. A run that is gone on with has its weights in its states: it can
 * do without the model, and must not go on with another one.
 */
async function startingModel(
  { services }: CommandContext,
  verb: Verb,
  options: TrainOptions,
  { description }: AnyData,
  earlier: { readonly run: RunDescription; readonly folder: string } | undefined,
): Promise<StartingModel> {
  if (options.init === undefined || verb === 'closed') return {};
  const hash = earlier?.run.init;
  let model: LinearModel;
  try {
    model = (await loadModel(services.storage, options.init)) as LinearModel;
  } catch (error) {
    if (hash === undefined || !(error instanceof MlmlError)) throw error;
    const message = `${error.message}; this run began from that model and must begin from it again: put the model back`;
    return { missingInit: { hash, error: new MlmlError(error.code, message, { cause: error }) } };
  }
  for (const variant of variantsOf(options)) checkInitialModel(model, description, variant);
  if (hash !== undefined && hash !== modelHash(model)) {
    throw new MlmlError(
      'MLML_MISMATCH',
      `${earlier!.folder}: the model of --init=${options.init} is another one than when this run began; ` +
        'put that one back (or take this one away: a run that has saved a state goes on without it), or give another --out',
    );
  }
  return { init: model };
}

async function trainAndSave(
  context: CommandContext,
  training: Training,
  verb: Verb,
  options: TrainOptions,
  { dataset, paths, log, reporter, scratchFolder, baselineBytes, checkpoint }: TrainingRun<AnyData>,
  start: StartingModel,
): Promise<TrainSummary> {
  const { storage } = context.services;
  const result = await training.train(verb, dataset, options, {
    storage,
    scratchFolder,
    signal: context.signal,
    checkpoint: { folder: paths.states, ...checkpoint },
    ...start,
    onEvent: (event) => {
      log.record(event);
      reporter.event(event);
    },
  });
  await saveModel(storage, paths.model, result.model);
  const { n } = dataset.description.parts.train;
  const { d, k, name } = dataset.description;
  return {
    verb,
    dataset: name,
    n: options.subset > 0 ? Math.min(options.subset, n) : n,
    d,
    k,
    epochs: result.epochs,
    train: scoreOf(result.train),
    trainIs: result.train === undefined ? null : options.simulated ? 'evaluation' : 'running',
    test: scoreOf(result.test),
    holdout: scoreOf(result.heldOut),
    bestEpoch: result.bestEpoch ?? null,
    halvings: result.halvings ?? null,
    sweep:
      result.sweep?.map(({ model, options: values, fate, heldOut, samples }) => {
        return { model, options: values, fate, holdout: scoreOf(heldOut), samples };
      }) ?? null,
    crossValidation: result.crossValidation?.map(crossValidationLine) ?? null,
    seconds: result.seconds,
    samples: result.samples,
    samplesPerSecond: result.seconds > 0 ? result.samples / result.seconds : 0,
    bytesRead: result.bytesRead,
    bytesWritten: result.bytesWritten,
    bufferBytes: options.bufferBytes,
    nthreads: result.plan.threads ?? 1,
    plannedPeakBytes: result.plan.plannedPeakBytes,
    peakRssBytes: context.peakBytes(),
    baselineRssBytes: baselineBytes,
    run: paths.folder,
    model: paths.model,
  };
}
