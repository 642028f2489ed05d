import { verbs as training } from '../ssgd/options.js';
import { commandNames, kernelTrainingVerbs, kernelVerbs, type OptionSpec } from './optionSpec.js';

/** How a command shows what it does, stops and goes on; the last ones in the help. */
export const runOptionTable: readonly OptionSpec[] = [
  {
    name: 'json',
    kind: 'flag',
    help: 'print the result as one JSON object',
    verbs: [
      'import',
      ...training,
      ...kernelVerbs,
      'kernels',
      'prune',
      'plan',
      'predict',
      'evaluate',
      'calibrate',
      'serve',
      'resume',
      'info',
    ],
  },
  {
    name: 'quiet',
    kind: 'flag',
    help: 'no progress, results only',
    verbs: ['import', ...training, ...kernelVerbs, 'kernels', 'predict', 'evaluate', 'calibrate', 'resume'],
  },
  {
    name: 'resume',
    kind: 'flag',
    help: 'go on with the run at --out; it starts afresh when there is none, and only reports one that is complete',
    verbs: [...training, ...kernelTrainingVerbs],
  },
  {
    name: 'checkpoint-every',
    kind: 'text',
    shape: '<t>s|<rows>',
    help: 'how often a state is saved to go on from: after seconds (30s) or rows (1000000); 0 is never',
    shownDefault: '30s',
    verbs: [...training, ...kernelTrainingVerbs, 'resume'],
  },
  { name: 'help', kind: 'flag', help: 'this help', verbs: commandNames },
];
