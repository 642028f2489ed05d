import type { ProductPrecision } from '../../tiles/multiply.js';
import type { KernelProblem } from '../solver.js';

export async function productPrecision(problem: KernelProblem): Promise<ProductPrecision> {
  return (process.env['PREC'] ?? problem.matrix.dtype) as ProductPrecision;
}
