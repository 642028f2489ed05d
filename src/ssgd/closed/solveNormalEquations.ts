import { packedLength } from '../../arithmetic/gram.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import type { TrainOptions } from '../options.js';
import type { ProblemSize } from './fit.js';
import type { NormalEquations } from './normalEquations.js';

/**
 * Cholesky: (gram + reg·I)·W = cross, in place. Returns weights (k × d) and intercept, written to `into`, and the objective
 * ½(Σ‖y‖² − ⟨cross, W⟩), penalty included.
 */
export function solveNormalEquations(
  arena: Arena,
  kernels: Kernels,
  equations: NormalEquations,
  { n, d, k }: ProblemSize,
  options: TrainOptions,
  into: { readonly weights: Float64Array; readonly intercept: Float64Array } = {
    weights: new Float64Array(k * d),
    intercept: new Float64Array(k),
  },
): { weights: Float64Array; intercept: Float64Array; objective: number } {
  const gram = arena.float64('gram');
  const cross = arena.float64('cross');
  const mean = arena.float64('mean');
  for (let j = 0; j < d; j++) gram[packedLength(j) + j]! += options.reg;
  // The column of weights is 0 in every row: any pivot gives it the weight 0.
  if (options.weightColumn >= 0) gram[packedLength(options.weightColumn) + options.weightColumn] = 1;
  // A pivot below the rounding of the sums behind it says nothing.
  const failed = kernels.choleskyPacked(arena.address('gram'), d, Math.max(8, d) * 2 ** -51);
  if (failed < d) {
    throw new MlmlError(
      'MLML_NOT_DEFINITE',
      `closed: with --reg=${options.reg} the normal equations are singular: over the ${n} training rows, feature ` +
        `${failed} is constant or a combination of the features before it; raise --reg (0.1 is the default)`,
    );
  }
  const right = arena.float64('right sides');
  right.set(cross);
  kernels.solvePacked(arena.address('gram'), d, arena.address('cross'), k);
  const { weights, intercept } = into;
  weights.set(cross);
  intercept.fill(0);
  let objective = equations.targetSquares;
  for (let c = 0; c < k; c++) {
    if (options.bias) intercept[c] = equations.targetMean[c]!;
    for (let j = 0; j < d; j++) {
      const weight = weights[c * d + j]!;
      if (options.bias) intercept[c]! -= weight * mean[j]!;
      objective -= weight * right[c * d + j]!;
    }
  }
  return { weights, intercept, objective: objective / 2 };
}
