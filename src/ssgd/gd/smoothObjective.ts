/**
 * The differentiable part of an objective, divided by the number of rows:
 * (Σ loss + ½·reg·‖W‖²)/n. Vectors hold W (k × d, row by row), then k intercepts, or zeros where the
 * intercept is eliminated.
 */
export interface SmoothObjective {
  /** Gradient at `vector` into `gradient`; returns the value. */
  evaluate(vector: Float64Array, gradient: Float64Array): Promise<number>;
  /** Largest eigenvalue of the Hessian, or a bound on it. `vector` and `image` are room to work in. */
  curvature(vector: Float64Array, image: Float64Array): Promise<number>;
  /** Weights (k × d) and intercepts for scaled features. */
  model(vector: Float64Array): { weights: Float64Array; intercept: Float64Array };
  readonly bytesRead: number;
  readonly passes: number;
}

/**
 * Σ over rows of a loss of their scores. `evaluate` takes `rows` rows of scores, `stride` numbers apart,
 * writes ∂loss/∂score in the same layout and returns the sum of the losses.
 */
export interface ScoreLoss {
  /** Largest second derivative of the loss of a row in its scores. */
  readonly curvature: number;
  evaluate(
    scores: Float64Array,
    rows: number,
    stride: number,
    labels: Float64Array,
    gradient: Float64Array,
  ): number;
}

/** ½‖scores − y‖², y one-hot (classification) or the label. */
export function ridgeLoss(classification: boolean): ScoreLoss {
  return {
    curvature: 1,
    evaluate(scores, rows, stride, labels, gradient) {
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < stride; c++) {
          const target = classification ? (labels[r] === c ? 1 : 0) : labels[r]!;
          const difference = scores[r * stride + c]! - target;
          gradient[r * stride + c] = difference;
          sum += difference * difference;
        }
      }
      return sum / 2;
    },
  };
}
