import { dtypeBytes } from '../arithmetic/dtype.js';
import { scalingNames } from '../data/scaling.js';
import {
  defaultOptions,
  lossNames,
  optimizerNames,
  scheduleNames,
  shuffleNames,
  verbs as trainingVerbs,
  type Verb,
} from '../ssgd/options.js';

export const commandNames = [
  'import',
  ...trainingVerbs,
  'plan',
  'predict',
  'evaluate',
  'info',
  'help',
] as const;
export type CommandName = (typeof commandNames)[number];

/** `integer`, `number`: with a range. `size`: bytes, written as megabytes or with a unit. `flag`: no value needed. */
export type OptionKind = 'integer' | 'number' | 'size' | 'choice' | 'text' | 'flag';

export interface OptionSpec {
  readonly name: string;
  readonly kind: OptionKind;
  readonly help: string;
  /** Shown in the help; the parser does not fill it in. */
  readonly shownDefault?: string;
  readonly min?: number;
  readonly max?: number;
  /** The range excludes `min` itself. */
  readonly aboveMin?: boolean;
  readonly choices?: readonly string[];
  /** A word accepted beside numbers. */
  readonly word?: string;
  readonly negatable?: boolean;
  /** A flag that may be followed by true or false as a word of its own, as in 2016. */
  readonly wordAfter?: boolean;
  readonly verbs: readonly CommandName[];
  /** Training verbs on which it changes anything; all when absent. Others accept it with a warning. */
  readonly effective?: readonly Verb[];
  /** It describes raw row files; given with a data set it changes nothing and earns a warning. */
  readonly rawOnly?: boolean;
}

const training = trainingVerbs;
const streaming = ['ssgd', 'hsgd'] as const;
const stochastic = ['sgd', 'ssgd', 'hsgd'] as const;
const iterative = ['gd', 'sgd', 'ssgd', 'hsgd'] as const;
const open = [...training, 'predict', 'evaluate', 'info'] as const;
const shown = (value: number | string | boolean) => String(value);

