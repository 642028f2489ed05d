import { type Dtype, dtypeBytes, writeNumber } from '../../arithmetic/dtype.js';
import type { KernelModel } from '../../kernel/kernelModel.js';
import type { RowSource } from '../../kernel/tiles/rowSource.js';
import type { LinearModel } from '../../ssgd/linearModel.js';
import type { Blob } from './pieces.js';
import type { Precision } from './precision.js';

/** A model with all that an export reads: of a kernel model also the rows it compares with, open. */
export type ModelSource =
  | { readonly kind: 'linear'; readonly model: LinearModel }
  | { readonly kind: 'kernel'; readonly model: KernelModel; readonly rows: RowSource };

const NUMBERS_AT_ONCE = 8192;
const ROW_BYTES_AT_ONCE = 1 << 18;

/** Numbers, little-endian, as doubles or rounded to floats. */
export function numbersBlob(numbers: Float64Array, precision: Precision): Blob {
  const size = dtypeBytes[precision];
  return {
    byteLength: size * numbers.length,
    *chunks() {
      const view = new DataView(new ArrayBuffer(size * Math.min(NUMBERS_AT_ONCE, numbers.length)));
      for (let from = 0; from < numbers.length; from += NUMBERS_AT_ONCE) {
        const count = Math.min(NUMBERS_AT_ONCE, numbers.length - from);
        for (let i = 0; i < count; i++) writeNumber(view, size * i, precision, numbers[from + i]!);
        yield new Uint8Array(view.buffer, 0, size * count);
      }
    },
  };
}

/** The features of all rows of a kernel model as they are stored, n × d, without the labels between them. */
export function featuresBlob(model: KernelModel, rows: RowSource): Blob {
  const { layout } = model.geometry;
  const featureBytes = layout.labelOffset;
  return {
    byteLength: model.n * featureBytes,
    async *chunks() {
      const most = Math.max(1, Math.min(model.n, Math.floor(ROW_BYTES_AT_ONCE / layout.rowBytes)));
      const bytes = new Uint8Array(most * layout.rowBytes);
      for (let row = 0; row < model.n; row += most) {
        const count = Math.min(most, model.n - row);
        await rows.readRows(bytes, row, count);
        // The first row stays where it is; the others move down over the labels.
        for (let i = 1; i < count; i++)
          bytes.copyWithin(i * featureBytes, i * layout.rowBytes, i * layout.rowBytes + featureBytes);
        yield bytes.subarray(0, count * featureBytes);
      }
    },
  };
}

/** How the features of a row are scaled. */
export function scalingOf(source: ModelSource): { multiply: Float64Array; add: Float64Array } {
  return source.kind === 'linear' ? source.model.scaling : source.model.geometry;
}

/** Number type of the rows of a kernel model. */
export function rowDtype(model: KernelModel): Dtype {
  return model.geometry.layout.dtype;
}
