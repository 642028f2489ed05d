import { padded4, panelIndex } from '../../arithmetic/normalProduct.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import { Random } from '../../memory/random.js';
import type { Workspace } from '../../threads/workspace.js';
import { type ProblemSize, resultRegion } from './fit.js';
import { addScores, addSums } from './panelProducts.js';
import { rowPanelRegions } from './rowPanels.js';
import { SmallSolver } from './smallSolve.js';

/**
 * A symmetric positive definite A, given by what it does to blocks of vectors in panels, and the right-hand
 * sides B of A·X = B, known only through the residual of a given X.
 */
export interface BlockOperator {
  /** target := A·P for the w columns of P; both are regions. */
  multiply(p: string, target: string): Promise<void>;
  /** Columns 0 to k−1 of target := B − A·X (X has k columns). Returns the objective at X. */
  residual(x: string, target: string): Promise<number>;
}

export interface BlockResult {
  /** Largest ‖b − A·x‖/‖b‖ over the columns, recomputed from the data at the end. */
  readonly residual: number;
  readonly objective: number;
  /** Reads of the data: products and residuals. */
  readonly passes: number;
}

/** Where the method stands after a step, beside the vectors x, r and p. Plain data. */
export interface GradientState {
  readonly passes: number;
  readonly objective: number;
  readonly residual: number;
  /** ‖b‖ of each column. */
  readonly right: readonly number[];
  readonly restart: number;
  /** Directions that are left. */
  readonly rank: number;
}

/** The vectors that belong to a `GradientState`. */
export function conjugateGradientBlocks(arena: Arena): Readonly<Record<string, Uint8Array>> {
  return { x: arena.uint8('x'), r: arena.uint8('r'), p: arena.uint8('p') };
}

/** Directions whose part outside the others is below this share of them (squared) are dropped. */
const DROP = 1e-10;
const SOLVE_DROP = 1e-15;
/** Restarts from the true residual before the best reachable is accepted. */
const LARGEST_RESTARTS = 3;

export function conjugateGradientRegions(size: ProblemSize, width: number, blockRows: number): Region[] {
  const features = padded4(size.d);
  const tall = (name: string, columns: number) => ({ name, bytes: 8 * features * columns });
  const small = (name: string) => ({ name, bytes: 8 * width * width });
  return [
    ...rowPanelRegions(size, blockRows),
    { name: 'scores', bytes: 8 * blockRows * Math.max(width, padded4(size.k) + 4) },
    tall('x', padded4(size.k)),
    tall('r', width),
    tall('p', width),
    // The residual pass also sums the features, in four more columns.
    tall('q', Math.max(width, padded4(size.k) + 4)),
    small('s'),
    small('coefficients'),
    small('factor'),
    { name: 'feature factor', bytes: 8 * size.d },
    { name: 'feature mean', bytes: 8 * size.d },
    { name: 'feature origin', bytes: 8 * size.d },
    resultRegion(size),
  ];
}

/**
 * Block conjugate gradients (O'Leary 1980) for all right-hand sides at once, on a block widened by random
 * vectors to `width`: each pass over the data adds `width` dimensions to the Krylov space that all columns
 * share, so a wide block needs few passes whatever the condition number. Directions are made orthonormal in
 * each step, dependent ones dropped (Dubrulle 2001 does this by QR; here by Cholesky of PᵀP).
 *
 *   S = PᵀAP,  α = S⁻¹PᵀR,  X += P·α,  R −= AP·α,  β = −S⁻¹(AP)ᵀR,  P ← orth(R + P·β)
 *
 * Stops when every column has ‖r‖ ≤ tolerance·‖b‖; the residual is then recomputed and the method starts again
 * from it when rounding made it worse. Cost of a pass: 4·n·d·width flops. Memory: (3·width + k)·d doubles.
 */
