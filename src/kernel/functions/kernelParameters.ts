import { MlmlError } from '../../errors.js';
import type { KernelChoice } from '../options.js';
import type { KernelFunction } from './kernelFunction.js';

/** Kernels that are chosen by their name and parameters alone. */
export type NamedKind = Exclude<KernelFunction['kind'], 'sum' | 'product' | 'scale' | 'custom'>;
export type ParameterName = Exclude<keyof KernelChoice, 'kernel'>;

/** The parameters each kernel takes. Where sigma and gamma stand together, one says the other. */
export const parametersOf: Readonly<Record<NamedKind, readonly ParameterName[]>> = {
  rbf: ['sigma', 'gamma'],
  laplacian: ['sigma', 'gamma'],
  laplacian_l1: ['sigma', 'gamma'],
  matern: ['sigma', 'gamma', 'nu'],
  polynomial: ['gamma', 'coef0', 'degree'],
  linear: [],
  cosine: [],
  sigmoid: ['gamma', 'coef0'],
  chi2: ['sigma', 'gamma'],
  arc_cosine: ['depth'],
  ntk: ['depth'],
  precomputed: [],
};
const parameterNames: readonly ParameterName[] = ['sigma', 'gamma', 'degree', 'coef0', 'nu', 'depth'];

const positive = (x: number) => Number.isFinite(x) && x > 0;
const whole = (most: number) => (x: number) => Number.isInteger(x) && x >= 1 && x <= most;

/** What values each parameter may have, for --kernel options and for kernels read from files. */
export const parameterRules: Readonly<
  Record<
    ParameterName | 'lengthscale' | 'factor',
    { readonly holds: (x: number) => boolean; readonly wanted: string }
  >
> = {
  sigma: { holds: positive, wanted: 'a positive number' },
  lengthscale: { holds: positive, wanted: 'a positive number' },
  gamma: { holds: positive, wanted: 'a positive number' },
  factor: { holds: positive, wanted: 'a positive number' },
  coef0: { holds: Number.isFinite, wanted: 'a number' },
  degree: { holds: whole(1000), wanted: 'a whole number from 1 to 1000' },
  depth: { holds: whole(1000), wanted: 'a whole number from 1 to 1000' },
  nu: { holds: (x) => x === 0.5 || x === 1.5 || x === 2.5, wanted: '0.5, 1.5 or 2.5' },
};

/** Throws `MLML_USAGE` for parameters that are no sensible numbers, exclude each other, or are taken by none of `kinds`. */
export function checkParameters(choice: KernelChoice, kinds: readonly (NamedKind | 'custom')[]): void {
  const taken = new Set(kinds.flatMap((kind) => (kind === 'custom' ? [] : parametersOf[kind])));
  for (const name of parameterNames) {
    const value = choice[name];
    if (value === undefined) continue;
    const { holds, wanted } = parameterRules[name];
    if (!holds(value)) throw new MlmlError('MLML_USAGE', `--${name}=${value}: must be ${wanted}`);
    if (!taken.has(name)) {
      const others = parameterNames.filter((other) => taken.has(other)).map((other) => `--${other}`);
      const takes = others.length === 0 ? 'it takes no parameters' : `it takes ${others.join(', ')}`;
      throw new MlmlError(
        'MLML_USAGE',
        `--${name}=${value}: kernel ${choice.kernel} has no ${name}; ${takes}`,
      );
    }
  }
  if (choice.sigma !== undefined && choice.gamma !== undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `--sigma=${choice.sigma} and --gamma=${choice.gamma}: each says what the other does; give one of them`,
    );
  }
}
