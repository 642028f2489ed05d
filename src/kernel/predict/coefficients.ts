/** Coefficients of the rows, n × k. */
export interface Coefficients {
  readonly values: Float64Array;
  /** Numbers from one row to the next. */
  readonly stride: number;
  /** Their address when they lie in the arena with an even stride. */
  readonly address?: number;
}

/** Copies the coefficients of rows [first, first + rows) to the start of `target`, padded with zeros to `width` columns. */
export function copyCoefficients(
  { values, stride }: Coefficients,
  k: number,
  first: number,
  rows: number,
  target: Float64Array,
  width: number,
): void {
  for (let i = 0; i < rows; i++) {
    const from = (first + i) * stride;
    for (let c = 0; c < width; c++) target[i * width + c] = c < k ? values[from + c]! : 0;
  }
}

/** Rows of `width` numbers become rows of `k`, in place. */
export function packScores(sums: Float64Array, rows: number, width: number, k: number): void {
  for (let i = 0; i < rows; i++) for (let c = 0; c < k; c++) sums[i * k + c] = sums[i * width + c]!;
}
