import type { DatasetDescription, SparsePart } from '../../data/format.js';
import { longestBytes, scanSparseRegions } from '../../data/sparse/scanSparse.js';
import type { SparseDtype } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import { formatBytes } from '../../memory/byteSize.js';
import { alignUp, budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import type { TrainOptions, Verb } from '../options.js';
import { isWeighted } from '../rowWeights.js';
import { checkPenalty, chooseOptions } from '../sgd/chosenOptions.js';
import { rungsOf } from '../sgd/halving.js';
import { heldOutRows } from '../sgd/heldOut.js';
import {
  copyRegions,
  foldNotes,
  foldRegions,
  outputsOf,
  planModels,
  scoreRegions,
  streamingNotes,
} from '../sgd/planModels.js';
import type { ModelPlan } from '../sgd/planStreaming.js';
import type { RunPlan } from '../sgd/runParts.js';
import { meetingRegions } from '../sgd/streamingThreads.js';
import { variantsOf } from '../sgd/sweepGrid.js';
import { threadsWorth } from '../threadsWorth.js';
import { initialModelRegions } from '../warmStart.js';
import {
  minimumSparseShuffle,
  planSparseShuffle,
  type SparseShufflePlan,
  type SparseShuffleRequest,
} from './planSparseShuffle.js';

/** Rows scored at a time. */
export const SCORED_ROWS = 64;
/** Bytes read at a time for scoring, where memory is not short. */
export const SCORE_READ = 1 << 18;
/** What a row costs beside its nonzeros, and a nonzero, in multiply-adds of dense rows. */
const ROW_OVERHEAD = 3000;
const NONZERO_COST = 20;
/** Numbers beside the weights that steps keep: see `SparseStep`. */
export const SCALARS = 8;

/** The plan of sgd, ssgd or hsgd on sparse rows. */
export interface SparsePlan extends RunPlan {
  readonly layout: { readonly d: number; readonly dtype: SparseDtype };
  /** Rows of the training part that are read. */
  readonly used: number;
  /** Columns of scores of the widest model. */
  readonly columns: number;
  readonly shuffle: SparseShufflePlan;
  readonly threads: number;
}

/** Throws `MLML_USAGE` for what is not for sparse rows. */
export function checkSparseOptions(verb: Verb, { name }: DatasetDescription, options: TrainOptions): void {
  const refuse = (message: string) => {
    throw new MlmlError('MLML_USAGE', `${message} (${name} is a data set of sparse rows)`);
  };
  if (options.weightColumn >= 0)
    refuse(`--weight-column=${options.weightColumn}: is for dense rows; use --class-weight`);
  // They have no steps on single rows.
  if (verb === 'closed' || verb === 'gd') return;
  for (const { optimizer } of variantsOf(options)) {
    if (optimizer === 'nesterov' || optimizer === 'adam')
      refuse(`--optimizer=${optimizer}: changes every weight in every step; use sgd or adagrad`);
  }
  if (options.algo === 'external_sort' || options.algo === 'block_shuffle')
    refuse(`--algo=${options.algo}: is for dense rows; use external_shuffle or none`);
  if (options.sweep?.momentum !== undefined)
    refuse('--sweep momentum: steps on sparse rows have no momentum');
}

/** Whether features are multiplied by a factor; see `readFactors`. */
export function hasFactors({ scale }: TrainOptions): boolean {
  return scale === 'unit' || scale === 'standard';
}

function modelRegions(model: ModelPlan, d: number, batch: number): Region[] {
  const { prefix, columns, options } = model;
  const matrix = 4 * columns * d;
  const adagrad = options.optimizer === 'adagrad';
  return [
    { name: `${prefix}weights`, bytes: matrix },
    { name: `${prefix}intercept`, bytes: 4 * columns },
    { name: `${prefix}scalars`, bytes: 8 * SCALARS },
    ...scoreRegions(prefix, columns, batch),
    ...(adagrad
      ? [
          { name: `${prefix}squares`, bytes: matrix },
          { name: `${prefix}intercept squares`, bytes: 4 * columns },
        ]
      : []),
    ...(adagrad || options.l1 > 0 ? [{ name: `${prefix}seen`, bytes: 8 * d }] : []),
    ...copyRegions(model, matrix),
  ];
}

/** Regions of a scorer of `columns` columns that reads so many bytes at a time. */
export function sparseScorerRegions(d: number, columns: number, bytes: number): Region[] {
  return [
    { name: 'score weights', bytes: 8 * columns * d },
    { name: 'score intercept', bytes: 8 * columns },
    { name: 'score scores', bytes: 8 * columns * SCORED_ROWS },
    { name: 'score labels', bytes: 8 * SCORED_ROWS },
    ...scanSparseRegions('score', bytes),
  ];
}

/** What each further thread of hsgd has of its own. */
function threadRegions(thread: number, columns: number, batch: number, weighted: boolean): Region[] {
  const prefix = `thread ${thread} `;
  return [
    { name: `${prefix}labels`, bytes: 8 * batch },
    ...(weighted ? [{ name: `${prefix}row weights`, bytes: 8 * batch }] : []),
    ...scoreRegions(prefix, columns, batch),
    { name: `${prefix}scalars`, bytes: 8 * SCALARS },
  ];
}

/** Sizes of the first `rows` rows of a part, at most. */
function sizesOf(part: SparsePart, n: number, rows: number, dtype: SparseDtype): SparsePart {
  if (rows === n) return part;
  return { ...part, bytes: Math.min(part.bytes, rows * longestBytes(part.longestRow, dtype)) };
}

/**
 * Sizes of everything a streaming run on sparse rows keeps in memory, what it reads and writes, and the choices made. Pure.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL` naming the smallest budget that works
 */
export function planSparse(verb: Verb, description: DatasetDescription, options: TrainOptions): SparsePlan {
  checkSparseOptions(verb, description, options);
  const { d, parts } = description;
  const dtype = description.dtype as SparseDtype;
  const { n } = parts.train;
  const used = Math.min(options.subset > 0 ? options.subset : Infinity, n);
  const heldOut = heldOutRows(options, used);
  const rows = used - heldOut;
  const variants = variantsOf(options).map((variant) => ({ ...variant, momentum: 0 }));
  for (const variant of variants) checkPenalty(variant, rows);
  const { folds } = options;
  const models = planModels(description, variants, folds);
  const columns = Math.max(...models.map((model) => model.columns));
  const sizes = sizesOf(description.sparse!.train, n, used, dtype);
  const each = description.sparse!.train.nonzeros / n;
  const chosen = chooseOptions(verb, rows, variants[0]!);
  const budget = options.bufferBytes;
  const weighted = isWeighted(options);

  const longest = Math.max(
    longestBytes(sizes.longestRow, dtype),
    longestBytes(description.sparse!.test.longestRow, dtype),
  );
  const fixed = (threads: number, bytes: number): Region[] => [
    ...(hasFactors(options) ? [{ name: 'scaling', bytes: 4 * d }] : []),
    { name: 'labels', bytes: 8 * chosen.batch },
    ...(weighted ? [{ name: 'row weights', bytes: 8 * chosen.batch }] : []),
    ...foldRegions(options, chosen.batch, weighted),
    ...models.flatMap((model) => modelRegions(model, d, chosen.batch)),
    ...(threads > 1
      ? [
          ...meetingRegions,
          { name: 'hogwild inverse', bytes: 4 * d },
          ...Array.from({ length: threads - 1 }, (_, i) =>
            threadRegions(i + 1, columns, chosen.batch, weighted),
          ).flat(),
        ]
      : []),
    ...initialModelRegions(options, d, columns),
    // The model that is returned lies outside: its pages are never touched.
    { name: 'result', bytes: 8 * (2 * d + (columns > 1 ? columns * (d + 1) : 0)) },
    ...sparseScorerRegions(d, columns, Math.max(longest, bytes)),
  ];
  const request: SparseShuffleRequest = {
    algo: options.algo,
    reshuffle: options.reshuffle,
    rows: used,
    sizes,
    dtype,
    epochs: chosen.epochs,
    batch: chosen.batch,
  };
  const around = (threads: number, bytes: number) =>
    alignUp(layOut(fixed(threads, bytes)).totalBytes, 64) + 64;
  const inMemory = alignUp(sizes.bytes, 64) + alignUp(4 * used, 64) + 64 + 64;
  const leastShuffle = verb === 'sgd' && options.algo !== 'none' ? inMemory : minimumSparseShuffle(request);
  const needed = (threads: number, bytes: number) => around(threads, bytes) + leastShuffle;
  const job = `${verb} on ${d} sparse features x ${outputsOf(models.length, columns)}`;
  let threads =
    verb === 'hsgd' && models.length === 1 ? sparseThreads(options, rows, chosen.epochs, each) : 1;
  let read = Math.min(SCORE_READ, budget / 16);
  if (needed(threads, read) > budget) read = 0;
  if (needed(threads, read) > budget) threads = 1;
  if (needed(threads, read) > budget) {
    const advice = verb === 'sgd' ? 'or train with ssgd, which streams' : '';
    throw budgetTooSmall(job, needed(threads, read), budget, advice);
  }
  const shuffle = planSparseShuffle(request, budget - around(threads, read));
  const regions = [...fixed(threads, read), ...shuffle.regions];
  const tests = options.sweep === undefined ? chosen.epochs + (options.patience > 0 ? 1 : 0) : 1;
  const rungs = options.halving ? rungsOf(models.length) : 0;
  const scored =
    description.sparse!.test.bytes * tests +
    (options.simulated ? sizes.bytes : 0) +
    folds * variants.length * sizes.bytes +
    (heldOut > 0 ? sizes.bytes * models.length * (chosen.epochs + rungs) : 0);
  const momentum = variants.some(({ optimizer }) => optimizer === 'sgd') ? ['steps have no momentum'] : [];
  return {
    verb,
    job,
    layout: { d, dtype },
    rows,
    used,
    heldOut,
    folds,
    models,
    columns,
    chosen,
    shuffle,
    budgetBytes: budget,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
    passes: chosen.epochs,
    bytesRead: shuffle.bytesRead + scored,
    bytesWritten: shuffle.bytesWritten,
    scratchBytes: shuffle.scratchBytes,
    neededScratchBytes: shuffle.scratchBytes,
    threads,
    notes: [
      `${rows} sparse rows, ${each.toPrecision(3)} of ${d} features in a row, ${formatBytes(sizes.bytes)} in all`,
      ...shuffle.notes,
      ...(heldOut === 0 ? [] : [`${heldOut} rows held out`]),
      `${chosen.batch} ${chosen.batch === 1 ? 'row' : 'rows'} a step, ${variants[0]!.optimizer}, schedule ${models[0]!.schedule}`,
      ...momentum,
      ...foldNotes(folds),
      ...(verb === 'hsgd' ? streamingNotes(verb, threads, options.nthreads) : []),
    ],
  };
}

function sparseThreads(options: TrainOptions, rows: number, epochs: number, each: number): number {
  if (options.optimizer !== 'sgd') return 1;
  const total = rows * epochs * (NONZERO_COST * each + ROW_OVERHEAD);
  return threadsWorth(options.nthreads, { total, step: Number.POSITIVE_INFINITY });
}
