import type { ScalingName } from '../data/scaling.js';
import type { SampleName } from '../data/subset.js';
import { defaultThreads } from '../threads/defaultThreads.js';

/** The ways of training a linear model. */
export const verbs = ['closed', 'gd', 'sgd', 'ssgd', 'hsgd'] as const;
/** How a linear model is trained. */
export type Verb = (typeof verbs)[number];

/** The ways of shuffling. */
export const shuffleNames = ['external_shuffle', 'external_sort', 'block_shuffle', 'none'] as const;
/** How rows are brought into random order on disk. */
export type ShuffleName = (typeof shuffleNames)[number];

/** The losses. */
export const lossNames = ['ridge', 'softmax', 'logistic', 'hinge', 'squared_hinge', 'huber'] as const;
/** What is minimised. */
export type LossName = (typeof lossNames)[number];

/** The optimisers. */
export const optimizerNames = ['sgd', 'nesterov', 'adagrad', 'adam'] as const;
/** How weights follow gradients. */
export type OptimizerName = (typeof optimizerNames)[number];

/** The schedules of the learning rate. */
export const scheduleNames = [
  'auto',
  'constant',
  'step',
  'inverse',
  'cosine',
  'linear',
  'one-cycle',
] as const;
/** How the learning rate falls. */
export type ScheduleName = (typeof scheduleNames)[number];

/** Options that a sweep can give several values, in the order in which a grid varies them (the last fastest). */
export const sweepNames = [
  'loss',
  'optimizer',
  'schedule',
  'eta0',
  'momentum',
  'reg',
  'l1',
  'damp',
  'step',
] as const satisfies readonly (keyof TrainOptions)[];
/** An option that a sweep can give several values. */
export type SweepName = (typeof sweepNames)[number];

/** The values of some options; a sweep trains a model for each combination. */
export type SweepGrid = { readonly [Name in SweepName]?: readonly TrainOptions[Name][] };

/** Options of every training verb. All have defaults; see `defaultOptions`. */
export interface TrainOptions {
  /** Bound, in bytes, on everything that grows with n, d or k. Default 10 MB. */
  readonly bufferBytes: number;
  /** How rows are put into random order on disk. Default external_shuffle. */
  readonly algo: ShuffleName;
  /** Scatter afresh for every epoch, or once and then permute buckets. Default epoch. */
  readonly reshuffle: 'epoch' | 'once';
  readonly loss: LossName;
  /** ½·reg·‖W‖² is added to the sum of losses over all rows (scikit-learn Ridge's alpha). Default 0.1. */
  readonly reg: number;
  /** l1·Σ|W| is added likewise. Default 0. */
  readonly l1: number;
  /** Fit an intercept, which is not penalised. Default true. */
  readonly bias: boolean;
  readonly scale: ScalingName;
  /** Passes over the training rows (ssgd, hsgd). Default 3. */
  readonly epochs: number;
  /** Steps (sgd) or full-batch iterations (gd). Default 5000. */
  readonly iters: number;
  /** Initial learning rate, or 'auto' (from the curvature of the data). Default auto. */
  readonly eta0: number | 'auto';
  /** Rows per step. 'auto': 32 with an automatic rate, 1 (as in 2016) with a given one. */
  readonly batch: number | 'auto';
  readonly optimizer: OptimizerName;
  /** 'auto': linear to zero with an automatic rate, step (damp, step: as in 2016) with a given one. */
  readonly schedule: ScheduleName;
  /** Default 0.9. */
  readonly momentum: number;
  /** Factor on the learning rate every `step` steps of schedule 'step'. Default 0.99. */
  readonly damp: number;
  /** Default 10000. */
  readonly step: number;
  /** Average the iterates of the last epoch (of each epoch, with `patience`). Default false. */
  readonly average: boolean;
  /**
   * Share of the training rows that is held out: not trained on, but scored after each epoch. 'auto': 0.1 with `sweep`
   * or `patience`, otherwise none. Default auto.
   */
  readonly holdout: number | 'auto';
  /**
   * Stop when this many epochs in a row were no better on the held-out rows, and keep the weights of the best epoch;
   * 0 trains all epochs and keeps the last. Default 0.
   */
  readonly patience: number;
  /** Train a model for each combination of these values, from one stream of rows (sgd, ssgd); the best is kept. */
  readonly sweep?: SweepGrid;
  /** Drop the worse half of the models of a sweep again and again while training. Default false. */
  readonly halving: boolean;
  /**
   * k-fold cross-validation in one pass (sgd, ssgd, closed): beside the model on all rows, one for each fold that leaves out
   * its rows and is judged on them; with `sweep`, for each of its models. 0: none. Default 0.
   */
  readonly folds: number;
  /** Threads at most; fewer are used where they would not help. Default: one for each processor. */
  readonly nthreads: number;
  /** Steps between rows of the CSV log; 0 writes none. Default 1000. */
  readonly logfreq: number;
  /** Evaluate on the whole training set too (as if memory were no limit). Default false. */
  readonly simulated: boolean;
  /** Use only so many rows of the training part; 0 uses all. Default 0. */
  readonly subset: number;
  /** Which rows a subset is: a random sample, drawn by `seed`, or the first ones. Default random. */
  readonly sample: SampleName;
  readonly seed: number;
  /**
   * Weights of the classes in the sum of losses: `none`, `balanced` (rows/(classes·rows of the class)), or names or
   * numbers with weights, `0:1,spam:5` (1 for the others). Default none.
   */
  readonly classWeight: string;
  /** Number of the feature that holds the weight of its row (at least 0) and is no feature of the model; -1: none. Default -1. */
  readonly weightColumn: number;
  /** Where the model that training starts from lies; the model itself is `TrainContext.init`. Default: zero weights. */
  readonly init?: string;
  /** Folder for scratch files. Default: beside the run folder. */
  readonly scratch?: string;
}

/** What is held out where something has to be judged and no share is given. */
const DEFAULT_SHARE = 0.1;

/** Share of the training rows that options hold out. */
export function heldOutShare({ holdout, patience, sweep, folds }: TrainOptions): number {
  if (holdout !== 'auto') return holdout;
  // Models are compared on the folds instead.
  if (folds > 0) return 0;
  return sweep !== undefined || patience > 0 ? DEFAULT_SHARE : 0;
}

/** The defaults of training. */
export const defaultOptions: TrainOptions = {
  bufferBytes: 10e6,
  algo: 'external_shuffle',
  reshuffle: 'epoch',
  loss: 'ridge',
  reg: 0.1,
  l1: 0,
  bias: true,
  scale: 'auto',
  epochs: 3,
  iters: 5000,
  eta0: 'auto',
  batch: 'auto',
  optimizer: 'sgd',
  schedule: 'auto',
  momentum: 0.9,
  damp: 0.99,
  step: 10000,
  average: false,
  holdout: 'auto',
  patience: 0,
  halving: false,
  folds: 0,
  nthreads: defaultThreads(),
  logfreq: 1000,
  simulated: false,
  subset: 0,
  sample: 'random',
  seed: 0,
  classWeight: 'none',
  weightColumn: -1,
};
