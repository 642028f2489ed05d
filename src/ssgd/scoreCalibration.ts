/** p = 1/(1 + exp(slope·score + intercept)), as Platt wrote it. */
export interface SigmoidCurve {
  readonly slope: number;
  readonly intercept: number;
}

/** p rises with the score, linear between these points and constant beyond them. As many scores, rising, as probabilities. */
export interface IsotonicCurve {
  readonly scores: readonly number[];
  readonly probabilities: readonly number[];
}

/**
 * How the scores of a classification become probabilities: a curve for each class against the rest (whose values are divided by their
 * sum), or for class 1 alone when there are two. The score of class 1 of two is that of the only column, or the difference of both.
 */
export type ScoreCalibration = {
  /** Rows it was fitted on. */
  readonly rows: number;
  /** Of the data set they were from; empty for a table. */
  readonly fingerprint: string;
} & (
  | { readonly method: 'sigmoid'; readonly curves: readonly SigmoidCurve[] }
  | { readonly method: 'isotonic'; readonly curves: readonly IsotonicCurve[] }
);

/** The ways of fitting probabilities to scores. */
export const calibrationMethods = ['sigmoid', 'isotonic'] as const;
/** How probabilities are fitted to scores. */
export type CalibrationMethod = (typeof calibrationMethods)[number];

/** The score that stands for class 1 of two, of a row whose scores start at `at`. */
export function binaryScore(scores: Float64Array, at: number, k: number): number {
  return k === 1 ? scores[at]! : scores[at + 1]! - scores[at]!;
}

export function calibratedProbability(calibration: ScoreCalibration, column: number, score: number): number {
  if (calibration.method === 'sigmoid') {
    const { slope, intercept } = calibration.curves[column]!;
    return 1 / (1 + Math.exp(slope * score + intercept));
  }
  return interpolated(calibration.curves[column]!, score);
}

function interpolated({ scores, probabilities }: IsotonicCurve, score: number): number {
  let high = scores.length - 1;
  if (!(score > scores[0]!)) return probabilities[0]!;
  if (score >= scores[high]!) return probabilities[high]!;
  let low = 0;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (scores[middle]! <= score) low = middle;
    else high = middle;
  }
  const share = (score - scores[low]!) / (scores[high]! - scores[low]!);
  return probabilities[low]! + share * (probabilities[high]! - probabilities[low]!);
}

/** The calibration of a model, as a field to copy; nothing where there is none. */
export function calibrationOf({ calibration }: { readonly calibration?: ScoreCalibration }): {
  readonly calibration?: ScoreCalibration;
} {
  return calibration === undefined ? {} : { calibration };
}
