import type { NumericArray } from './numericArray.js';

/** A file of several arrays. */
export interface NamedArrays {
  readonly path: string;
  /** In the order of the file. */
  readonly names: readonly string[];
  /** Reads where one of `names` lies. `MLML_BAD_FILE` when it is no array of real numbers. */
  open(name: string): Promise<NumericArray>;
}
