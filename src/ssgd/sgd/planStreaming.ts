import { scalingBytes } from '../../arithmetic/gather.js';
import { foldedLayout } from '../../data/foldedRows.js';
import type { DatasetDescription } from '../../data/format.js';
import { layoutOf, type RowLayout } from '../../data/rowLayout.js';
import { formatBytes } from '../../memory/byteSize.js';
import { alignUp, budgetTooSmall, layOut, type Plan, type Region } from '../../memory/plan.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import type { ScheduleName, TrainOptions, Verb } from '../options.js';
import { isWeighted } from '../rowWeights.js';
import { scorerRegions, scoringBytes } from '../score.js';
import {
  minimumShuffleBytes,
  planShuffle,
  type ShufflePlan,
  type ShuffleRequest,
} from '../shuffle/shufflePlan.js';
import { initialModelRegions } from '../warmStart.js';
import { type ChosenOptions, checkPenalty, chooseOptions } from './chosenOptions.js';
import { rungsOf } from './halving.js';
import { heldOutRows } from './heldOut.js';
import {
  copyRegions,
  foldNotes,
  foldRegions,
  outputsOf,
  planModels,
  scoreRegions,
  streamingNotes,
} from './planModels.js';
import { hogwildRegions, streamingThreads } from './streamingThreads.js';
import { variantsOf } from './sweepGrid.js';

/** Segments of the rows handed over to threads without locks are so many times as long. */
const LONG_SEGMENT = 4;
/** Kernels work on 16 floats at a time. */
export const FLOATS_PER_BLOCK = 16;

/** One of the models that are trained from the same stream. */
export interface ModelPlan {
  readonly options: TrainOptions;
  /** What the names of its regions begin with; empty when it is the only one. */
  readonly prefix: string;
  /** Where its columns begin among those of all models: in the regions 'weights' and 'intercept'. */
  readonly firstColumn: number;
  /** Columns of scores. */
  readonly columns: number;
  readonly schedule: Exclude<ScheduleName, 'auto'>;
  /** Number of its options among those of a sweep; 0 without. */
  readonly variant: number;
  /** The fold whose rows it takes no part in; undefined: it learns from all. */
  readonly fold?: number;
}

/** The plan of sgd, ssgd or hsgd. */
export interface StreamingPlan extends Plan {
  readonly verb: Verb;
  readonly layout: RowLayout;
  /** Training rows used for updates. */
  readonly rows: number;
  /** Rows used besides them to judge models; together they are the first rows of the training part. */
  readonly heldOut: number;
  /** Folds of a cross-validation; 0 without. */
  readonly folds: number;
  readonly models: readonly ModelPlan[];
  /** Columns of scores of the widest model. */
  readonly columns: number;
  /** Floats from one row of weights (or of a batch) to the next. */
  readonly stride: number;
  readonly chosen: ChosenOptions;
  readonly shuffle: ShufflePlan;
  readonly threads: number;
}

/** What steps need to know of a plan. */
export type StepPlan = Pick<StreamingPlan, 'layout' | 'rows' | 'stride' | 'chosen' | 'folds'>;

/** Regions of the update steps of all models from batches of `batch` rows. */
export function stepRegions(
  layout: RowLayout,
  stride: number,
  batch: number,
  models: readonly ModelPlan[],
  weighted = isWeighted(models[0]!.options),
): Region[] {
  const columns = models.reduce((sum, model) => sum + model.columns, 0);
  return [
    { name: 'scaling', bytes: scalingBytes(layout.d, stride, layout.dtype, 32) },
    { name: 'x', bytes: 4 * stride * batch },
    { name: 'labels', bytes: 8 * layout.labels * batch },
    ...(weighted ? [{ name: 'row weights', bytes: 8 * batch }] : []),
    ...foldRegions(models[0]!.options, batch, weighted, layout.labels),
    // The models' columns lie next to each other.
    { name: 'weights', bytes: 4 * columns * stride },
    { name: 'intercept', bytes: 4 * columns },
    ...models.flatMap((model) => modelRegions(model, stride, batch)),
  ];
}

