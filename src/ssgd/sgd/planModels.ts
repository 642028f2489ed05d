import type { DatasetDescription } from '../../data/format.js';
import { alignUp, type Region } from '../../memory/plan.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions, Verb } from '../options.js';
import { threadNotes } from '../threadsWorth.js';
import { chosenSchedule } from './chosenOptions.js';
import type { ModelPlan } from './planStreaming.js';

/**
 * One model for each of the given options, their columns next to each other; with `folds`, behind each those that leave out a
 * fold.
 */
export function planModels(
  description: DatasetDescription,
  variants: readonly TrainOptions[],
  folds = 0,
): ModelPlan[] {
  const several = variants.length * (folds + 1) > 1;
  let firstColumn = 0;
  return variants.flatMap((options, variant) => {
    const columns = lossOf(options.loss).columns(description.task, description.k);
    const schedule = chosenSchedule(options);
    return Array.from({ length: folds + 1 }, (_, i) => {
      const prefix = several ? `model ${variant * (folds + 1) + i} ` : '';
      const fold = i === 0 ? {} : { fold: i - 1 };
      const model = { options, prefix, firstColumn, columns, schedule, variant, ...fold };
      firstColumn += columns;
      return model;
    });
  });
}

/** What so many models of at most so many columns come to, as a job's name says it. */
export function outputsOf(models: number, columns: number): string {
  const each = models === 1 ? '' : `${models} models of `;
  return `${each}${columns} ${columns === 1 ? 'output' : 'outputs'}`;
}

/** Regions of the scores of a batch, and of what comes of them. */
export function scoreRegions(prefix: string, columns: number, batch: number): Region[] {
  return [
    // Kernels work on four scores at a time.
    { name: `${prefix}scores`, bytes: alignUp(4 * columns * batch, 16) },
    { name: `${prefix}batch result`, bytes: 16 },
    { name: `${prefix}intercept gradient`, bytes: 8 * columns },
  ];
}

/** Regions of the folds of the rows in a batch, and of the labels and weights of those that a model learns from. */
export function foldRegions(
  { folds }: TrainOptions,
  batch: number,
  weighted: boolean,
  labelsOfRow = 1,
): Region[] {
  if (folds === 0) return [];
  return [
    { name: 'row folds', bytes: 8 * batch },
    { name: 'kept labels', bytes: 8 * labelsOfRow * batch },
    ...(weighted ? [{ name: 'kept weights', bytes: 8 * batch }] : []),
  ];
}

export function foldNotes(folds: number): string[] {
  if (folds === 0) return [];
  return [
    `${folds} folds: of each ${folds + 1} models one learns from all rows, the others leave out a fold`,
  ];
}

/** Regions of the copies of a model's weights, of `matrix` bytes: see `LinearStep`. */
export function copyRegions({ prefix, columns, options }: ModelPlan, matrix: number): Region[] {
  const copy = (name: string) => [
    { name: `${prefix}${name} weights`, bytes: matrix },
    { name: `${prefix}${name} intercept`, bytes: 4 * columns },
  ];
  return [
    ...copy('good'),
    ...(options.average ? copy('average') : []),
    ...(options.patience > 0 ? copy('best') : []),
  ];
}

export function streamingNotes(verb: Verb, threads: number, nthreads: number): string[] {
  if (verb !== 'hsgd' || threads === 1) return threadNotes(threads, nthreads);
  return [`${threads} threads update the weights without locks: results differ from run to run`];
}
