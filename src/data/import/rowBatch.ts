import { type Dtype, dtypeBytes, readNumber, writeNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { convertNumbers, fitsDtype } from '../convert.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { PartName } from '../format.js';

const BATCH_BYTES = 128 * 1024;

/** Collects rows, converted to the data set's dtypes, and appends them to the writer in batches. */
export class RowBatch {
  readonly #writer: DatasetWriter;
  readonly #part: PartName;
  readonly #from: Dtype;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #capacity: number;
  readonly #limit: number;
  #rows = 0;
  #kept = 0;

  /** Rows beyond `limit` are checked by the caller but not kept. `from` is the dtype of the features given. */
  constructor(writer: DatasetWriter, part: PartName, from: Dtype, limit = Infinity) {
    this.#writer = writer;
    this.#part = part;
    this.#from = from;
    this.#limit = limit;
    this.#capacity = Math.max(1, Math.floor(BATCH_BYTES / writer.layout.rowBytes));
    this.#bytes = new Uint8Array(this.#capacity * writer.layout.rowBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /**
   * Adds the row whose features start at `offset` of `source`. True means: full, call `flush` before the next.
   * `locate(j)` names the place of feature j (or of a label, from j = d on) in the original, for errors. Of several labels `labels`
   * holds them all, the first of which `label` stands for.
   */
  add(
    source: DataView,
    offset: number,
    label: number,
    locate: (j: number) => string,
    labels?: Float64Array,
  ): boolean {
    if (this.#kept === this.#limit) return false;
    const { d, dtype, labelDtype, labels: labelsOfRow, labelOffset, rowBytes } = this.#writer.layout;
    const at = this.#rows * rowBytes;
    if (dtype === this.#from) {
      const bytes = new Uint8Array(source.buffer, source.byteOffset + offset, labelOffset);
      this.#bytes.set(bytes, at);
    } else {
      const misfit = convertNumbers(source, offset, this.#from, this.#view, at, dtype, d);
      if (misfit >= 0) {
        const value = readNumber(source, offset + misfit * dtypeBytes[this.#from], this.#from);
        throw misfitError(locate(misfit), `feature ${misfit}`, value, dtype);
      }
    }
    for (let c = 0; c < labelsOfRow; c++) {
      const value = c === 0 ? label : labels![c]!;
      if (!fitsDtype(value, labelDtype)) throw misfitError(locate(d + c), 'label', value, labelDtype);
      writeNumber(this.#view, at + labelOffset + c * dtypeBytes[labelDtype], labelDtype, value);
    }
    this.#rows++;
    this.#kept++;
    return this.#rows === this.#capacity;
  }

  /** Hands the collected rows to the writer. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    const { rowBytes } = this.#writer.layout;
    await this.#writer.append(this.#part, this.#bytes.subarray(0, this.#rows * rowBytes), this.#rows);
    this.#rows = 0;
  }
}

function misfitError(place: string, what: string, value: number, dtype: Dtype): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    Number.isFinite(value)
      ? `${place}: ${what} is ${value}, which does not fit ${dtype}; choose another --dtype`
      : `${place}: ${what} is ${value}, not a finite number`,
  );
}
