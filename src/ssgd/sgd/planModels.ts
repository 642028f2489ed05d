import type { DatasetDescription } from '../../data/format.js';
import { alignUp, type Region } from '../../memory/plan.js';
import { lossOf } from '../losses/losses.js';
import type { TrainOptions, Verb } from '../options.js';
import { threadNotes } from '../threadsWorth.js';
import { chosenSchedule } from './chosenOptions.js';
import type { ModelPlan } from './planStreaming.js';

/** One model for each of the given options, their columns next to each other. */
export function planModels(description: DatasetDescription, variants: readonly TrainOptions[]): ModelPlan[] {
  let firstColumn = 0;
  return variants.map((options, index) => {
    const columns = lossOf(options.loss).columns(description.task, description.k);
    const prefix = variants.length === 1 ? '' : `model ${index} `;
    const schedule = chosenSchedule(options);
    const model = { options, prefix, firstColumn, columns, schedule };
    firstColumn += columns;
    return model;
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
