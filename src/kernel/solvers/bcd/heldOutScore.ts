/** What tells how good scores of held-out rows are: accuracy (higher is better) or rmse (lower is better). */
export interface HeldOutProblem {
  readonly heldOut: Uint8Array;
  readonly classification: boolean;
  readonly k: number;
  /** [n][width], the columns of regularization l from l·k on. */
  readonly targets: Float64Array;
  readonly width: number;
}

/**
 * Accuracy (the largest score is the class whose target is largest) or root mean squared error of the scores of held-out
 * rows for one regularization: score (i, c) is `sign`·scores[i·width + l·k + c].
 */
export function heldOutScore(problem: HeldOutProblem, scores: Float64Array, sign: number, l: number): number {
  const { heldOut, classification, k, targets, width } = problem;
  let rows = 0;
  let right = 0;
  let squares = 0;
  for (let i = 0; i < heldOut.length; i++) {
    if (heldOut[i] !== 1) continue;
    rows++;
    const at = i * width + l * k;
    let best = 0;
    let wanted = 0;
    for (let c = 0; c < k; c++) {
      const score = sign * scores[at + c]!;
      squares += (score - targets[at + c]!) ** 2;
      if (score > sign * scores[at + best]!) best = c;
      if (targets[at + c]! > targets[at + wanted]!) wanted = c;
    }
    if (best === wanted) right++;
  }
  if (rows === 0) return 0;
  return classification ? right / rows : Math.sqrt(squares / (rows * k));
}

/** Index of the best value; the first of equals. */
export function bestHeldOut(values: readonly number[], classification: boolean): number {
  let best = 0;
  for (const [l, value] of values.entries()) if (isBetter(value, values[best]!, classification)) best = l;
  return best;
}

export function isBetter(value: number, than: number, classification: boolean): boolean {
  return classification ? value > than : value < than;
}
