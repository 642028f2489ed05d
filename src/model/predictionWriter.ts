/** Writes one prediction per row, in order. */
export interface PredictionWriter {
  begin(): Promise<void>;
  /**
   * The number of the row, its prediction (a class or a value), probabilities (or, of a regression with several outputs, the value of
   * each) and the text that names it, where there are any. A promise when the caller must wait before the next call, undefined otherwise.
   */
  append(
    row: number,
    prediction: number,
    probabilities: Float64Array | undefined,
    id: string | undefined,
  ): Promise<void> | undefined;
  /** Hands on all that was appended. */
  flush(): Promise<void>;
  end(): Promise<void>;
}
