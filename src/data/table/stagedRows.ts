import { convertRow } from '../convert.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { PartName } from '../format.js';

/** Encoded rows of a part on their way to the writer. */
export class StagedRows {
  readonly #writer: DatasetWriter;
  readonly #part: PartName;
  readonly #capacity: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The same bytes as numbers, where features and label are of one type that an array has. */
  readonly #numbers: Float32Array | Float64Array | undefined;
  #rows = 0;

  constructor(writer: DatasetWriter, part: PartName, capacity: number) {
    const { rowBytes, dtype, labelDtype } = writer.layout;
    this.#writer = writer;
    this.#part = part;
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(capacity * rowBytes);
    this.#view = new DataView(this.#bytes.buffer);
    if (dtype === labelDtype && dtype === 'float32') this.#numbers = new Float32Array(this.#bytes.buffer);
    if (dtype === labelDtype && dtype === 'float64') this.#numbers = new Float64Array(this.#bytes.buffer);
  }

  get isFull(): boolean {
    return this.#rows === this.#capacity;
  }

  /**
   * Adds a row: d features and the labels, in `block` from `at`. Returns the number of the first of them that does not fit the
   * number type (d and above: a label), or −1. There must be room.
   */
  add(block: Float64Array, at: number): number {
    const { layout } = this.#writer;
    const width = layout.d + layout.labels;
    const numbers = this.#numbers;
    if (numbers !== undefined) {
      const start = this.#rows * width;
      for (let j = 0; j < width; j++) numbers[start + j] = block[at + j]!;
      this.#rows++;
      return -1;
    }
    const source = new DataView(block.buffer, block.byteOffset + 8 * at, 8 * width);
    const misfit = convertRow(source, 0, this.#view, this.#rows * layout.rowBytes, layout);
    if (misfit < 0) this.#rows++;
    return misfit;
  }

  /** Hands the rows to the writer. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    const { rowBytes } = this.#writer.layout;
    await this.#writer.append(this.#part, this.#bytes.subarray(0, this.#rows * rowBytes), this.#rows);
    this.#rows = 0;
  }
}
