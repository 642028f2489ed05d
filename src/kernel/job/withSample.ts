import type { Dataset } from '../../data/dataset.js';
import type { RowSample } from '../../data/rowSample.js';
import { sampledPlan, sampledRows, sampleOf } from '../../data/subset.js';
import { MlmlError } from '../../errors.js';
import type { Plan } from '../../memory/plan.js';
import type { KernelContext } from '../jobs.js';
import type { KernelModel } from '../kernelModel.js';
import type { KernelDataOptions } from '../options.js';

/** A job whose rows are chosen: its options ask for all of them. */
export interface SampledJob<O extends KernelDataOptions> {
  readonly dataset: Dataset;
  readonly options: O;
  readonly context: KernelContext;
  /** The plan as it is told. */
  told<P extends Plan>(plan: P): P;
  /** The model, which refers to the data set as it is stored. */
  ofStoredRows(model: KernelModel): KernelModel;
}

/**
 * What a job works on when its options ask for a random sample of the training rows; undefined when they do not.
 *
 * @throws MlmlError `MLML_USAGE` for rows that a kernel model cannot name
 */
export function sampledJob<O extends KernelDataOptions>(
  dataset: Dataset,
  options: O,
  context: KernelContext,
): SampledJob<O> | undefined {
  const { description } = dataset;
  const sample = sampleOf(description, options);
  if (sample === undefined) return undefined;
  if (sample.rows > 2 ** 32)
    throw new MlmlError(
      'MLML_USAGE',
      `--subset=${options.subset}: ${description.name} has ${sample.rows} training rows, too many to number those of a sample; ` +
        'use --sample=first',
    );
  // Rows in slots are read where they lie, as dense ones are.
  const { sparse: _, ...readInPlace } = description;
  const told = <P extends Plan>(plan: P) => sampledPlan(plan, readInPlace, sample);
  const { onEvent } = context;
  return {
    dataset: sampledRows(dataset, sample),
    options: { ...options, subset: 0 },
    context: {
      ...context,
      ...(onEvent && {
        onEvent: (event) => onEvent(event.type === 'plan' ? { ...event, plan: told(event.plan) } : event),
      }),
    },
    told,
    ofStoredRows: (model) => ({ ...model, rows: { ...model.rows, indices: numbersOf(sample, model) } }),
  };
}

function numbersOf(sample: RowSample, { rows, n }: KernelModel): Uint32Array {
  const { indices } = rows;
  return Uint32Array.from({ length: n }, (_, i) => sample.rowAt(indices?.[i] ?? i));
}

/** `MLML_USAGE` when a matrix is given for a random sample of rows: nobody has worked that out. */
export function refuseSampledMatrix({ matrix, subset }: { matrix?: string; subset: number }): void {
  if (matrix === undefined) return;
  throw new MlmlError(
    'MLML_USAGE',
    `--subset=${subset} draws rows at random, and ${matrix} holds a kernel of other rows; when they are the first ${subset}, give --sample=first`,
  );
}
