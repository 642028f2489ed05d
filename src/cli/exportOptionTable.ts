import { precisions } from '../model/export/precision.js';
import type { OptionSpec } from './optionSpec.js';

/** Options of `mlml export`. `--json` is a format here. */
export const exportOptionTable: readonly OptionSpec[] = [
  {
    name: 'onnx',
    kind: 'flag',
    help: 'ONNX, preprocessing included: for onnxruntime, browsers, phones',
    verbs: ['export'],
  },
  { name: 'npz', kind: 'flag', help: 'arrays for NumPy and scikit-learn', verbs: ['export'] },
  { name: 'json', kind: 'flag', help: 'one JSON object', verbs: ['export'] },
  {
    name: 'js',
    kind: 'flag',
    help: 'a JavaScript module without dependencies, for browsers and Node, and its types',
    verbs: ['export'],
  },
  {
    name: 'precision',
    kind: 'choice',
    choices: precisions,
    help: 'numbers of an ONNX file; float32 is half as large, and what GPUs compute with',
    shownDefault: precisions[0],
    verbs: ['export'],
  },
  {
    name: 'out',
    kind: 'text',
    help: 'the file to write, in place of an older one',
    shownDefault: 'the name of the model with the ending of the format',
    verbs: ['export'],
  },
];
