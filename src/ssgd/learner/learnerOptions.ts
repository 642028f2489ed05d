import type { Dtype } from '../../arithmetic/dtype.js';
import { columnsOf } from '../../data/columns/columnMapping.js';
import type { DatasetDescription, Task } from '../../data/format.js';
import { checkLabelNames, plainLabelNames } from '../../data/labelNames.js';
import { makeScaling, type Scaling, type ScalingName } from '../../data/scaling.js';
import { nearest } from '../../data/suggest.js';
import { MlmlError } from '../../errors.js';
import {
  requireBoolean,
  requireClassNames,
  requireDescription,
  requireFunction,
  requireModel,
} from '../checkArguments.js';
import { checkOptions } from '../checkOptions.js';
import type { TrainListener } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import type { RowWeighting } from '../rowWeights.js';
import { weightingOf } from '../rowWeights.js';
import { checkPenalty } from '../sgd/chosenOptions.js';
import { checkInitialModel } from '../warmStart.js';
import { type LearnerPlan, type LearnerSize, planLearner } from './planLearner.js';

/** Number types of the rows a learner is given. */
const learnerDtypes = ['float32', 'float64', 'uint8'] as const satisfies readonly Dtype[];

/** Schedules that need not know how many rows will come. */
const learnerSchedules = ['constant', 'inverse', 'step'] as const;

type TrainingOptions = Pick<
  TrainOptions,
  | 'loss'
  | 'bias'
  | 'optimizer'
  | 'momentum'
  | 'damp'
  | 'step'
  | 'eta0'
  | 'average'
  | 'classWeight'
  | 'bufferBytes'
>;

/** Options of `openLearner`. What has no default here has that of `defaultOptions`. */
export interface LearnerOptions extends Partial<TrainingOptions> {
  /** Number of features. Needed unless `like` or `init` says it. */
  readonly d?: number;
  /** Number of classes, or of the outputs of a regression. Needed unless `like` or `init` says it. */
  readonly k?: number;
  /** Default: regression when k is 1, else classification. */
  readonly task?: Task;
  readonly classNames?: readonly string[];
  /** Of a regression with several outputs, one for each. Default those of `like` or `init`, else y0, y1, … */
  readonly labelNames?: readonly string[];
  /** Number type in which rows are kept while they are worked on. Default float32, or that of `like`. */
  readonly dtype?: (typeof learnerDtypes)[number];
  /** A data set like the rows to come: its sizes, classes, statistics and number type. */
  readonly like?: DatasetDescription;
  /** Start from this model; its scaling is kept unless `scale` is given. */
  readonly init?: LinearModel;
  /** Without `like`: none, or unit for bytes, which is their default. With it: as for training. */
  readonly scale?: ScalingName;
  /** Penalty for each row: ½·reg·‖W‖² is added to the mean loss of a row, so it is `reg` of `train` over its rows. Default 0. */
  readonly reg?: number;
  /** l1·Σ|W| is added likewise. Default 0. */
  readonly l1?: number;
  /** Default inverse: eta0/√(1 + i/step) in step i. */
  readonly schedule?: (typeof learnerSchedules)[number];
  /** Rows of a step; the last rows of a call make a step of their own. Default 32. */
  readonly batch?: number;
  /** Rows will come with weights. Default false. */
  readonly weighted?: boolean;
  readonly onEvent?: TrainListener;
}

/** All names of options. */
const names: { readonly [Name in keyof Required<LearnerOptions>]: true } = {
  d: true,
  k: true,
  task: true,
  classNames: true,
  labelNames: true,
  dtype: true,
  like: true,
  init: true,
  scale: true,
  reg: true,
  l1: true,
  schedule: true,
  batch: true,
  weighted: true,
  onEvent: true,
  loss: true,
  bias: true,
  optimizer: true,
  momentum: true,
  damp: true,
  step: true,
  eta0: true,
  average: true,
  classWeight: true,
  bufferBytes: true,
};

