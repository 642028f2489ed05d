/**
 * The class a row of k scores (from `offset`) stands for: the largest score, the lowest class on ties; with one
 * column, class 1 when the score is above 0, class 0 otherwise.
 */
export function classOf(scores: Float64Array, offset: number, k: number): number {
  if (k === 1) return scores[offset]! > 0 ? 1 : 0;
  let best = 0;
  for (let c = 1; c < k; c++) {
    if (scores[offset + c]! > scores[offset + best]!) best = c;
  }
  return best;
}
