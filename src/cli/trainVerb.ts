import type { Dataset } from '../data/dataset.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { loadModel } from '../model/loadModel.js';
import { saveModel } from '../model/saveModel.js';
import { allowedBytes, scoreOf, summaryText, type TrainSummary } from '../run/summary.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { heldOutShare, type TrainOptions, type Verb } from '../ssgd/options.js';
import { variantsOf } from '../ssgd/sgd/sweepGrid.js';
import { checkInitialModel } from '../ssgd/warmStart.js';
import type { CommandContext } from './commandContext.js';
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
  let init: LinearModel | undefined;
  await runTraining<TrainSummary, AnyData>(context, { verb, given, words }, async () => {
    // Everything is loaded before the baseline is taken; what comes later is the job's.
    const training = await context.services.training();
    return {
      options,
      allowedBytes: (threads) => allowedBytes(options.bufferBytes, threads),
      warnings: uselessOptions(verb, given, given.has('train')),
      scratch: options.scratch,
      csv: options.logfreq > 0 && verb !== 'closed',
      csvColumns: [
        ...(heldOutShare(options) > 0 ? (['holdout'] as const) : []),
        ...(options.sweep === undefined ? [] : (['model'] as const)),
      ],
      open: (reporter) => openAnyTrainingData(context, verb, given, reporter),
      plan: async (dataset) => {
        // Before anything is made: a model that does not fit leaves no trace.
        init = await initialModel(context, verb, options, dataset);
        return training.planTraining(verb, dataset.description, options);
      },
      work: (run) => trainAndSave(context, training, verb, options, run, init),
      text: summaryText,
    };
  });
}

/** The model that --init names, when it can be started from. */
async function initialModel(
  { services }: CommandContext,
  verb: Verb,
  options: TrainOptions,
  { description }: AnyData,
): Promise<LinearModel | undefined> {
  if (options.init === undefined || verb === 'closed') return undefined;
  const model = (await loadModel(services.storage, options.init)) as LinearModel;
  for (const variant of variantsOf(options)) checkInitialModel(model, description, variant);
  return model;
}

async function trainAndSave(
  context: CommandContext,
  training: Training,
  verb: Verb,
  options: TrainOptions,
  { dataset, paths, log, reporter, scratchFolder, baselineBytes, checkpoint }: TrainingRun<AnyData>,
  init: LinearModel | undefined,
): Promise<TrainSummary> {
  const { storage } = context.services;
  const result = await training.train(verb, dataset, options, {
    storage,
    scratchFolder,
    signal: context.signal,
    checkpoint: { folder: paths.states, ...checkpoint },
    ...(init === undefined ? {} : { init }),
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
    sweep:
      result.sweep?.map(({ model, options: values, fate, heldOut, samples }) => {
        return { model, options: values, fate, holdout: scoreOf(heldOut), samples };
      }) ?? null,
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
