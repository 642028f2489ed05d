/** How well scores [i][c] hit the targets of the rows asked for: accuracy by the largest score, or root mean square error, of several outputs their mean. */
export function validate(
  n: number,
  k: number,
  classification: boolean,
  counts: (i: number) => boolean,
  score: (i: number, c: number) => number,
  target: (i: number, c: number) => number,
): number {
  let rows = 0;
  let sum = 0;
  const squares = new Float64Array(classification ? 0 : k);
  for (let i = 0; i < n; i++) {
    if (!counts(i)) continue;
    rows++;
    if (!classification) {
      for (let c = 0; c < k; c++) squares[c]! += (score(i, c) - target(i, c)) ** 2;
      continue;
    }
    let [best, label] = [0, 0];
    for (let c = 1; c < k; c++) {
      if (score(i, c) > score(i, best)) best = c;
      if (target(i, c) > target(i, label)) label = c;
    }
    if (best === label) sum++;
  }
  if (classification) return sum / rows;
  return squares.reduce((total, square) => total + Math.sqrt(square / rows), 0) / k;
}