export async function blockConjugateGradients(
  { arena, threads }: Workspace,
  operator: BlockOperator,
  { d, k }: { readonly d: number; readonly k: number },
  width: number,
  settings: {
    readonly tolerance: number;
    readonly largestPasses: number;
    readonly onPass: (pass: number, residual: number, objective: number) => void;
    readonly onRestart: (residual: number) => void;
    /** The vectors in the arena are those of this state. */
    readonly from?: GradientState | undefined;
    /** Called after each step; from then on until `moved` the vectors are as they were. */
    readonly rest?: (state: GradientState) => Promise<void>;
    readonly moved?: () => void;
  },
): Promise<BlockResult> {
  const features = padded4(d);
  const w4 = width / 4;
  const at = (name: string) => arena.address(name);
  const s = arena.float64('s');
  const coefficients = arena.float64('coefficients');
  const solver = new SmallSolver(width, arena.float64('factor'));
  const cross = (a: string, b: string, target: Float64Array) => {
    target.fill(0);
    const tall = { rows: features, features: width, panels: at(a), scores: at(b) };
    addSums(threads, tall, w4, target.byteOffset);
  };
  const addProduct = (a: string, panels: number, target: string) => {
    const tall = { rows: features, features: width, panels: at(a), scores: at(target) };
    addScores(threads, tall, coefficients.byteOffset, panels);
  };
  const norms = (target: Float64Array) => {
    const r = arena.float64('r');
    for (let c = 0; c < k; c++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += r[panelIndex(features, j, c)]! ** 2;
      target[c] = Math.sqrt(sum);
    }
    return target;
  };

  let { from } = settings;
  if (from === undefined) arena.float64('x').fill(0);
  let objective = from?.objective ?? (await operator.residual('x', 'r'));
  if (!Number.isFinite(objective))
    throw new MlmlError(
      'MLML_BAD_DATA',
      'the sums over the rows are not finite: features or targets are too large',
    );
  let passes = from?.passes ?? 1;
  const right = from === undefined ? norms(new Float64Array(k)) : Float64Array.from(from.right);
  const now = new Float64Array(k);
  const relative = () =>
    norms(now).reduce((most, norm, c) => Math.max(most, right[c]! > 0 ? norm / right[c]! : 0), 0);
  let residual = from?.residual ?? relative();
  for (let restart = from?.restart ?? 0; from !== undefined || residual > settings.tolerance; restart++) {
    if (from === undefined) widen(arena.float64('r'), d, k, width, Random.of(0x6367, restart));
    const p = 'p';
    const q = 'q';
    const orthonormalise = (source: string, to: string) => {
      cross(source, source, s);
      const rank = solver.factorise(s, DROP);
      solver.inverseTransposed(coefficients);
      arena.float64(to).fill(0);
      addProduct(source, w4, to);
      return rank;
    };
    let rank = from?.rank ?? orthonormalise('r', p);
    from = undefined;
    while (residual > settings.tolerance && rank > 0 && passes < settings.largestPasses) {
      await operator.multiply(p, q);
      passes++;
      cross(p, q, s);
      solver.factorise(s, SOLVE_DROP);
      cross(p, 'r', coefficients);
      const before = coefficients.slice(0, padded4(k) * width);
      solver.solve(coefficients, 1, coefficients);
      for (let c = 0; c < k; c++) {
        for (let i = 0; i < width; i++) {
          const index = panelIndex(width, i, c);
          objective -= 0.5 * before[index]! * coefficients[index]!;
        }
      }
      addProduct(p, padded4(k) / 4, 'x');
      for (let i = 0; i < coefficients.length; i++) coefficients[i] = -coefficients[i]!;
      addProduct(q, w4, 'r');
      residual = relative();
      if (!Number.isFinite(residual))
        throw new MlmlError('MLML_NOT_DEFINITE', 'conjugate gradients broke down; raise --reg');
      settings.onPass(passes, residual, objective);
      cross(q, 'r', coefficients);
      solver.solve(coefficients, -1, coefficients);
      arena
        .float64(q)
        .subarray(0, features * width)
        .set(arena.float64('r'));
      addProduct(p, w4, q);
      rank = orthonormalise(q, p);
      await settings.rest?.({ passes, objective, residual, right: [...right], restart, rank });
    }
    settings.moved?.();
    objective = await operator.residual('x', 'r');
    passes++;
    residual = relative();
    if (passes >= settings.largestPasses || restart >= LARGEST_RESTARTS) break;
    if (residual > settings.tolerance) settings.onRestart(residual);
  }
  return { residual, objective, passes };
}

/** Random vectors of the length of the residuals in columns k to width − 1 (rows behind d stay 0). */
function widen(r: Float64Array, d: number, k: number, width: number, random: Random): void {
  const features = padded4(d);
  let sum = 0;
  for (let c = 0; c < k; c++) for (let j = 0; j < d; j++) sum += r[panelIndex(features, j, c)]! ** 2;
  const scale = Math.sqrt(sum / k / d);
  for (let c = k; c < width; c++) {
    for (let j = 0; j < d; j++) r[panelIndex(features, j, c)] = scale * random.normal();
  }
}
