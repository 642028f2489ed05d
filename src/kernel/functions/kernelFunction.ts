/**
 * A kernel function k(x, y) as plain data: it goes into kernel.json, models and threads. `gamma` is always resolved
 * (from `--gamma`, `--sigma` or the median heuristic) before a kernel is stored or evaluated.
 */
export type KernelFunction =
  /** exp(−‖x−y‖²/(2·lengthscale²)) */
  | { readonly kind: 'rbf'; readonly lengthscale: number }
  /** exp(−‖x−y‖₂/lengthscale) */
  | { readonly kind: 'laplacian'; readonly lengthscale: number }
  /** exp(−gamma·‖x−y‖₁) (scikit-learn's laplacian_kernel) */
  | { readonly kind: 'laplacian_l1'; readonly gamma: number }
  /** Matérn, nu ½, 3/2 or 5/2, over ‖x−y‖₂/lengthscale (scikit-learn's Matern) */
  | { readonly kind: 'matern'; readonly nu: 0.5 | 1.5 | 2.5; readonly lengthscale: number }
  /** (gamma·x·y + coef0)^degree */
  | { readonly kind: 'polynomial'; readonly gamma: number; readonly coef0: number; readonly degree: number }
  /** x·y */
  | { readonly kind: 'linear' }
  /** x·y/(‖x‖‖y‖); 0 where a norm is 0 */
  | { readonly kind: 'cosine' }
  /** tanh(gamma·x·y + coef0); not positive definite */
  | { readonly kind: 'sigmoid'; readonly gamma: number; readonly coef0: number }
  /** exp(−gamma·Σ (xⱼ−yⱼ)²/(xⱼ+yⱼ)), features ≥ 0 (scikit-learn's chi2_kernel) */
  | { readonly kind: 'chi2'; readonly gamma: number }
  /** Arc-cosine kernel of order 1 iterated `depth` times (Cho & Saul 2009): an infinite ReLU network, last layer trained. */
  | { readonly kind: 'arc_cosine'; readonly depth: number }
  /** Neural tangent kernel of a fully connected ReLU network with `depth` hidden layers (Jacot et al. 2018). */
  | { readonly kind: 'ntk'; readonly depth: number }
  | { readonly kind: 'sum'; readonly terms: readonly KernelFunction[] }
  | { readonly kind: 'product'; readonly factors: readonly KernelFunction[] }
  | { readonly kind: 'scale'; readonly factor: number; readonly of: KernelFunction }
  /** A TypeScript block function, registered under this name in the process that evaluates it; see `customKernel`. */
  | { readonly kind: 'custom'; readonly name: string }
  /** The n × n matrix itself was given; there are no rows to compare. */
  | { readonly kind: 'precomputed' };

/** The name of a kernel function. */
export type KernelKind = KernelFunction['kind'];

/** Number types of stored and computed kernel entries. */
export const tileDtypes = ['float16', 'float32', 'float64'] as const;
/** A number type of kernel entries. */
export type TileDtype = (typeof tileDtypes)[number];
