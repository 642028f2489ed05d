import type { DatasetDescription } from '../data/format.js';
import { scalingNames } from '../data/scaling.js';
import { sampleNames } from '../data/subset.js';
import { MlmlError } from '../errors.js';
import { lossOf } from './losses/losses.js';
import { lossNames, optimizerNames, scheduleNames, shuffleNames, type TrainOptions } from './options.js';
import { weightingOf } from './rowWeights.js';

/** Options whose value must lie in a range: [name, lowest, highest, whole number]. */
const ranges: readonly [keyof TrainOptions, number, number, boolean][] = [
  ['reg', 0, Infinity, false],
  ['l1', 0, Infinity, false],
  ['epochs', 1, 1e6, true],
  ['iters', 1, Number.MAX_SAFE_INTEGER, true],
  ['momentum', 0, 0.9999, false],
  ['damp', 0, 1, false],
  ['step', 1, Number.MAX_SAFE_INTEGER, true],
  ['patience', 0, 1e6, true],
  ['nthreads', 1, 1024, true],
  ['logfreq', 0, Number.MAX_SAFE_INTEGER, true],
  ['subset', 0, Number.MAX_SAFE_INTEGER, true],
  ['seed', 0, Number.MAX_SAFE_INTEGER, true],
];

/** Options that name one of several things. */
const named = {
  algo: shuffleNames,
  loss: lossNames,
  optimizer: optimizerNames,
  schedule: scheduleNames,
  scale: scalingNames,
  reshuffle: ['epoch', 'once'],
  sample: sampleNames,
} as const;

/** Throws `MLML_USAGE` for the first option that is out of range or does not go with the data. */
export function checkOptions(description: DatasetDescription, options: TrainOptions): void {
  for (const [name, lowest, highest, whole] of ranges) {
    const value = options[name] as number;
    const right =
      value >= lowest && value <= highest && Number.isFinite(value) && (!whole || Number.isInteger(value));
    if (right) continue;
    const range = highest === Infinity ? `at least ${lowest}` : `from ${lowest} to ${highest}`;
    throw new MlmlError(
      'MLML_USAGE',
      `--${name}=${value}: must be a ${whole ? 'whole ' : ''}number ${range}`,
    );
  }
  for (const [name, choices] of Object.entries(named)) {
    const value = options[name as keyof typeof named];
    if (!(choices as readonly string[]).includes(value)) {
      throw new MlmlError('MLML_USAGE', `--${name}=${value}: must be one of ${choices.join(', ')}`);
    }
  }
  if (!(options.bufferBytes >= 1)) {
    throw new MlmlError('MLML_USAGE', `bufferBytes ${options.bufferBytes}: must be a number of bytes`);
  }
  const { eta0, batch, loss, holdout, patience } = options;
  if (eta0 !== 'auto' && !(eta0 > 0 && Number.isFinite(eta0))) {
    throw new MlmlError('MLML_USAGE', `--eta0=${eta0}: must be a number above 0, or auto`);
  }
  if (batch !== 'auto' && !(Number.isInteger(batch) && batch >= 1 && batch <= 65536)) {
    throw new MlmlError('MLML_USAGE', `--batch=${batch}: must be a whole number from 1 to 65536, or auto`);
  }
  if (holdout !== 'auto' && !(holdout >= 0 && holdout <= 0.9)) {
    throw new MlmlError('MLML_USAGE', `--holdout=${holdout}: must be a share from 0 to 0.9, or auto`);
  }
  if (holdout === 0 && patience > 0) {
    throw new MlmlError(
      'MLML_USAGE',
      `--patience=${patience}: stops by what held-out rows show; give --holdout=<share> above 0, or leave it out`,
    );
  }
  const { weightColumn } = options;
  if (!Number.isSafeInteger(weightColumn) || weightColumn < -1)
    throw new MlmlError('MLML_USAGE', `--weight-column=${weightColumn}: must be the number of a feature`);
  weightingOf(description, options);
  const { tasks } = lossOf(loss);
  if (!tasks.includes(description.task)) {
    throw new MlmlError(
      'MLML_USAGE',
      `--loss=${loss}: is for ${tasks.join(' and ')}; ${description.name} is a ${description.task} data set (try --loss=ridge)`,
    );
  }
}
