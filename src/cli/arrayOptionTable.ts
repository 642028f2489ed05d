import type { OptionSpec } from './optionSpec.js';

/** Verbs that read arrays. */
const reading = ['import', 'predict', 'evaluate', 'calibrate'] as const;

/** Options of arrays: .npy, .npz, .mat and idx files. */
export const arrayOptionTable: readonly OptionSpec[] = [
  {
    name: 'features',
    kind: 'text',
    shape: '<name>',
    help: 'which array of a .npz or .mat file holds the features',
    shownDefault: 'a usual name, such as X_train or X',
    verbs: reading,
  },
  {
    name: 'labels',
    kind: 'text',
    shape: '<file or name>',
    help: 'labels of arrays: a file of their own, or an array of the same file',
    shownDefault: 'a usual name, such as y_train or y; else --label-column',
    verbs: reading,
  },
  {
    name: 'label-column',
    kind: 'integer',
    help: 'column of an array that is the label; below 0 from the end',
    shownDefault: '-1, the last',
    verbs: reading,
  },
  {
    name: 'test-labels',
    kind: 'text',
    shape: '<file or name>',
    help: 'labels of --test-file, when those of the training rows are in a file of their own',
    verbs: ['import'],
  },
  {
    name: 'task',
    kind: 'choice',
    choices: ['classification', 'regression'],
    help: 'what the labels are',
    shownDefault: 'classification for at most 20 different whole numbers',
    verbs: ['import'],
  },
];

/** Options of importing folders of images. */
export const imageOptionTable: readonly OptionSpec[] = [
  {
    name: 'image-size',
    kind: 'text',
    shape: '<width>x<height>',
    help: 'images are stretched to this',
    shownDefault: 'their own, when all are of the same',
    verbs: ['import'],
  },
  {
    name: 'channels',
    kind: 'choice',
    choices: ['rgb', 'gray'],
    help: 'what is kept of images',
    shownDefault: 'rgb',
    verbs: ['import'],
  },
];
