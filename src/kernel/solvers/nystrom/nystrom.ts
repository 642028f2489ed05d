import { packedLength } from '../../../arithmetic/gram.js';
import { MlmlError } from '../../../errors.js';
import { factorisePacked, solveLower, solveLowerTransposed } from '../bcd/packedFactor.js';
import { bestScore } from '../heldOut.js';
import { vectorWidth } from '../solver.js';
import type { NystromProblem, NystromSolution } from './nystromProblem.js';
import { NystromSums } from './nystromSums.js';
import { validate } from './validate.js';

/** Rounding of kernel values of a number type, relative to the largest. */
const rounding = { float16: 2 ** -11, float32: 2 ** -24, float64: 2 ** -48 } as const;
/** Tries with ten times the jitter before. */
const TRIES = 4;

interface State {
  /** Rows summed so far. */
  readonly rows: number;
}

/**
 * Kernel ridge regression on m inducing points (Nyström; Williams & Seeger 2001; Rudi, Camoriano, Rosasco 2015): of all
 * functions f = Σ_j α_j·k(·, x_j) over centres x_j, the one that minimises Σ_i |f(x_i) − y_i|² + λ·αᵀK_mm·α,
 *   (K_mn·K_nm + λ(K_mm + εI))·α = K_mn·Y.
 * One pass over the rows sums K_mn·K_nm and K_mn·Y in doubles; each λ then takes one Cholesky factorisation. The jitter ε is
 * what rounding of the kernel values may add to their spectrum, so that what they do not say is not read out of them.
 * Memory 12·m² bytes, n·m² flops. Throws `MLML_NOT_DEFINITE`.
 */
export async function solveNystrom(problem: NystromProblem): Promise<NystromSolution> {
  const { workspace, size, options, validation, classification } = problem;
  const { m, k, regularizations } = size;
  const sums = new NystromSums(problem);
  await sumRows(problem, sums);
  const coefficients = workspace.arena.float64('nystrom coefficients');
  const width = vectorWidth(size);
  coefficients.fill(0);
  const residuals: number[] = [];
  for (let l = 0; l < regularizations; l++) {
    residuals.push(solveOne(problem, sums, l));
    problem.onEvent({
      type: 'progress',
      phase: 'factor',
      done: l + 1,
      total: regularizations,
      epoch: 0,
      bytesRead: problem.training.bytesRead,
      bytesWritten: 0,
    });
  }
  const heldOut = validation && (await validate(problem, validation, coefficients));
  problem.onEvent({ type: 'pass', pass: 1, residuals, exact: true, ...(heldOut && { heldOut }) });
  const best = heldOut === undefined ? 0 : bestScore(heldOut, options.reg, classification);
  const kept = new Float64Array(m * k);
  for (let j = 0; j < m; j++) {
    for (let c = 0; c < k; c++) kept[j * k + c] = coefficients[j * width + best * k + c]!;
  }
  return { coefficients: kept, residuals, ...(heldOut && { heldOut }), best };
}

/** The pass over the rows; a checkpoint holds the sums. */
async function sumRows(problem: NystromProblem, sums: NystromSums): Promise<void> {
  const { workspace, size, training, checkpoint, signal, onEvent } = problem;
  const { arena } = workspace;
  const blocks = {
    gram: arena.uint8('nystrom gram'),
    centers: arena.uint8('nystrom centers'),
    cross: arena.uint8('nystrom cross'),
  };
  const saved = (await checkpoint.load(blocks)) as State | undefined;
  let rows = saved?.rows ?? 0;
  if (saved === undefined) sums.clear();
  else onEvent({ type: 'resumed', done: rows, total: size.n });
  if (rows === size.n) return;
  const targets = arena.float64('nystrom targets');
  for await (const block of training.blocks(rows, signal)) {
    if (!sums.pack(block)) continue;
    await training.readTargets(block.firstRow, block.rows, targets.subarray(0, block.rows * size.k));
    sums.add(block.firstRow, block.rows);
    rows = block.firstRow + block.rows;
    const { bytesRead } = training;
    onEvent({
      type: 'progress',
      phase: 'solve',
      done: rows,
      total: size.n,
      epoch: 1,
      bytesRead,
      bytesWritten: 0,
    });
    const state: State = { rows };
    const write = async () => {
      await checkpoint.save(state, blocks, { done: state.rows, total: size.n, unit: 'rows' });
      onEvent({ type: 'checkpoint', pass: 0 });
    };
    if (checkpoint.due(rows)) await write();
    else checkpoint.atRest(write);
  }
}

