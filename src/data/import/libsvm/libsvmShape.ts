import type { SparseDtype } from '../../sparse/sparseRecord.js';
import { LabelSet } from './labelSet.js';
import type { LibsvmReader } from './libsvmReader.js';

/** What has to be known of a text before its first row can be stored. */
export interface LibsvmShape {
  /** Whether its indices begin with 0; else with 1. */
  readonly zeroBased: boolean;
  /** The labels in rising order; undefined for targets. */
  readonly classes: readonly number[] | undefined;
  /** The smallest number type that holds all values as they are, or single precision. */
  readonly dtype: SparseDtype;
  /** The largest index as it stands in the text; -1 when there is none. */
  readonly largestIndex: number;
}

/** Finds out the shape of texts from their rows. */
export class ShapeSurvey {
  readonly #labels: LabelSet;
  #zeroBased = false;
  #bytes = true;
  #largestIndex = -1;

  /** `k`: number of classes that is expected, when it is known. */
  constructor(k?: number) {
    this.#labels = new LabelSet(k);
  }

  /** Reads rows to the end, or until `most` have been read. */
  async read(reader: LibsvmReader, most = Infinity): Promise<void> {
    let left = most;
    do {
      while (left > 0 && reader.next()) {
        left--;
        this.#add(reader);
      }
    } while (left > 0 && (await reader.more()));
  }

  #add({ label, nonzeros, indices, values }: LibsvmReader): void {
    this.#labels.add(label);
    if (nonzeros === 0) return;
    if (indices[0] === 0) this.#zeroBased = true;
    if (indices[nonzeros - 1]! > this.#largestIndex) this.#largestIndex = indices[nonzeros - 1]!;
    if (this.#bytes) this.#bytes = allBytes(values, nonzeros);
  }

  get shape(): LibsvmShape {
    return {
      zeroBased: this.#zeroBased,
      classes: this.#labels.classes,
      dtype: this.#bytes ? 'uint8' : 'float32',
      largestIndex: this.#largestIndex,
    };
  }
}

/** Whether values are whole numbers from 0 to 255. */
export function allBytes(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if ((value & 255) !== value) return false;
  }
  return true;
}
