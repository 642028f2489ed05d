/**
 * Passes to a relative residual: 0.4·√(n/(λ·rank))·(1 + log₁₀(1/tol)). Measured on MNIST (RBF 5; 10 000 and 20 000 rows,
 * λ 0.1 and 0.06, ranks 250 to 4000) within a fifth for residuals of 1e-3 and below; larger ones need fewer.
 */
export function expectedPasses(n: number, lambda: number, rank: number, tol: number): number {
  return 0.4 * Math.sqrt(n / (Math.max(lambda, 1e-9) * Math.max(1, rank))) * (1 + Math.log10(1 / tol));
}