/** Regions of one model beside its rows of the weights. */
function modelRegions(model: ModelPlan, stride: number, batch: number): Region[] {
  const { prefix, columns, options } = model;
  const matrix = 4 * columns * stride;
  const { matrices } = optimizerOf(options.optimizer);
  const state = Array.from({ length: matrices }, (_, i) => [
    { name: `${prefix}state ${i}`, bytes: matrix },
    { name: `${prefix}intercept state ${i}`, bytes: 4 * columns },
  ]).flat();
  return [...scoreRegions(prefix, columns, batch), ...state, ...copyRegions(model, matrix)];
}

/**
 * Sizes of everything a streaming run keeps in memory, what it reads and writes, and the choices made.
 * Pure: touches no file.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL` naming the smallest budget that works
 */
export function planStreaming(
  verb: Verb,
  description: DatasetDescription,
  options: TrainOptions,
  /** Default: as many as help. */
  givenThreads?: number,
): StreamingPlan {
  const layout = layoutOf(description);
  const variants = variantsOf(options);
  // What the models of a sweep share is the same in the options of each.
  const first = variants[0]!;
  const used = Math.min(options.subset > 0 ? options.subset : Infinity, description.parts.train.n);
  const heldOut = heldOutRows(options, used);
  const rows = used - heldOut;
  for (const variant of variants) checkPenalty(variant, rows);
  const { folds } = options;
  const models = planModels(description, variants, folds);
  const streamed = folds > 0 ? foldedLayout(layout) : layout;
  const columns = Math.max(...models.map((model) => model.columns));
  const allColumns = models.reduce((sum, model) => sum + model.columns, 0);
  const stride = alignUp(layout.d, FLOATS_PER_BLOCK);
  const job = `${verb} on ${layout.d} features x ${outputsOf(models.length, columns)}`;
  const budget = options.bufferBytes;

  // All models are scored in one pass over held-out rows, unless that is what would not fit.
  const more = 8 * layout.d * (allColumns - columns);
  let scoring = scorerRegions(layout, columns, scoringBytes(budget) + more, allColumns);
  const size = { verb, rows, stride, columns, labels: layout.labels, models: models.length };
  let threads = 1;
  const around = (chosen: ChosenOptions) => [
    ...stepRegions(layout, stride, chosen.batch, models),
    ...hogwildRegions(threads, size, chosen.batch, options),
    ...initialModelRegions(options, layout.d, columns),
    ...scoring,
  ];
  // The regions of the shuffle begin at the next multiple of 64, and a tail follows them.
  const aroundBytes = (chosen: ChosenOptions) => alignUp(layOut(around(chosen)).totalBytes, 64) + 64;
  const request = (chosen: ChosenOptions): ShuffleRequest => ({
    algo: options.algo,
    reshuffle: options.reshuffle,
    rows,
    rowBytes: streamed.rowBytes,
    epochs: chosen.epochs,
    bytes: budget - aroundBytes(chosen),
  });
  let chosen = chooseOptions(verb, rows, first);
  // What shuffling needs at least does not depend on the batch.
  const leastShuffle =
    verb === 'sgd' ? inMemoryBytes(rows, streamed.rowBytes) : minimumShuffleBytes(request(chosen));
  const needed = () => aroundBytes(chosen) + leastShuffle;
  // Where memory is short, scoring does with its least, then an automatic batch with half of the budget.
  const least = scorerRegions(layout, columns, 0);
  if (needed() > budget) scoring = least;
  // What does not depend on the batch is no reason to shrink it, when it is the size of several models.
  const fixed = models.length === 1 ? 0 : aroundBytes({ ...chosen, batch: 1 });
  const tooLarge = () => 2 * (aroundBytes(chosen) - fixed) > budget - fixed || needed() > budget;
  while (options.batch === 'auto' && chosen.batch > 1 && tooLarge()) {
    chosen = chooseOptions(verb, rows, first, chosen.batch / 2);
  }
  if (needed() > budget) {
    const advice = verb === 'sgd' ? 'or train with ssgd, which streams' : '';
    throw budgetTooSmall(job, needed(), budget, advice);
  }
  threads = givenThreads ?? streamingThreads(size, chosen, options);
  if (needed() > budget) threads = 1;
  const planned = planShuffle(request(chosen));
  const shuffle = threads > 1 && verb === 'hsgd' ? inLongSegments(planned) : planned;
  const regions = [...around(chosen), ...shuffle.regions];
  const rungs = options.halving ? rungsOf(models.length) : 0;
  const together = scoring === least ? models.length : 1;
  const tests = options.sweep === undefined ? chosen.epochs + (options.patience > 0 ? 1 : 0) : 1;
  const scored =
    description.parts.test.n * tests +
    (options.simulated ? rows : 0) +
    heldOut * together * (chosen.epochs + rungs) +
    (folds === 0 ? 0 : scoring === least ? rows * folds * variants.length : rows);
  // Held-out rows are copied in a pass of its own. Later passes read over them where they lie among the others, which is not counted.
  const fileBytes = heldOut === 0 ? 0 : used * layout.rowBytes;
  const copyBytes = heldOut * layout.rowBytes;
  return {
    verb,
    job,
    layout,
    rows,
    heldOut,
    folds,
    models,
    columns,
    stride,
    chosen,
    shuffle,
    budgetBytes: budget,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
    passes: chosen.epochs,
    bytesRead: shuffle.bytesRead + scored * layout.rowBytes + fileBytes,
    bytesWritten: shuffle.bytesWritten + copyBytes,
    scratchBytes: shuffle.scratchBytes + shuffle.keptBytes + copyBytes,
    // What is kept beside the rows is done without where there is no room.
    neededScratchBytes: shuffle.scratchBytes + copyBytes,
    threads,
    notes: [
      `${rows} rows of ${formatBytes(layout.rowBytes)}, ${formatBytes(rows * layout.rowBytes)} in all`,
      ...shuffle.notes,
      ...(heldOut === 0 ? [] : [`${heldOut} rows held out, copied to scratch (${formatBytes(copyBytes)})`]),
      `${chosen.batch} ${chosen.batch === 1 ? 'row' : 'rows'} a step, ${listOf(models.map((model) => model.options.optimizer))}, schedule ${listOf(models.map((model) => model.schedule))}`,
      ...(models.length === 1 ? [] : sweepNotes(options, models, stride)),
      ...foldNotes(folds),
      ...streamingNotes(verb, threads, options.nthreads),
    ],
  };
}

