import type { Region } from '../../memory/plan.js';
import { optimizerOf } from '../optimizers/optimizers.js';
import type { TrainOptions, Verb } from '../options.js';
import { isWeighted } from '../rowWeights.js';
import { threadsWorth } from '../threadsWorth.js';
import { type ChosenOptions, samplesOf } from './chosenOptions.js';
import { scoreRegions } from './planModels.js';

/** What a row costs beside its products, in multiply-adds. */
const ROW_OVERHEAD = 5000;
/** The most that the regions of further threads may take of the budget. */
const LARGEST_SHARE = 1 / 4;
/** Batches between two meetings of the threads of hsgd. */
export const SEGMENT_BATCHES = 128;
/** Numbers told of each batch: sum of the losses, rows right, rows that count, sum of their weights. */
export const OUTCOME = 4;

/** Sizes that decide how many threads help. */
export interface StreamingSize {
  readonly verb: Verb;
  readonly rows: number;
  readonly stride: number;
  readonly columns: number;
  /** Labels of a row. */
  readonly labels: number;
  /** Models trained from the stream. */
  readonly models: number;
}

/** What each further thread of hsgd has of its own: rows, scores, the state of the optimiser. */
function ownRegions(thread: number, size: StreamingSize, batch: number, options: TrainOptions): Region[] {
  const { stride, columns, labels } = size;
  const prefix = `thread ${thread} `;
  const own = (name: string, bytes: number) => ({ name: `${prefix}${name}`, bytes });
  const { matrices } = optimizerOf(options.optimizer);
  return [
    own('x', 4 * stride * batch),
    own('labels', 8 * labels * batch),
    ...(isWeighted(options) ? [own('row weights', 8 * batch)] : []),
    ...scoreRegions(prefix, columns, batch),
    ...Array.from({ length: matrices }, (_, i) => [
      own(`state ${i}`, 4 * columns * stride),
      own(`intercept state ${i}`, 4 * columns),
    ]).flat(),
  ];
}

/** What the threads of hsgd share: the number of the next batch, and the outcome of each. */
export const meetingRegions: readonly Region[] = [
  { name: 'hogwild control', bytes: 8 },
  { name: 'hogwild outcomes', bytes: 8 * OUTCOME * SEGMENT_BATCHES },
];

/** What the threads of hsgd work in beside the first. */
export function hogwildRegions(
  threads: number,
  size: StreamingSize,
  batch: number,
  options: TrainOptions,
): Region[] {
  if (size.verb !== 'hsgd' || threads === 1) return [];
  return [
    ...meetingRegions,
    ...Array.from({ length: threads - 1 }, (_, i) => ownRegions(i + 1, size, batch, options)).flat(),
  ];
}

/**
 * How many threads train. ssgd and sgd divide each step, which must be large enough; hsgd gives whole batches to threads,
 * while their regions take no more than a quarter of the budget.
 */
export function streamingThreads(size: StreamingSize, chosen: ChosenOptions, options: TrainOptions): number {
  const { verb, rows, stride, columns, models } = size;
  const products = stride * columns;
  const total = samplesOf(chosen, rows) * (2 * products + ROW_OVERHEAD);
  if (verb !== 'hsgd') return threadsWorth(options.nthreads, { total, step: chosen.batch * products });
  if (models > 1) return 1;
  const own = ownRegions(1, size, chosen.batch, options).reduce((sum, { bytes }) => sum + bytes + 64, 0);
  const room = 1 + Math.floor((LARGEST_SHARE * options.bufferBytes) / own);
  return threadsWorth(Math.min(options.nthreads, room), { total, step: Number.POSITIVE_INFINITY });
}
