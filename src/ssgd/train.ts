import { allFinite, badValueError } from '../data/badValue.js';
import type { Dataset } from '../data/dataset.js';
import type { DatasetDescription } from '../data/format.js';
import { rowsByNumber } from '../data/sparse/slotFile.js';
import { isSparse, type SparseDataset } from '../data/sparse/sparseDataset.js';
import { copiedBytes, openSample, sampledDescription, sampledPlan, sampleOf } from '../data/subset.js';
import { MlmlError } from '../errors.js';
import type { Plan } from '../memory/plan.js';
import { type Checkpoint, type CheckpointOptions, openCheckpoint } from '../storage/checkpoint.js';
import type { Storage } from '../storage/storage.js';
import { requireContext, requireDataset, requireDescription, requireOptions } from './checkArguments.js';
import { checkFolds } from './checkFolds.js';
import { checkOptions } from './checkOptions.js';
import type { CrossValidatedModel, Evaluation, SweepModel, TrainListener } from './events.js';
import type { LinearModel } from './linearModel.js';
import { type TrainOptions, type Verb, verbs } from './options.js';
import { planStreaming } from './sgd/planStreaming.js';
import { checkSweep, variantsOf } from './sgd/sweepGrid.js';
import { trainStreaming } from './sgd/trainStreaming.js';
import { checkSparseOptions, planSparse } from './sparse/planSparse.js';
import { trainSparse } from './sparse/trainSparse.js';
import { planSolving, trainBySolving } from './trainBySolving.js';
import { checkInitialModel, type MissingModel, modelHash } from './warmStart.js';
import { worseThanMean } from './worseThanMean.js';

/** What training is given besides rows and options. */
export interface TrainContext {
  readonly storage: Storage;
  /** Where scratch files go; made when needed, left empty. */
  readonly scratchFolder: string;
  /** Start from this model (gd, sgd, ssgd, hsgd). Its scores are the same whatever scaling it was trained with. */
  readonly init?: LinearModel;
  /** Instead of `init`, when it is gone: enough where `checkpoint` has a state. */
  readonly missingInit?: MissingModel;
  readonly signal?: AbortSignal;
  readonly onEvent?: TrainListener;
  /**
   * Saves the state of the job in a folder of its own every so often (default: 30 seconds; see `SavingInterval`), and goes on
   * from what it finds there: killed at any instant, the same call ends in the same bits. States of another data set, verb or
   * options are not used. The folder is gone when training is done. Default: nothing is saved.
   *
   * An abort of `signal` saves a state before the promise is rejected with its reason.
   */
  readonly checkpoint?: TrainCheckpoint;
}

/** What a job is given: the checkpoint is open. */
export interface JobContext extends Omit<TrainContext, 'checkpoint'> {
  /** Default: nothing is saved. */
  readonly checkpoint?: Checkpoint;
}

/** Where and how often the state of training is saved. */
export interface TrainCheckpoint extends Omit<CheckpointOptions, 'signal'> {
  /** Made when it is not there. `MLML_BUSY` when another job holds it. */
  readonly folder: string;
}

/** What training came to. */
export interface TrainResult {
  readonly model: LinearModel;
  readonly plan: Plan;
  readonly epochs: number;
  /** Rows used for updates, counted once per use. */
  readonly samples: number;
  /** Of training and final evaluation. */
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /**
   * With `simulated` over all training rows; otherwise the running figures of the last epoch (sgd, ssgd, hsgd) or
   * `undefined` (closed, gd).
   */
  readonly train: Evaluation | undefined;
  /** `undefined` when the data set has no test rows. */
  readonly test: Evaluation | undefined;
  /** On the held-out rows; absent when none are. */
  readonly heldOut?: Evaluation | undefined;
  /** sgd, ssgd, hsgd: how often the automatic learning rate was halved after a divergence, from which training then recovered. */
  readonly halvings?: number;
  /** With `patience`: the epoch, counted from 1, whose weights are the model. */
  readonly bestEpoch?: number;
  /** With `sweep`: all its models, the best first, which is the model of the result. */
  readonly sweep?: readonly SweepModel[];
  /** With `folds`: one model, or with `sweep` all of its models, the best first, which is (trained on all rows) the model of the result. */
  readonly crossValidation?: readonly CrossValidatedModel[];
}

