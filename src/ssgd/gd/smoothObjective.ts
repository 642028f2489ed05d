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
