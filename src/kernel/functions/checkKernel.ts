import { MlmlError } from '../../errors.js';
import { shown } from '../../storage/sealedJson.js';
import type { KernelFunction } from './kernelFunction.js';
import { parameterRules } from './kernelParameters.js';

type Kind = KernelFunction['kind'];
type NumberField = 'lengthscale' | 'gamma' | 'nu' | 'coef0' | 'degree' | 'depth' | 'factor';

/** Numbers that a kernel of each kind has. */
const numbersOf: Readonly<Record<Kind, readonly NumberField[]>> = {
  rbf: ['lengthscale'],
  laplacian: ['lengthscale'],
  laplacian_l1: ['gamma'],
  matern: ['nu', 'lengthscale'],
  polynomial: ['gamma', 'coef0', 'degree'],
  linear: [],
  cosine: [],
  sigmoid: ['gamma', 'coef0'],
  chi2: ['gamma'],
  arc_cosine: ['depth'],
  ntk: ['depth'],
  sum: [],
  product: [],
  scale: ['factor'],
  custom: [],
  precomputed: [],
};

/**
 * Checks a kernel read from the JSON file `path`, where it lies in `field`, and returns it with the fields of its kind
 * only; anything unexpected is `MLML_BAD_FILE` naming the field. Whether a custom function is known is not asked.
 */
export function checkKernel(value: unknown, path: string, field = 'kernel'): KernelFunction {
  const bad = (name: string, found: unknown, wanted: string): never => {
    throw new MlmlError('MLML_BAD_FILE', `${path}: field '${name}' is ${shown(found)}; expected ${wanted}`);
  };
  if (typeof value !== 'object' || value === null) return bad(field, value, 'a kernel');
  const given = value as Readonly<Record<string, unknown>>;
  const kind = given['kind'] as Kind;
  if (typeof kind !== 'string' || !Object.hasOwn(numbersOf, kind))
    return bad(`${field}.kind`, kind, `one of ${Object.keys(numbersOf).join(', ')}`);
  const list = (name: string): KernelFunction[] => {
    const parts = given[name];
    if (!Array.isArray(parts) || parts.length === 0)
      return bad(`${field}.${name}`, parts, 'a list of kernels');
    return parts.map((part, i) => checkKernel(part, path, `${field}.${name}[${i}]`));
  };
  if (kind === 'sum') return { kind, terms: list('terms') };
  if (kind === 'product') return { kind, factors: list('factors') };
  if (kind === 'custom') {
    const name = given['name'];
    return typeof name === 'string' && name !== '' ? { kind, name } : bad(`${field}.name`, name, 'a name');
  }
  const numbers: Record<string, number> = {};
  for (const name of numbersOf[kind]) {
    const number = given[name];
    const { holds, wanted } = parameterRules[name];
    if (typeof number !== 'number' || !holds(number)) return bad(`${field}.${name}`, number, wanted);
    numbers[name] = number;
  }
  if (kind === 'scale')
    return { kind, factor: numbers['factor']!, of: checkKernel(given['of'], path, `${field}.of`) };
  return { kind, ...numbers } as KernelFunction;
}