/** Throws `MLML_USAGE` for options that are wrong by themselves or together, of any model of a sweep. */
function checkAll(verb: Verb, description: DatasetDescription, options: TrainOptions): void {
  if (!(verbs as readonly string[]).includes(verb))
    throw new MlmlError('MLML_USAGE', `${verb}: is no verb of training; use ${verbs.join(', ')}`);
  requireDescription('description', description);
  requireOptions(options);
  checkFolds(verb, description, options);
  checkSweep(verb, options);
  for (const variant of variantsOf(options)) checkOptions(description, variant);
}

/** What a run would use and do. Touches no file. */
export function planTraining(verb: Verb, description: DatasetDescription, options: TrainOptions): Plan {
  checkAll(verb, description, options);
  const sample = sampleOf(description, options);
  if (sample !== undefined) {
    const plan = planTraining(verb, sampledDescription(description, sample), { ...options, subset: 0 });
    return sampledPlan(plan, description, sample);
  }
  if (description.sparse !== undefined) checkSparseOptions(verb, description, options);
  if (verb === 'closed' || verb === 'gd') return planSolving(verb, description, options);
  if (description.sparse !== undefined) return planSparse(verb, description, options);
  return planStreaming(verb, description, options);
}

/**
 * Trains a linear model inside `options.bufferBytes`.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, `MLML_DIVERGED` (also at the end, when the loss of the training rows is far above what it
 * was before training), `MLML_DISK_FULL`, `MLML_USAGE`, …
 */
