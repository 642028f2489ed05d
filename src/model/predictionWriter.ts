/** Writes one prediction per row, in order. */
export interface PredictionWriter {
  begin(): Promise<void>;
  /** A promise when the caller must wait before the next call, undefined otherwise. */
  append(row: number, prediction: number, probabilities: Float64Array | undefined): Promise<void> | undefined;
  end(): Promise<void>;
}
