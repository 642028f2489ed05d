import type { KernelFunction } from '../../../kernel/functions/kernelFunction.js';

/** k(x, y) of two scaled rows of the same length. */
export type KernelValue = (x: Float64Array, y: Float64Array) => number;

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += x[j]! * y[j]!;
  return sum;
}

function squaredDistance(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) {
    const difference = x[j]! - y[j]!;
    sum += difference * difference;
  }
  return sum;
}

function absoluteDistance(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += Math.abs(x[j]! - y[j]!);
  return sum;
}

/** Σ (a − b)²/(a + b), where features below 0 count as 0. */
function chi2Distance(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) {
    const a = Math.max(0, x[j]!);
    const b = Math.max(0, y[j]!);
    if (a + b !== 0) sum += ((a - b) * (a - b)) / (a + b);
  }
  return sum;
}

function arcCosine(x: Float64Array, y: Float64Array, depth: number, isTangent: boolean): number {
  const norms = Math.sqrt(dot(x, x) * dot(y, y));
  if (norms === 0) return 0;
  let cosine = Math.min(1, Math.max(-1, dot(x, y) / norms));
  let tangent = cosine;
  for (let layer = 0; layer < depth; layer++) {
    const angle = Math.acos(cosine);
    const next = (Math.sin(angle) + (Math.PI - angle) * cosine) / Math.PI;
    tangent = next + (tangent * (Math.PI - angle)) / Math.PI;
    cosine = Math.min(1, next);
  }
  return norms * (isTangent ? tangent : cosine);
}

/** A kernel as a function, in plain arithmetic; a function of a program has none. */
export function kernelValue(kernel: KernelFunction): KernelValue {
  switch (kernel.kind) {
    case 'rbf':
      return (x, y) => Math.exp(-squaredDistance(x, y) / (2 * kernel.lengthscale ** 2));
    case 'laplacian':
      return (x, y) => Math.exp(-Math.sqrt(squaredDistance(x, y)) / kernel.lengthscale);
    case 'laplacian_l1':
      return (x, y) => Math.exp(-kernel.gamma * absoluteDistance(x, y));
    case 'matern': {
      const scale = Math.sqrt(2 * kernel.nu) / kernel.lengthscale;
      const polynomial = { 0.5: () => 1, 1.5: (t: number) => 1 + t, 2.5: (t: number) => 1 + t + (t * t) / 3 };
      const before = polynomial[kernel.nu];
      return (x, y) => {
        const t = scale * Math.sqrt(squaredDistance(x, y));
        return before(t) * Math.exp(-t);
      };
    }
    case 'polynomial':
      return (x, y) => (kernel.gamma * dot(x, y) + kernel.coef0) ** kernel.degree;
    case 'linear':
      return dot;
    case 'cosine':
      return (x, y) => {
        const norms = Math.sqrt(dot(x, x) * dot(y, y));
        return norms === 0 ? 0 : dot(x, y) / norms;
      };
    case 'sigmoid':
      return (x, y) => Math.tanh(kernel.gamma * dot(x, y) + kernel.coef0);
    case 'chi2':
      return (x, y) => Math.exp(-kernel.gamma * chi2Distance(x, y));
    case 'arc_cosine':
    case 'ntk':
      return (x, y) => arcCosine(x, y, kernel.depth, kernel.kind === 'ntk');
    case 'sum': {
      const terms = kernel.terms.map(kernelValue);
      return (x, y) => terms.reduce((sum, term) => sum + term(x, y), 0);
    }
    case 'product': {
      const factors = kernel.factors.map(kernelValue);
      return (x, y) => factors.reduce((product, factor) => product * factor(x, y), 1);
    }
    case 'scale': {
      const of = kernelValue(kernel.of);
      return (x, y) => kernel.factor * of(x, y);
    }
    default:
      throw new Error(`kernel ${kernel.kind} is no function of rows that can be written down`);
  }
}