/** The options with everything decided. */
export interface LearnerSetting {
  readonly description: DatasetDescription;
  readonly options: TrainOptions;
  readonly plan: LearnerPlan;
  readonly scaling: Scaling;
  /** Taken off the scaled features. */
  readonly centre: Float64Array;
  /** Of the features, before scaling. */
  readonly mean: ArrayLike<number>;
  readonly weighting: RowWeighting | undefined;
  readonly init: LinearModel | undefined;
  /** Training rows of each class in `like`. */
  readonly classCounts: readonly number[] | undefined;
}

const usage = (message: string) => new MlmlError('MLML_USAGE', message);

/** Throws `MLML_USAGE` unless there are options, all known and of their kind: callers may not be checked by types. */
function checkArguments(given: LearnerOptions): void {
  if (typeof given !== 'object' || given === null)
    throw usage('openLearner takes an object of options, such as { d: 784, k: 10 }');
  for (const [name, value] of Object.entries(given)) {
    if (value === null) throw usage(`${name}: is null; leave it out, or give it a value`);
    if (Object.hasOwn(names, name)) continue;
    const meant = nearest(name, Object.keys(names));
    const hint = meant === undefined ? `they are ${Object.keys(names).join(', ')}` : `did you mean ${meant}?`;
    throw usage(`${name}: is not an option of openLearner; ${hint}`);
  }
  if (given.like !== undefined) requireDescription('like', given.like);
  if (given.init !== undefined) requireModel('init', given.init);
  requireClassNames(given.classNames);
  requireFunction('onEvent', given.onEvent);
  for (const name of ['bias', 'average', 'weighted'] as const) requireBoolean(name, given[name]);
}

/** Fills in defaults; `MLML_USAGE` for what does not go together, `MLML_MISMATCH` for a model that does not fit. */
export function learnerSetting(given: LearnerOptions): LearnerSetting {
  checkArguments(given);
  const { like, init, batch = 32, schedule = 'inverse', weighted = false } = given;
  const d = given.d ?? like?.d ?? init?.d;
  const k = given.k ?? like?.k ?? (init === undefined ? undefined : classesOf(init));
  for (const [name, value] of Object.entries({ d, k })) {
    if (!(Number.isSafeInteger(value) && value! >= 1))
      throw usage(
        `${name}=${value}: a learner needs ${name}, a whole number of at least 1, or like or init, which say it`,
      );
  }
  const task = given.task ?? like?.task ?? init?.task ?? (k === 1 ? 'regression' : 'classification');
  if (task === 'classification' && k === 1) throw usage(`k=1: a learner of ${task} has at least 2 classes`);
  const dtype = given.dtype ?? like?.dtype ?? 'float32';
  if (!(learnerDtypes as readonly Dtype[]).includes(dtype))
    throw usage(`dtype ${dtype}: rows of a learner are ${learnerDtypes.join(', ')}`);
  if (!(learnerSchedules as readonly string[]).includes(schedule))
    throw usage(
      `schedule ${schedule}: needs to know how many rows will come; use ${learnerSchedules.join(', ')}`,
    );
  if (!(Number.isInteger(batch) && batch >= 1 && batch <= 65536))
    throw usage(`batch ${batch}: must be a whole number from 1 to 65536`);
  if (given.classWeight === 'balanced' && like === undefined)
    throw usage(
      'classWeight balanced: give like, a data set with counts of the classes, or the weights themselves',
    );
  const options = trainOptions(given, batch, schedule);
  const shape = { d: d!, k: k!, task, dtype };
  // Before anything is made that grows with d or k.
  checkOptions(describe(given, shape, []), { ...options, classWeight: 'none' });
  checkPenalty(options, 1);
  const plan = planLearner({ ...shape, options, batch, weighted });
  const classCounts = like?.classCounts ?? new Array(task === 'classification' ? k! : 0).fill(1);
  const description = describe(given, shape, classCounts);
  const byClass = weightingOf(description, options);
  if (init !== undefined) checkInitialModel(init, description, options);
  const scaling = scalingOf(given, description);
  const centred = like !== undefined && options.bias && options.eta0 === 'auto';
  const centre = new Float64Array(d!);
  // Without a data set the mean is taken to be 0, as the centre is.
  const mean = like?.statistics.mean ?? centre;
  for (let j = 0; centred && j < d!; j++) centre[j] = scaling.multiply[j]! * mean[j]! + scaling.add[j]!;
  return {
    description,
    options,
    plan,
    scaling,
    centre,
    mean,
    weighting: weighted
      ? { classWeights: byClass?.classWeights, column: undefined, behindLabel: true }
      : byClass,
    init,
    classCounts: like !== undefined && task === 'classification' ? like.classCounts : undefined,
  };
}

