import { packedLength } from '../../../arithmetic/gram.js';
import { padded4 } from '../../../arithmetic/normalProduct.js';
import { type SolverPlan, vectorWidth } from '../solver.js';
import type { NystromSize } from './nystromProblem.js';

/** Needs 12·m² bytes, and 8·m for each row of a block. Pure. */
export function planNystrom(size: NystromSize): SolverPlan {
  const { n, m, k, regularizations, blockRows } = size;
  const doubles = (name: string, count: number) => ({ name, bytes: 8 * count });
  const even = 2 * Math.ceil(k / 2);
  return {
    regions: [
      doubles('nystrom gram', packedLength(m)),
      doubles('nystrom centers', packedLength(m)),
      doubles('nystrom system', packedLength(m)),
      doubles('nystrom cross', padded4(m) * padded4(k)),
      doubles('nystrom panels', padded4(m) * blockRows),
      doubles('nystrom targets', blockRows * k),
      doubles('nystrom target panels', blockRows * padded4(k)),
      doubles('nystrom coefficients', m * vectorWidth(size)),
      doubles('nystrom solution', m * even),
      doubles('nystrom residual', 2 * m * k),
      doubles('nystrom scores', blockRows * vectorWidth(size)),
    ],
    passes: 1,
    scratchBytes: 0,
    flops: n * m * m + (regularizations * m ** 3) / 3,
    notes: [`${m} inducing points: one pass over the rows, then one system of ${m} equations for each --reg`],
  };
}
