import { setImmediate } from 'node:timers/promises';
import { MlmlError } from '../../errors.js';
import type { SmoothObjective } from './smoothObjective.js';

/** Full-batch gradient descent on smooth + (l1/n)·Σ|W|. */
export interface DescentSettings {
  readonly eta0: number;
  /** Whether the rate may be halved when it proves too large. */
  readonly automatic: boolean;
  /** Factor on eta0 in iteration i (from 0). */
  readonly schedule: (iteration: number) => number;
  readonly momentum: number;
  readonly nesterov: boolean;
  /** l1/n. */
  readonly l1: number;
  /** The first `penalised` elements of a vector are weights, the rest intercepts. */
  readonly penalised: number;
  readonly iterations: number;
  /** Writes the weights to start from into zeros. Default: stay at 0. */
  readonly start?: ((w: Float64Array) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The vectors w, velocity and best are those of this state. */
  readonly from?: DescentState | undefined;
  /** Called before each iteration; until the objective has been evaluated the vectors stay as they are. */
  readonly rest?: (state: () => DescentState) => Promise<void> | undefined;
  readonly onIteration: (iteration: number, objective: number, rate: number) => void;
  readonly onHalved: (iteration: number, rate: number) => void;
}

/** Where descent stands between two iterations, beside the vectors. Plain data. */
export interface DescentState {
  readonly eta0: number;
  readonly halvings: number;
  /** Value and norm of the gradient of the first iteration. */
  readonly first: number;
  readonly firstNorm: number;
  readonly bestValue: number;
  readonly value: number;
  readonly residual: number;
  readonly iteration: number;
  /** Value when a tenth of the iterations was left; null before. */
  readonly late: number | null;
}

export interface DescentResult {
  readonly iterations: number;
  readonly objective: number;
  /** Objective of the first iteration, and when a tenth of the iterations was left. */
  readonly first: number;
  readonly late: number;
  /** ‖gradient‖/‖gradient at the start‖ at the last evaluation (of the proximal step, with l1). */
  readonly residual: number;
  readonly converged: boolean;
}

/** Iteration stops when the gradient has fallen to this share of its first value. */
const CONVERGED = 1e-10;
/** An objective this many times its first value means divergence. */
const EXPLODED = 10;
const LARGEST_HALVINGS = 40;
const YIELD_MS = 50;

/**
 * From W = 0, or where `start` puts it, with g the gradient of the smooth part:
 *
 *   Δ ← α·g(W) + momentum·Δ,  W ← W − Δ                    heavy ball (Polyak 1964), the update rule of sgd
 *   the same with g(W − momentum·Δ)                         Nesterov 1983
 *   l1: W ← soft(W − Δ, α·l1), and Δ becomes the step really made
 *
 * Divergence (a value that is not finite, or ten times the first): back to the best W with Δ = 0 and half the
 * rate when that is automatic, else `MLML_DIVERGED`.
 */
export async function gradientDescent(
  objective: SmoothObjective,
  vectors: {
    readonly w: Float64Array;
    readonly gradient: Float64Array;
    readonly velocity: Float64Array;
    readonly best: Float64Array;
    readonly ahead: Float64Array;
  },
  settings: DescentSettings,
): Promise<DescentResult> {
  const { w, gradient, velocity, best, ahead } = vectors;
  const { momentum, nesterov, l1, penalised } = settings;
  const { from } = settings;
  let eta0 = from?.eta0 ?? settings.eta0;
  let halvings = from?.halvings ?? 0;
  let first = from?.first ?? Number.NaN;
  let firstNorm = from?.firstNorm ?? 0;
  let bestValue = from?.bestValue ?? Infinity;
  let value = from?.value ?? 0;
  let residual = from?.residual ?? 1;
  let iteration = from?.iteration ?? 0;
  let late = from?.late ?? null;
  const lateFrom = Math.floor(0.9 * settings.iterations);
  const state = () => ({ eta0, halvings, first, firstNorm, bestValue, value, residual, iteration, late });
  let converged = false;
  let yielded = performance.now();
  if (from === undefined) {
    for (const vector of [w, velocity]) vector.fill(0);
    settings.start?.(w);
    best.set(w);
  }
  while (iteration < settings.iterations && !converged) {
    if (iteration > 0) {
      const saving = settings.rest?.(state);
      if (saving !== undefined) await saving;
    }
    const point = nesterov ? ahead : w;
    if (nesterov) for (let i = 0; i < w.length; i++) ahead[i] = w[i]! - momentum * velocity[i]!;
    value = (await objective.evaluate(point, gradient)) + l1 * absoluteSum(point, penalised);
    if (iteration === 0) {
      first = value;
      firstNorm = norm(gradient);
    }
    if (!(value <= EXPLODED * first)) {
      if (!settings.automatic || halvings >= LARGEST_HALVINGS || Number.isNaN(first)) {
        throw diverged(iteration, value, first, eta0, settings.automatic);
      }
      eta0 /= 2;
      halvings++;
      w.set(best);
      velocity.fill(0);
      settings.onHalved(iteration, eta0);
      // Counted, so that the loop ends whatever happens.
      iteration++;
      continue;
    }
    if (value < bestValue) {
      bestValue = value;
      best.set(point);
    }
    if (iteration >= lateFrom) late ??= value;
    const rate = eta0 * settings.schedule(iteration);
    iteration++;
    settings.onIteration(iteration, value, rate);
    const moved = step(w, velocity, gradient, rate, momentum, l1, penalised);
    residual = firstNorm === 0 ? 0 : (l1 > 0 ? moved / rate : norm(gradient)) / firstNorm;
    converged = residual <= CONVERGED;
    if (performance.now() - yielded > YIELD_MS) {
      await setImmediate();
      settings.signal?.throwIfAborted();
      yielded = performance.now();
    }
  }
  return { iterations: iteration, objective: value, first, late: late ?? first, residual, converged };
}

/** One update; returns the length of the step. */
function step(
  w: Float64Array,
  velocity: Float64Array,
  gradient: Float64Array,
  rate: number,
  momentum: number,
  l1: number,
  penalised: number,
): number {
  const threshold = rate * l1;
  let squares = 0;
  for (let i = 0; i < w.length; i++) {
    const before = w[i]!;
    let after = before - (rate * gradient[i]! + momentum * velocity[i]!);
    if (threshold > 0 && i < penalised) after = Math.sign(after) * Math.max(0, Math.abs(after) - threshold);
    w[i] = after;
    velocity[i] = before - after;
    squares += (before - after) ** 2;
  }
  return Math.sqrt(squares);
}

function norm(vector: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! ** 2;
  return Math.sqrt(sum);
}

function absoluteSum(vector: Float64Array, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += Math.abs(vector[i]!);
  return sum;
}

function diverged(
  iteration: number,
  value: number,
  first: number,
  rate: number,
  automatic: boolean,
): MlmlError {
  const advice = automatic
    ? 'even after halving the rate many times; check the data for huge values, or use --scale=standard'
    : 'give a smaller --eta0 or --momentum, or --eta0=auto';
  return new MlmlError(
    'MLML_DIVERGED',
    `gd diverged in iteration ${iteration + 1} at learning rate ${rate.toPrecision(3)}: the objective per row went ` +
      `from ${first.toPrecision(4)} to ${value.toPrecision(4)}; ${advice}`,
  );
}
