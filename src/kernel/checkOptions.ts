import { scalingNames } from '../data/scaling.js';
import { sampleNames } from '../data/subset.js';
import { MlmlError } from '../errors.js';
import { tileDtypes } from './functions/kernelFunction.js';
import type { KernelDataOptions, KernelTrainOptions } from './options.js';

interface Rule {
  readonly holds: (x: number) => boolean;
  readonly wanted: string;
}

const whole = (least: number): Rule => ({
  holds: (x) => Number.isSafeInteger(x) && x >= least,
  wanted: `a whole number, at least ${least}`,
});

const dataRules = { subset: whole(0), nthreads: whole(1), seed: whole(0), tile: whole(0) } as const;

const trainRules = {
  tol: { holds: (x) => x > 0 && x <= 1, wanted: 'above 0 and at most 1' },
  patience: whole(0),
  passes: whole(1),
  rank: whole(-1),
  block: whole(0),
  centers: { holds: (x) => x === -1 || whole(1).holds(x), wanted: whole(1).wanted },
  epochs: whole(1),
  momentum: { holds: (x) => x >= 0 && x < 1, wanted: 'at least 0 and below 1' },
} satisfies Partial<Record<keyof KernelTrainOptions, Rule>>;

function check(name: string, value: number, { holds, wanted }: Rule): void {
  if (!holds(value)) throw new MlmlError('MLML_USAGE', `--${name}=${value}: must be ${wanted}`);
}

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value))
    throw new MlmlError('MLML_USAGE', `--${name}=${value}: must be one of ${choices.join(', ')}`);
}

/** Throws `MLML_USAGE` for the first option of a kernel job that is out of range. The kernel's parameters: `resolveKernel`. */
export function checkDataOptions(
  options: KernelDataOptions & Pick<KernelTrainOptions, 'dtype' | 'tile'>,
): void {
  if (!(options.bufferBytes > 0 && Number.isFinite(options.bufferBytes)))
    throw new MlmlError('MLML_USAGE', `bufferBytes ${options.bufferBytes}: must be a number of bytes`);
  for (const name of Object.keys(dataRules) as (keyof typeof dataRules)[])
    check(name, options[name], dataRules[name]);
  checkChoice('scale', options.scale, scalingNames);
  checkChoice('sample', options.sample, sampleNames);
  checkChoice('dtype', options.dtype, tileDtypes);
}

/** Throws `MLML_USAGE` for the first option of a job that solves that is out of range. */
export function checkTrainOptions(options: KernelTrainOptions): void {
  checkDataOptions(options);
  const { reg, holdout, eta0 } = options;
  if (reg.length === 0 || !reg.every((lambda) => lambda >= 0 && Number.isFinite(lambda))) {
    throw new MlmlError(
      'MLML_USAGE',
      `--reg=${reg.join(',')}: must be one or more numbers that are not negative`,
    );
  }
  check('holdout', holdout, { holds: (x) => x > 0 && x < 1, wanted: 'above 0 and below 1' });
  if (eta0 !== 'auto')
    check('eta0', eta0, { holds: (x) => x > 0 && Number.isFinite(x), wanted: 'above 0, or auto' });
  for (const name of Object.keys(trainRules) as (keyof typeof trainRules)[])
    check(name, options[name], trainRules[name]);
}
