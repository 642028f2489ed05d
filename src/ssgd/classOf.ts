/**
 * The class of the row whose scores start at `at`: with one column, 1 if its score is positive, else 0;
 * otherwise the column with the largest score, the first of equals.
 */
export function classOf(scores: Float32Array | Float64Array, at: number, columns: number): number {
  if (columns === 1) return scores[at]! > 0 ? 1 : 0;
  let best = 0;
  let largest = scores[at]!;
  for (let c = 1; c < columns; c++) {
    if (scores[at + c]! > largest) {
      largest = scores[at + c]!;
      best = c;
    }
  }
  return best;
}