/** Coefficients of regularization l, into `nystrom coefficients`. Returns their relative residual. */
function solveOne(problem: NystromProblem, sums: NystromSums, l: number): number {
  const { workspace, size, options, onEvent } = problem;
  const { arena, threads } = workspace;
  const { m, k, dtype } = size;
  const gram = arena.float64('nystrom gram');
  const centers = arena.float64('nystrom centers');
  const system = arena.float64('nystrom system');
  const solution = arena.float64('nystrom solution');
  const lambda = options.reg[l]!;
  let largest = 0;
  for (let j = 0; j < m; j++) largest = Math.max(largest, Math.abs(centers[packedLength(j) + j]!));
  let jitter = largest * rounding[dtype] * Math.sqrt(m);
  for (let attempt = 1; ; attempt++) {
    for (let i = 0; i < system.length; i++) system[i] = gram[i]! + lambda * centers[i]!;
    for (let j = 0; j < m; j++) system[packedLength(j) + j]! += lambda * jitter;
    if (factorisePacked(threads, arena.buffer, system.byteOffset, m, m * 2 ** -53) === m) break;
    if (attempt === TRIES) {
      throw new MlmlError(
        'MLML_NOT_DEFINITE',
        `nystrom: with --reg=${lambda} the equations of the ${m} centres are not positive definite; raise --reg, take ` +
          'fewer --centers, or use a positive definite kernel (sigmoid is none)',
      );
    }
    jitter *= 10;
    onEvent({
      type: 'warning',
      message: `nystrom: the centres are nearly dependent with --reg=${lambda}; the jitter is now ${jitter.toExponential(1)}`,
    });
  }
  const even = 2 * Math.ceil(k / 2);
  for (let j = 0; j < m; j++) {
    for (let c = 0; c < even; c++) solution[j * even + c] = c < k ? sums.cross(j, c) : 0;
  }
  const x = { address: solution.byteOffset, width: even, columns: even };
  solveLower(threads, system.byteOffset, m, x);
  solveLowerTransposed(threads, system.byteOffset, m, x);
  const coefficients = arena.float64('nystrom coefficients');
  const width = vectorWidth(size);
  for (let j = 0; j < m; j++) {
    for (let c = 0; c < k; c++) coefficients[j * width + l * k + c] = solution[j * even + c]!;
  }
  return relativeResidual(problem, sums, l, lambda, jitter);
}

/** ‖(K_mn·K_nm + λ(K_mm + εI))·α − K_mn·Y‖/‖K_mn·Y‖, the largest over columns. */
function relativeResidual(
  { workspace, size }: NystromProblem,
  sums: NystromSums,
  l: number,
  lambda: number,
  jitter: number,
): number {
  const { arena, kernels } = workspace;
  const { m, k } = size;
  const width = vectorWidth(size);
  const coefficients = arena.float64('nystrom coefficients');
  const region = arena.float64('nystrom residual');
  const [vectors, product] = [region.subarray(0, m * k), region.subarray(m * k)];
  product.fill(0);
  const load = (factor: number) => {
    for (let j = 0; j < m; j++)
      for (let c = 0; c < k; c++) vectors[c * m + j] = factor * coefficients[j * width + l * k + c]!;
  };
  load(lambda);
  kernels.addSymmetricProduct(arena.address('nystrom centers'), m, vectors.byteOffset, k, product.byteOffset);
  for (let i = 0; i < m * k; i++) product[i]! += jitter * vectors[i]!;
  load(1);
  kernels.addSymmetricProduct(arena.address('nystrom gram'), m, vectors.byteOffset, k, product.byteOffset);
  let largest = 0;
  for (let c = 0; c < k; c++) {
    let [error, right] = [0, 0];
    for (let j = 0; j < m; j++) {
      const wanted = sums.cross(j, c);
      error += (product[c * m + j]! - wanted) ** 2;
      right += wanted ** 2;
    }
    if (error > 0) largest = Math.max(largest, Math.sqrt(error / right));
  }
  return largest;
}
