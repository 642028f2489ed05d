/** Rows whose class is `classOf` their scores; written out for floats alone, since every training row passes here. */
export function countRight(
  scores: Float32Array,
  labels: Float64Array,
  rows: number,
  columns: number,
): number {
  let right = 0;
  if (columns === 1) {
    for (let i = 0; i < rows; i++) if (scores[i]! > 0 === labels[i]! > 0) right++;
    return right;
  }
  for (let i = 0, at = 0; i < rows; i++, at += columns) {
    const label = labels[i]!;
    const wanted = scores[at + label]!;
    // The first of equals wins: columns before the label must be smaller, columns behind it may be equal.
    let c = 0;
    while (c < label && scores[at + c]! < wanted) c++;
    if (c < label) continue;
    c++;
    while (c < columns && scores[at + c]! <= wanted) c++;
    if (c === columns) right++;
  }
  return right;
}