/** Classes of a model, where one column stands for two, or outputs. */
function classesOf({ task, k }: LinearModel): number {
  return task === 'classification' ? Math.max(2, k) : k;
}

function trainOptions(
  given: LearnerOptions,
  batch: number,
  schedule: TrainOptions['schedule'],
): TrainOptions {
  const { init } = given;
  const { loss = init?.loss ?? defaultOptions.loss, bias = true, optimizer = 'sgd', eta0 = 'auto' } = given;
  const { momentum = defaultOptions.momentum, damp = defaultOptions.damp, step = 1000 } = given;
  const { average = false, classWeight = 'none', bufferBytes = defaultOptions.bufferBytes } = given;
  return {
    ...defaultOptions,
    ...{ loss, bias, optimizer, eta0, momentum, damp, step, average, classWeight, bufferBytes },
    ...{ reg: given.reg ?? 0, l1: given.l1 ?? 0, batch, schedule, logfreq: 0, nthreads: 1 },
    ...(init === undefined ? {} : { init: 'a model' }),
  };
}

function scalingOf({ scale, like, init }: LearnerOptions, { d, dtype }: DatasetDescription): Scaling {
  if (scale === undefined && init !== undefined) return init.scaling;
  if (like !== undefined) return makeScaling(scale ?? 'auto', dtype, like.statistics);
  const bytes = dtype === 'uint8';
  const name = scale === undefined || scale === 'auto' ? (bytes ? 'unit' : 'none') : scale;
  if (name === 'none' || (name === 'unit' && bytes)) {
    const factor = name === 'unit' ? 1 / 255 : 1;
    return { name, multiply: new Float64Array(d).fill(factor), add: new Float64Array(d) };
  }
  throw usage(`scale ${name}: needs the statistics of a data set; give like, or scale the rows yourself`);
}

/** A learner's rows, described as a data set of no rows. */
function describe(
  { like, init, classNames, labelNames }: LearnerOptions,
  { d, k, task, dtype }: Pick<LearnerSize, 'd' | 'k' | 'task' | 'dtype'>,
  classCounts: readonly number[],
): DatasetDescription {
  if (like !== undefined && (like.d !== d || like.k !== k || like.task !== task))
    throw usage(
      `like ${like.name}: has ${like.d} features, k=${like.k}, ${like.task}; the learner ${d}, k=${k}, ${task}`,
    );
  const several = task === 'regression' && k > 1;
  const meaning = columnsOf(like ?? init ?? {});
  const names = labelNames ?? meaning.labelNames ?? (several ? plainLabelNames(k) : undefined);
  checkLabelNames(names, task, k, (_, found) => {
    throw usage(
      `labelNames ${JSON.stringify(found)}: must be ${several ? `${k} different names` : 'left out with one output'}`,
    );
  });
  return {
    format: 'mlml-dataset',
    version: several ? 3 : 1,
    name: 'the learner',
    task,
    d,
    k,
    dtype,
    labelDtype: 'float64',
    parts: { train: { n: 1, shards: [] }, test: { n: 0, shards: [] } },
    // A learner's own are never asked for.
    statistics: like?.statistics ?? { mean: [], variance: [], min: [], max: [], maxRowNorm: 0 },
    classCounts,
    classNames: classNames ?? like?.classNames ?? init?.classNames ?? [],
    ...meaning,
    ...(names === undefined ? {} : { labelNames: names }),
    source: { description: 'rows given to a learner', files: [] },
    fingerprint: '',
  };
}
