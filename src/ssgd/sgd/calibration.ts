/**
 * The automatic learning rate, from the curvature of the data.
 *
 * One step of SGD on a batch of B rows x (scaled, centred) with squared-error-like curvature h is stable on
 * average while its rate is below
 *
 *     2·B / (h · (q + (B − 1)·λ)),     q = E‖x‖⁴ / E‖x‖²,  λ = largest eigenvalue of E[x xᵀ]
 *
 * (Jain, Kakade, Kidambi, Netrapalli, Sidford, JMLR 2018, bound the same two quantities). q is the mean
 * squared norm of a row, weighted so that long rows count. We take a quarter of that bound; heavy-ball
 * momentum multiplies the effective rate by 1/(1 − momentum), which is divided out.
 *
 * Rows that are rare and far longer than the others (a category of five rows has a standardised feature of 60) are no part of it. A
 * sample may hold one or none, and a rate that is safe for them is too small for all others: steps hold them back (longRows.ts).
 * In the sample they count as if they were as long as a row can be without being one of them.
 */
import type { OptimizerName } from '../options.js';

const SAFETY = 4;
const POWER_ITERATIONS = 12;
/** Rows are long when they are so many times as long, squared, as the row that one in `RARE` exceeds. */
const LONG = 4;
const RARE = 100;

/** What was measured on a sample of rows. */
export interface Curvature {
  /** E‖x‖⁴ / E‖x‖². */
  readonly norm: number;
  /** Largest eigenvalue of the second-moment matrix. */
  readonly eigenvalue: number;
  readonly rows: number;
  /** Rows that were far longer than the others. */
  readonly longRows: number;
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
  /** vector ← Σ w·s·x·xᵀ·vector / rows, where s shortens x to a squared norm of at most `longest`. */
  applySecondMoment(vector: Float64Array, longest: number): void;
}

/** Power iteration from a fixed start; `vector` is work space of length d. */
export function measureCurvature(sample: RowSample, vector: Float64Array): Curvature {
  let squares = 0;
  let fourths = 0;
  let weights = 0;
  let squaredWeights = 0;
  const norms: number[] = [];
  sample.forEachRow((squaredNorm, weight) => {
    if (weight > 0) norms.push(squaredNorm);
  });
  const longest = longestUsual(norms);
  // A row of weight w acts as √w·x does.
  sample.forEachRow((squaredNorm, weight) => {
    const square = weight * Math.min(squaredNorm, longest);
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
    sample.applySecondMoment(vector, longest);
    eigenvalue = normalise(vector);
    if (eigenvalue === 0) break;
  }
  return {
    norm: squares > 0 ? fourths / squares : 0,
    eigenvalue,
    rows: sample.rows,
    longRows: norms.filter((norm) => norm > longest).length,
    meanWeight: weights / sample.rows,
    largeWeight: weights > 0 ? squaredWeights / weights : 0,
  };
}

/** Squared norm beyond which rows are far longer than the others; Infinity when none is. Samples are small. */
function longestUsual(norms: readonly number[]): number {
  const falling = Float64Array.from(norms).sort().reverse();
  const longest = LONG * (falling[Math.floor(falling.length / RARE)] ?? 0);
  return longest > 0 && falling[0]! > longest ? longest : Number.POSITIVE_INFINITY;
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
  /** How far scores have to move: the size of an error at the start in regression, 1 in classification. */
  readonly scale: number;
}

/** Initial learning rate for the curvature measured, and one sentence on why. */
export function automaticRate(curvature: Curvature, request: RateRequest): { eta0: number; reason: string } {
  const { optimizer, lossCurvature, batch, momentum, bias, decay, d, scale } = request;
  // The intercept is one more feature, constantly 1.
  const norm = curvature.norm + (bias ? curvature.largeWeight : 0);
  const eigenvalue = Math.max(curvature.eigenvalue, bias ? curvature.meanWeight : 0);
  const long = curvature.longRows > 0 ? `, ${curvature.longRows} of them far longer` : '';
  const figures = `rows of squared norm ${norm.toPrecision(3)}, largest eigenvalue ${eigenvalue.toPrecision(3)}, measured on ${curvature.rows} rows${long}`;
  if (optimizer === 'adam' || optimizer === 'adagrad') {
    // Each weight moves by about the rate in a step: a score then moves by about rate·√(d·norm).
    const factor = optimizer === 'adam' ? 0.1 : 2;
    return { eta0: (scale * factor) / Math.sqrt(Math.max(d * norm, 1e-30)), reason: figures };
  }
  const sharpness = lossCurvature * (norm + (batch - 1) * eigenvalue) + batch * decay;
  const rate = sharpness > 0 ? (2 * batch) / (SAFETY * sharpness) : 1;
  return { eta0: rate * (1 - momentum), reason: figures };
}