export async function train(
  verb: Verb,
  dataset: Dataset | SparseDataset,
  given: TrainOptions,
  context: TrainContext,
): Promise<TrainResult> {
  requireDataset(dataset);
  requireOptions(given);
  requireContext(context);
  const { description } = dataset;
  // The plan has room for the model to start from where there is one.
  const options: TrainOptions =
    (context.init ?? context.missingInit) === undefined || given.init !== undefined
      ? given
      : { ...given, init: 'a model' };
  checkAll(verb, description, options);
  checkInit(verb, description, options, context);
  const start = performance.now();
  const sample = sampleOf(description, options);
  const run = async (context: JobContext): Promise<Trained> => {
    if (sample === undefined) return await runVerb(verb, dataset, options, context);
    const sampled = await openSample(dataset, sample, context);
    try {
      const told = (plan: Plan) => sampledPlan(plan, description, sample);
      const { onEvent } = context;
      const trained = await runVerb(
        verb,
        sampled.dataset,
        { ...options, subset: 0 },
        {
          ...context,
          ...(onEvent && {
            onEvent: (event) => onEvent(event.type === 'plan' ? { ...event, plan: told(event.plan) } : event),
          }),
        },
      );
      const copied = copiedBytes(description, sample);
      return {
        ...trained,
        plan: told(trained.plan),
        bytesRead: trained.bytesRead + copied,
        bytesWritten: trained.bytesWritten + copied,
      };
    } finally {
      await sampled.release();
    }
  };
  const { labelRemedy, ...result } = await withCheckpoint(verb, dataset, options, context, run)
    .then(requireFiniteModel)
    .catch(async (error) => {
      throw await nameBadValue(error, verb, dataset, options, context.signal);
    });
  const message = worseThanMean(verb, result, options, labelRemedy);
  if (message !== undefined) context.onEvent?.({ type: 'warning', message });
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/** What a job came to, before it is timed. */
export interface Trained extends Omit<TrainResult, 'seconds'> {
  /** sgd, ssgd, hsgd: what helps where labels lie too far from 0 for single precision. */
  readonly labelRemedy?: string;
}

/** Trains on all rows of a data set, or its first. */
async function runVerb(
  verb: Verb,
  dataset: Dataset | SparseDataset,
  options: TrainOptions,
  context: JobContext,
): Promise<Trained> {
  const { description } = dataset;
  if (description.sparse !== undefined) checkSparseOptions(verb, description, options);
  if (verb === 'closed' || verb === 'gd') {
    const plan = planSolving(verb, description, options);
    context.onEvent?.({ type: 'plan', plan });
    return await trainBySolving(verb, plan, dataset, options, context);
  }
  if (isSparse(dataset)) {
    const plan = planSparse(verb, description, options);
    context.onEvent?.({ type: 'plan', plan });
    return await trainSparse(plan, dataset, options, context);
  }
  const plan = planStreaming(verb, description, options);
  context.onEvent?.({ type: 'plan', plan });
  return await trainStreaming(plan, dataset, options, context);
}

/** Looks at the model to start from; what it warns of becomes events. */
function checkInit(
  verb: Verb,
  description: DatasetDescription,
  options: TrainOptions,
  { init, missingInit, onEvent }: TrainContext,
): void {
  if (options.init === undefined || verb === 'closed' || missingInit !== undefined) return;
  if (init === undefined)
    throw new MlmlError('MLML_USAGE', `--init=${options.init}: load the model and give it as context.init`);
  const messages = variantsOf(options).flatMap((variant) => checkInitialModel(init, description, variant));
  for (const message of new Set(messages)) onEvent?.({ type: 'warning', message });
}

/** A model that cannot be used is a failure, whatever the loss of its last steps. */
function requireFiniteModel<R extends Pick<TrainResult, 'model'>>(result: R): R {
  const { weights, intercept } = result.model;
  if (allFinite(weights) && allFinite(intercept)) return result;
  throw new MlmlError(
    'MLML_DIVERGED',
    'training ended in weights that are not finite numbers: the data hold huge values, or the learning rate is too large',
  );
}

/**
 * The error to show for a failure that NaN or an infinity in the training rows would explain: one pass over them looks for
 * the first, which is then named. Only failures cost it.
 */
async function nameBadValue(
  error: unknown,
  verb: Verb,
  dataset: Dataset | SparseDataset,
  options: TrainOptions,
  signal?: AbortSignal,
): Promise<unknown> {
  // The others look through sparse rows while they train on them.
  if (isSparse(dataset) && verb !== 'closed' && verb !== 'gd') return error;
  const codes = ['MLML_DIVERGED', 'MLML_NOT_DEFINITE', 'MLML_BAD_DATA'];
  if (!(error instanceof MlmlError) || !codes.includes(error.code) || signal?.aborted) return error;
  const { train, description } = await rowsByNumber(dataset);
  const { subset } = options;
  const { n } = description.parts.train;
  const sample = sampleOf(description, options);
  const used =
    sample === undefined ? train.first(subset > 0 ? Math.min(subset, n) : n) : train.sampled(sample);
  return (await badValueError(used, signal)) ?? error;
}

/** Options that do not decide the bits of the result. */
const NOT_IN_KEY: ReadonlySet<string> = new Set(['scratch', 'nthreads']);

/** Regions whose size decides the order of rows, or which of them are taken together. */
const DECIDING = /^(shuffle .*|rows|labels)$/;

/** Runs a job with its checkpoint open. */
async function withCheckpoint<Result>(
  verb: Verb,
  dataset: Dataset | SparseDataset,
  options: TrainOptions,
  { checkpoint: given, ...context }: TrainContext,
  run: (context: JobContext) => Promise<Result>,
): Promise<Result> {
  const { signal, storage } = context;
  if (given === undefined) return await run(context);
  const { folder, ...settings } = given;
  const { description } = dataset;
  const init = context.init === undefined ? context.missingInit?.hash : modelHash(context.init);
  const key = {
    verb,
    fingerprint: description.fingerprint,
    options: Object.fromEntries(Object.entries(options).filter(([name]) => !NOT_IN_KEY.has(name))),
    // Where rows lie in memory decides their order.
    regions: planTraining(verb, description, options)
      .regions.filter(({ name }) => DECIDING.test(name))
      .map(({ name, bytes }) => [name, bytes]),
    ...(init === undefined ? {} : { init }),
  };
  const checkpoint = await openCheckpoint(storage, folder, key, {
    onWarning: (message) => context.onEvent?.({ type: 'warning', message }),
    ...settings,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const result = await run({ ...context, checkpoint });
    await checkpoint.done();
    return result;
  } catch (error) {
    await checkpoint.rescue();
    throw error;
  } finally {
    await checkpoint.release();
  }
}
