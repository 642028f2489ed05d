import type { KernelFunction } from '../../src/kernel/functions/kernelFunction.js';

/** k(x, y) in doubles, straight from the formulas of `KernelFunction`. */
export function referenceKernel(kernel: KernelFunction, x: readonly number[], y: readonly number[]): number {
  const sum = (term: (a: number, b: number) => number) =>
    x.reduce((total, a, j) => total + term(a, y[j]!), 0);
  const dot = () => sum((a, b) => a * b);
  const square = () => sum((a, b) => (a - b) ** 2);
  // Under one root, so that equal rows have a cosine of exactly 1.
  const norms = Math.sqrt(sum((a) => a * a) * y.reduce((total, b) => total + b * b, 0));
  switch (kernel.kind) {
    case 'rbf':
      return Math.exp(-square() / (2 * kernel.lengthscale ** 2));
    case 'laplacian':
      return Math.exp(-Math.sqrt(square()) / kernel.lengthscale);
    case 'laplacian_l1':
      return Math.exp(-kernel.gamma * sum((a, b) => Math.abs(a - b)));
    case 'matern': {
      const t = (Math.sqrt(2 * kernel.nu) * Math.sqrt(square())) / kernel.lengthscale;
      return { 0.5: 1, 1.5: 1 + t, 2.5: 1 + t + t ** 2 / 3 }[kernel.nu] * Math.exp(-t);
    }
    case 'polynomial':
      return (kernel.gamma * dot() + kernel.coef0) ** kernel.degree;
    case 'linear':
      return dot();
    case 'cosine':
      return norms === 0 ? 0 : dot() / norms;
    case 'sigmoid':
      return Math.tanh(kernel.gamma * dot() + kernel.coef0);
    case 'chi2':
      return Math.exp(-kernel.gamma * sum((a, b) => (a + b === 0 ? 0 : (a - b) ** 2 / (a + b))));
    case 'arc_cosine':
    case 'ntk': {
      if (norms === 0) return 0;
      let cosine = Math.min(1, Math.max(-1, dot() / norms));
      let tangent = cosine;
      for (let layer = 0; layer < kernel.depth; layer++) {
        const angle = Math.acos(cosine);
        const next = (Math.sin(angle) + (Math.PI - angle) * Math.cos(angle)) / Math.PI;
        tangent = next + (tangent * (Math.PI - angle)) / Math.PI;
        cosine = next;
      }
      return norms * (kernel.kind === 'ntk' ? tangent : cosine);
    }
    case 'sum':
      return kernel.terms.reduce((total, term) => total + referenceKernel(term, x, y), 0);
    case 'product':
      return kernel.factors.reduce((total, factor) => total * referenceKernel(factor, x, y), 1);
    case 'scale':
      return kernel.factor * referenceKernel(kernel.of, x, y);
    default:
      throw new Error(`there is no reference of ${kernel.kind}`);
  }
}
