import { tableFormatNames } from '../data/table/tableFormats.js';
import { predictionFormats } from '../model/predictionFormat.js';
import { calibrationMethods } from '../ssgd/scoreCalibration.js';
import type { OptionSpec } from './optionSpec.js';

/** Options of the verbs that use a model: which rows, and what of them. */
export const scoringOptionTable: readonly OptionSpec[] = [
  {
    name: 'part',
    kind: 'choice',
    choices: ['train', 'test'],
    help: 'which rows of the data set',
    shownDefault: 'test',
    verbs: ['predict', 'evaluate', 'calibrate'],
  },
  {
    name: 'proba',
    kind: 'flag',
    help: 'probabilities of all classes (models of loss softmax or logistic, and calibrated ones)',
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
    verbs: ['evaluate', 'calibrate'],
  },
  {
    name: 'input-format',
    kind: 'choice',
    choices: tableFormatNames,
    help: 'the data are a table of this format',
    shownDefault: 'by the ending of the name; of stdin: csv, or jsonl when it begins with {',
    verbs: ['predict', 'evaluate', 'calibrate'],
  },
  {
    name: 'method',
    kind: 'choice',
    choices: calibrationMethods,
    help: 'sigmoid: two numbers a class, for few rows; isotonic: any rising curve, for thousands of rows',
    shownDefault: 'sigmoid',
    verbs: ['calibrate'],
  },
  {
    name: 'out',
    kind: 'text',
    shape: '<folder>',
    help: 'a new model, instead of the one given',
    verbs: ['calibrate'],
  },
];
