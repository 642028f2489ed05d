import { predictionFormats } from '../model/predictionFormat.js';
import type { OptionSpec } from './optionSpec.js';

/** Options of the verbs that use a model: which rows, and what of them. */
export const scoringOptionTable: readonly OptionSpec[] = [
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
  {
    name: 'format',
    kind: 'choice',
    choices: predictionFormats,
    help: 'of the predictions',
    shownDefault: 'from the name of --out; csv to stdout',
    verbs: ['predict'],
  },
  {
    name: 'scratch',
    kind: 'text',
    help: 'folder for scores that are sorted on disk',
    shownDefault: 'the current folder',
    verbs: ['evaluate'],
  },
];
