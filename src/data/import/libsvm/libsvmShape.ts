import { MOST_FEATURES } from '../../format.js';
import type { SparseDtype } from '../../sparse/sparseRecord.js';
import { LabelSet } from './labelSet.js';
import type { LibsvmReader } from './libsvmReader.js';
import type { LibsvmRows, RecordShape } from './libsvmRows.js';

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

/** Records in which nothing is changed or left out but zeros. */
const AS_THEY_ARE: RecordShape = { zero: 0, features: MOST_FEATURES, dtype: 'float64' };

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
      while (left > 0) {
        const rows = reader.nextRows(AS_THEY_ARE, left);
        if (rows !== undefined) {
          left -= rows.rows;
          this.#addRows(rows);
        } else if (reader.next()) {
          left--;
          this.#add(reader);
        } else break;
      }
    } while (left > 0 && (await reader.more()));
  }

  #addRows(rows: LibsvmRows): void {
    const { record } = rows;
    for (let row = 0; row < rows.rows; row++) {
      const word = rows.wordOf(row);
      this.#labels.add(record.label(word));
      if (record.nonzeros(word) > 0 && record.index(word, 0) === 0) this.#zeroBased = true;
    }
    this.#largestIndex = Math.max(this.#largestIndex, rows.features - 1);
    this.#bytes &&= rows.allBytes;
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