/** Every option of the command line, in the order of the help. */
export const optionTable: readonly OptionSpec[] = [
  {
    name: 'buffer',
    kind: 'size',
    help: 'memory for everything that grows with the data, in MB (also 512KB, 2GiB)',
    shownDefault: shown(defaultOptions.bufferBytes / 1e6),
    verbs: [...training, 'predict', 'evaluate'],
  },
  {
    name: 'algo',
    kind: 'choice',
    choices: shuffleNames,
    help: 'how rows are brought into random order on disk',
    shownDefault: defaultOptions.algo,
    verbs: training,
    effective: streaming,
  },
  {
    name: 'reshuffle',
    kind: 'choice',
    choices: ['epoch', 'once'],
    help: 'shuffle for every epoch, or once',
    shownDefault: defaultOptions.reshuffle,
    verbs: training,
    effective: streaming,
  },
  {
    name: 'epochs',
    kind: 'integer',
    min: 1,
    max: 1e6,
    help: 'passes over the training rows',
    shownDefault: shown(defaultOptions.epochs),
    verbs: training,
    effective: streaming,
  },
  {
    name: 'iters',
    kind: 'integer',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: 'steps of sgd, full iterations of gd',
    shownDefault: shown(defaultOptions.iters),
    verbs: training,
    effective: ['gd', 'sgd'],
  },
  {
    name: 'loss',
    kind: 'choice',
    choices: lossNames,
    help: 'what is minimised (closed solves ridge)',
    shownDefault: defaultOptions.loss,
    verbs: training,
  },
  {
    name: 'reg',
    kind: 'number',
    min: 0,
    help: '½·reg·‖W‖² is added to the sum of losses over all rows',
    shownDefault: shown(defaultOptions.reg),
    verbs: training,
  },
  {
    name: 'l1',
    kind: 'number',
    min: 0,
    help: 'l1·Σ|W| is added likewise (not by closed)',
    shownDefault: shown(defaultOptions.l1),
    verbs: training,
  },
  {
    name: 'bias',
    kind: 'flag',
    negatable: true,
    help: 'fit an intercept (not penalised)',
    shownDefault: 'yes',
    verbs: training,
  },
  {
    name: 'scale',
    kind: 'choice',
    choices: scalingNames,
    help: 'scaling of features while reading; auto is unit for bytes, standard otherwise',
    shownDefault: defaultOptions.scale,
    verbs: training,
  },
  {
    name: 'eta0',
    kind: 'number',
    min: 0,
    aboveMin: true,
    word: 'auto',
    help: 'learning rate at the start; auto derives it from the data',
    shownDefault: shown(defaultOptions.eta0),
    verbs: training,
    effective: iterative,
  },
  {
    name: 'schedule',
    kind: 'choice',
    choices: scheduleNames,
    help: 'how the learning rate falls',
    shownDefault: defaultOptions.schedule,
    verbs: training,
    effective: iterative,
  },
  {
    name: 'damp',
    kind: 'number',
    min: 0,
    aboveMin: true,
    max: 1,
    help: 'schedule step: factor on the learning rate every --step steps',
    shownDefault: shown(defaultOptions.damp),
    verbs: training,
    effective: iterative,
  },
  {
    name: 'step',
    kind: 'integer',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: 'schedule step: steps between two falls of the rate',
    shownDefault: shown(defaultOptions.step),
    verbs: training,
    effective: iterative,
  },
  {
    name: 'momentum',
    kind: 'number',
    min: 0,
    max: 0.9999,
    help: 'share of the last update that is kept',
    shownDefault: shown(defaultOptions.momentum),
    verbs: training,
    effective: iterative,
  },
  {
    name: 'optimizer',
    kind: 'choice',
    choices: optimizerNames,
    help: 'update rule',
    shownDefault: defaultOptions.optimizer,
    verbs: training,
    effective: iterative,
  },
  {
    name: 'batch',
    kind: 'integer',
    min: 1,
    max: 65536,
    word: 'auto',
    help: 'rows per step; auto is up to 32, or 1 (as in 2016) when --eta0 is a number',
    shownDefault: shown(defaultOptions.batch),
    verbs: training,
    effective: stochastic,
  },
  {
    name: 'average',
    kind: 'flag',
    help: 'average the weights over the last epoch',
    verbs: training,
    effective: stochastic,
  },
  {
    name: 'nthreads',
    kind: 'integer',
    min: 1,
    max: 1024,
    help: 'threads; this version trains with one',
    shownDefault: shown(defaultOptions.nthreads),
    verbs: training,
    effective: ['hsgd'],
  },
  {
    name: 'subset',
    kind: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: 'train on the first rows only; 0 is all',
    shownDefault: shown(defaultOptions.subset),
    verbs: training,
  },
  {
    name: 'simulated',
    kind: 'flag',
    help: 'evaluate on the whole training set too, as if memory were no limit',
    verbs: training,
  },
  {
    name: 'logfreq',
    kind: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: 'steps between lines of the CSV log; 0 is none',
    shownDefault: shown(defaultOptions.logfreq),
    verbs: training,
    effective: iterative,
  },
  {
    name: 'scratch',
    kind: 'text',
    help: 'folder for scratch files',
    shownDefault: 'beside the run',
    verbs: training,
    effective: streaming,
  },
  {
    name: 'train',
    kind: 'text',
    help: 'raw row file to train on, instead of a data set (with --n and --d)',
    verbs: training,
  },
  { name: 'test', kind: 'text', help: 'raw row file to test on (with --nt)', verbs: training },
  {
    name: 'n',
    kind: 'integer',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: 'rows: of --train, or of the training set to make for digits',
    verbs: ['import', ...training],
  },
  {
    name: 'nt',
    kind: 'integer',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: 'rows: of --test, or of the test set to make for digits',
    verbs: ['import', ...training],
  },
  {
    name: 'd',
    kind: 'integer',
    min: 1,
    max: 1e9,
    help: 'features of a raw row',
    verbs: ['import', ...training],
    rawOnly: true,
  },
  {
    name: 'k',
    kind: 'integer',
    min: 1,
    max: 1e6,
    help: 'classes of raw rows; 1: the label is the target of a regression',
    shownDefault: '10',
    verbs: ['import', ...training],
    rawOnly: true,
  },
  {
    name: 'one-hot',
    kind: 'flag',
    negatable: true,
    wordAfter: true,
    help: 'labels of raw rows are numbers of k classes; false is --k=1',
    shownDefault: 'true when k > 1',
    verbs: ['import', ...training],
    rawOnly: true,
  },
  {
    name: 'dtype',
    kind: 'choice',
    choices: Object.keys(dtypeBytes),
    help: 'number type of raw rows, or to store when importing',
    shownDefault: 'that of the source; raw rows: from the size of the file',
    verbs: ['import', ...training],
  },
  {
    name: 'percentage',
    kind: 'number',
    min: 0,
    aboveMin: true,
    max: 1,
    help: 'share of the rows that trains, where the source has no test set of its own',
    shownDefault: '0.8',
    verbs: ['import'],
  },
  {
    name: 'data-dir',
    kind: 'text',
    help: 'folder of data sets and of files to import',
    shownDefault: './data',
    verbs: ['import', ...open],
  },
  {
    name: 'part',
    kind: 'choice',
    choices: ['train', 'test'],
    help: 'which rows of the data set',
    shownDefault: 'test',
    verbs: ['predict', 'evaluate'],
  },
  {
    name: 'proba',
    kind: 'flag',
    help: 'probabilities of all classes (models of loss softmax or logistic)',
    verbs: ['predict'],
  },
  { name: 'verify', kind: 'flag', help: 'read everything and check the checksums', verbs: ['info'] },
  {
    name: 'seed',
    kind: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: 'seed of every random choice',
    shownDefault: shown(defaultOptions.seed),
    verbs: ['import', ...training],
  },
  {
    name: 'out',
    kind: 'text',
    help: 'what is made: the data set folder (import), the run folder (training), a .csv or .npy file or - (predict)',
    verbs: ['import', ...training, 'predict'],
  },
  {
    name: 'json',
    kind: 'flag',
    help: 'print the result as one JSON object',
    verbs: ['import', ...training, 'plan', 'predict', 'evaluate', 'info'],
  },
  {
    name: 'quiet',
    kind: 'flag',
    help: 'no progress, results only',
    verbs: ['import', ...training, 'predict', 'evaluate'],
  },
  { name: 'help', kind: 'flag', help: 'this help', verbs: commandNames },
];

/** The options a verb knows. */
export function optionsOf(command: CommandName): readonly OptionSpec[] {
  return optionTable.filter((option) => option.verbs.includes(command));
}
