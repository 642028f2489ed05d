import { MlmlError } from '../../errors.js';
import type { ScheduleName, TrainOptions, Verb } from '../options.js';

/** Steps an automatic batch size leaves at least, so that small data sets are not trained in a handful of steps. */
const FEWEST_STEPS = 4000;
const LARGEST_BATCH = 32;

/** What 'auto' stands for in the options that depend on each other. */
export interface ChosenOptions {
  readonly batch: number;
  /** Passes over the rows, and the step at which to stop (sgd) or Infinity. */
  readonly epochs: number;
  readonly lastStep: number;
  /**
   * Subtract the training mean from every feature while reading. With an unpenalised intercept this leaves
   * the minimiser as it is and makes the problem far better conditioned.
   */
  readonly centred: boolean;
}

/** Steps of one pass over the rows: those left over at its end make a shorter one. */
function stepsOfPass(rows: number, batch: number): number {
  return Math.ceil(rows / batch);
}

/** Rows of all steps of a run: those of its passes, the last of which may end early. */
export function samplesOf({ batch, epochs, lastStep }: ChosenOptions, rows: number): number {
  const before = (epochs - 1) * rows;
  const left = lastStep - (epochs - 1) * stepsOfPass(rows, batch);
  return before + Math.min(rows, left * batch);
}

/** The largest number of single precision. */
const LARGEST_FLOAT = 3.4028234663852886e38;

/**
 * Throws `MLML_USAGE` for a penalty that steps cannot apply: they work in single precision, where reg/`rows` is infinite and
 * the rate that goes with it is 0.
 */
export function checkPenalty({ reg }: TrainOptions, rows: number): void {
  if (reg / rows <= LARGEST_FLOAT) return;
  throw new MlmlError(
    'MLML_USAGE',
    `--reg=${reg}: the penalty of a row, ${(reg / rows).toPrecision(3)}, is beyond the single precision of sgd, ssgd and hsgd, and no learning rate is small enough for it; use a smaller --reg, or closed or gd`,
  );
}

/** What 'auto' stands for in a model's schedule. */
export function chosenSchedule({ schedule, eta0 }: TrainOptions): Exclude<ScheduleName, 'auto'> {
  if (schedule !== 'auto') return schedule;
  return eta0 === 'auto' ? 'linear' : 'step';
}

/**
 * With a given `--eta0` everything follows the rule of 2016: one row a step, step schedule, no centring.
 * With an automatic rate: mini-batches, a linear schedule, centring when there is an intercept.
 */
export function chooseOptions(
  verb: Verb,
  rows: number,
  options: TrainOptions,
  batchLimit = Infinity,
): ChosenOptions {
  const automatic = options.eta0 === 'auto';
  const wanted = (rows * options.epochs) / FEWEST_STEPS;
  let batch = options.batch === 'auto' ? 1 : options.batch;
  if (options.batch === 'auto' && automatic) {
    const most = Math.min(LARGEST_BATCH, verb === 'sgd' ? LARGEST_BATCH : wanted, batchLimit, rows);
    while (2 * batch <= most) batch *= 2;
  }
  if (batch > rows) {
    throw new MlmlError(
      'MLML_USAGE',
      `--batch=${batch}: there are only ${rows} training rows; choose at most that many`,
    );
  }
  const epochs = verb === 'sgd' ? Math.ceil(options.iters / stepsOfPass(rows, batch)) : options.epochs;
  return {
    batch,
    epochs,
    lastStep: verb === 'sgd' ? options.iters : Infinity,
    centred: automatic && options.bias,
  };
}