/** Threads without locks meet at the end of each segment, and wait there for the last: the fewer the better. */
function inLongSegments(plan: ShufflePlan): ShufflePlan {
  if (plan.kind === 'external_sort' || plan.kind === 'none') return plan;
  return { ...plan, segmentRows: Math.min(plan.capacity, LONG_SEGMENT * plan.segmentRows) };
}

function listOf(words: readonly string[]): string {
  return [...new Set(words)].join(' and ');
}

function sweepNotes(options: TrainOptions, models: readonly ModelPlan[], stride: number): string[] {
  const columns = models.reduce((sum, model) => sum + model.columns, 0);
  const bytes = models.reduce(
    (sum, model) => sum + layOut(modelRegions(model, stride, 0)).totalBytes,
    4 * columns * stride,
  );
  const rungs = rungsOf(models.length);
  return [
    `${models.length} models trained from one stream, ${formatBytes(bytes / models.length)} each`,
    ...(options.halving && rungs > 0
      ? [`the worse half of the models is dropped ${rungs} times, at 1/${2 ** rungs} to 1/2 of all rows`]
      : []),
  ];
}

/** Bytes with which the whole training part is kept in memory, with its order. */
function inMemoryBytes(rows: number, rowBytes: number): number {
  return alignUp(rows * rowBytes, 64) + alignUp(4 * rows, 64) + 64;
}
