import { type Dtype, dtypeBytes, writeNumber } from '../../../arithmetic/dtype.js';
import { MlmlError } from '../../../errors.js';
import { fitsDtype } from '../../convert.js';
import type { DatasetWriter } from '../../datasetWriter.js';
import type { DatasetDescription, PartName } from '../../format.js';
import type { LibsvmReader } from './libsvmReader.js';
import type { RowSink } from './rowSink.js';

const DENSE_BATCH_BYTES = 128 * 1024;

/** Spreads rows out and hands them to the writer in batches. */
export class DenseRows implements RowSink {
  readonly records = undefined;
  readonly #writer: DatasetWriter;
  readonly #dtype: Dtype;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #part: PartName = 'train';
  #rows = 0;

  constructor(writer: DatasetWriter, dtype: Dtype) {
    this.#writer = writer;
    this.#dtype = dtype;
    const { rowBytes } = writer.layout;
    this.#bytes = new Uint8Array(Math.max(1, Math.floor(DENSE_BATCH_BYTES / rowBytes)) * rowBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  append(part: PartName, label: number, reader: LibsvmReader): Promise<void> | undefined {
    const { rowBytes } = this.#writer.layout;
    if (this.#rows > 0 && (part !== this.#part || (this.#rows + 1) * rowBytes > this.#bytes.length))
      return this.#flush().then(() => this.append(part, label, reader));
    this.#part = part;
    const { labelOffset, labelDtype } = this.#writer.layout;
    const { nonzeros, indices, values } = reader;
    const start = this.#rows++ * rowBytes;
    this.#bytes.fill(0, start, start + rowBytes);
    for (let i = 0; i < nonzeros; i++) {
      if (!fitsDtype(values[i]!, this.#dtype)) throw misfit(reader, this.#dtype);
      writeNumber(this.#view, start + dtypeBytes[this.#dtype] * indices[i]!, this.#dtype, values[i]!);
    }
    if (!fitsDtype(label, labelDtype)) throw reader.fault(`the label ${label} does not fit ${labelDtype}`);
    writeNumber(this.#view, start + labelOffset, labelDtype, label);
    return undefined;
  }

  appendRows(): undefined {
    throw new MlmlError('MLML_INTERNAL', 'dense rows are spread out one by one');
  }

  async #flush(): Promise<void> {
    const { rowBytes } = this.#writer.layout;
    await this.#writer.append(this.#part, this.#bytes.subarray(0, this.#rows * rowBytes), this.#rows);
    this.#rows = 0;
  }

  async finish(_d: number, source: DatasetDescription['source']): Promise<DatasetDescription> {
    if (this.#rows > 0) await this.#flush();
    return await this.#writer.finish(source);
  }

  discard(): Promise<void> {
    return this.#writer.discard();
  }
}

/** The fault of a row with a value that does not fit its type. */
export function misfit(reader: LibsvmReader, dtype: Dtype): MlmlError {
  const { nonzeros, values } = reader;
  const value = values.subarray(0, nonzeros).find((value) => !fitsDtype(value, dtype));
  return reader.fault(`the value ${value} does not fit ${dtype}; choose another --dtype`);
}
