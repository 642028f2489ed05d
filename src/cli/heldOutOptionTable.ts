import { MOST_FOLDS } from '../data/rowFolds.js';
import { defaultOptions, sweepNames, verbs as training } from '../ssgd/options.js';
import type { OptionSpec } from './optionSpec.js';

const stochastic = ['sgd', 'ssgd', 'hsgd'] as const;
const shown = (value: number | string) => String(value);

/** The options that choose by rows which are held out: among epochs, or among models. */
export const heldOutOptionTable: readonly OptionSpec[] = [
  {
    name: 'holdout',
    kind: 'number',
    min: 0,
    max: 0.9,
    word: 'auto',
    help: 'share of the training rows that is not trained on but scored after each epoch; auto is 0.1 with --sweep or --patience, else 0',
    shownDefault: shown(defaultOptions.holdout),
    verbs: training,
    linearOnly: true,
    effective: stochastic,
  },
  {
    name: 'patience',
    kind: 'integer',
    min: 0,
    max: 1e6,
    help: 'stop after so many epochs that are no better on the held-out rows, keep the best weights; 0 does not stop',
    shownDefault: shown(defaultOptions.patience),
    verbs: training,
    linearOnly: true,
    effective: stochastic,
  },
  {
    name: 'sweep',
    kind: 'grid',
    shape: '<name>=<value>,<value> ...',
    help: `train a model for each combination, all from one stream of rows, and keep the best on held-out rows (sgd, ssgd); names: ${sweepNames.join(', ')}`,
    verbs: training,
    linearOnly: true,
  },
  {
    name: 'halving',
    kind: 'flag',
    help: 'drop the worse half of the models of a sweep at 1/2, 1/4, 1/8 ... of all rows, until one is left',
    verbs: training,
    linearOnly: true,
  },
  {
    name: 'folds',
    kind: 'integer',
    min: 0,
    max: MOST_FOLDS,
    help: 'k-fold cross-validation in the same pass: beside the model, one that leaves out each fold and is judged on it (of a sweep, for each of its models); 0 is none',
    shownDefault: shown(defaultOptions.folds),
    verbs: ['closed', 'sgd', 'ssgd'],
    linearOnly: true,
  },
];
