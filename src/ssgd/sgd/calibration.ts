/**
 * The automatic learning rate, from the curvature of the data.
 *
 * One step of SGD on a batch of B rows x (scaled, centred) with squared-error-like curvature h is stable on
 * average while its rate is below
 *
 *     2·B / (h · (q + (B − 1)·λ)),     q = E‖x‖⁴ / E‖x‖²,  λ = largest eigenvalue of E[x xᵀ]
 *
 * (Jain, Kakade, Kidambi, Netrapalli, Sidford, JMLR 2018, bound the same two quantities). q is the mean
 * squared norm of a row, weighted so that rare long rows count. We take a quarter of that bound; heavy-ball
 * momentum multiplies the effective rate by 1/(1 − momentum), which is divided out.
 */
import type { OptimizerName } from '../options.js';

const SAFETY = 4;
const POWER_ITERATIONS = 12;

/** What was measured on a sample of rows. */
export interface Curvature {
  /** E‖x‖⁴ / E‖x‖². */
  readonly norm: number;
  /** Largest eigenvalue of the second-moment matrix. */
  readonly eigenvalue: number;
  readonly rows: number;
  /** E[w] and E[w²]/E[w] of the weights of rows: the same two quantities of the intercept. 1 without weights. */
  readonly meanWeight: number;
  readonly largeWeight: number;
}

/** A sample of rows, seen through the products the trainer's kernels can form. */
export interface RowSample {
  readonly rows: number;
  readonly d: number;
  /** Calls `visit` with the squared norm and the weight of each row. */
  forEachRow(visit: (squaredNorm: number, weight: number) => void): void;
  /** vector ← Σ w·x·xᵀ·vector / rows. */
  applySecondMoment(vector: Float64Array): void;
}

/** Power iteration from a fixed start; `vector` is work space of length d. */
export function measureCurvature(sample: RowSample, vector: Float64Array): Curvature {
  let squares = 0;
  let fourths = 0;
  let weights = 0;
  let squaredWeights = 0;
  // A row of weight w acts as √w·x does.
  sample.forEachRow((squaredNorm, weight) => {
    const square = weight * squaredNorm;
    squares += square;
    fourths += square * square;
    weights += weight;
    squaredWeights += weight * weight;
  });
  // A start with all frequencies in it, so that it is not orthogonal to the leading direction.
  for (let j = 0; j < vector.length; j++) vector[j] = 1 + 0.5 * Math.sin(j * 1.7 + 0.3);
  let eigenvalue = 0;
  normalise(vector);
  for (let i = 0; i < POWER_ITERATIONS; i++) {
    sample.applySecondMoment(vector);
    eigenvalue = normalise(vector);
    if (eigenvalue === 0) break;
  }
  return {
    norm: squares > 0 ? fourths / squares : 0,
    eigenvalue,
    rows: sample.rows,
    meanWeight: weights / sample.rows,
    largeWeight: weights > 0 ? squaredWeights / weights : 0,
  };
}

function normalise(vector: Float64Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm > 0) for (let j = 0; j < vector.length; j++) vector[j]! /= norm;
  return norm;
}

export interface RateRequest {
  readonly optimizer: OptimizerName;
  readonly lossCurvature: number;
  readonly batch: number;
  readonly momentum: number;
  readonly bias: boolean;
  /** reg/n. */
  readonly decay: number;
  readonly d: number;
}

/** Initial learning rate for the curvature measured, and one sentence on why. */
export function automaticRate(curvature: Curvature, request: RateRequest): { eta0: number; reason: string } {
  const { optimizer, lossCurvature, batch, momentum, bias, decay, d } = request;
  // The intercept is one more feature, constantly 1.
  const norm = curvature.norm + (bias ? curvature.largeWeight : 0);
  const eigenvalue = Math.max(curvature.eigenvalue, bias ? curvature.meanWeight : 0);
  const figures = `rows of squared norm ${norm.toPrecision(3)}, largest eigenvalue ${eigenvalue.toPrecision(3)}, measured on ${curvature.rows} rows`;
  if (optimizer === 'adam' || optimizer === 'adagrad') {
    // Each weight moves by about the rate in a step: a score then moves by about rate·√(d·norm).
    const factor = optimizer === 'adam' ? 0.1 : 2;
    return { eta0: factor / Math.sqrt(Math.max(d * norm, 1e-30)), reason: figures };
  }
  const sharpness = lossCurvature * (norm + (batch - 1) * eigenvalue) + batch * decay;
  const rate = sharpness > 0 ? (2 * batch) / (SAFETY * sharpness) : 1;
  return { eta0: rate * (1 - momentum), reason: figures };
}
