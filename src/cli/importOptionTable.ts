import type { OptionSpec } from './optionSpec.js';

/** Options that only `mlml import` has. */
export const importOptionTable: readonly OptionSpec[] = [
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
    name: 'test-file',
    kind: 'text',
    help: 'a second file (table, arrays, LIBSVM text), whose rows are the test rows; without it --percentage divides the rows',
    verbs: ['import'],
  },
  {
    name: 'dense',
    kind: 'flag',
    help: 'store LIBSVM text as dense rows, which every verb takes',
    verbs: ['import'],
  },
];
