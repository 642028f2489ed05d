import type { ByteSink } from './byteSink.js';
import type { PredictionWriter } from './predictionWriter.js';

export type NpyDtype = '<i4' | '<f8';

/**
 * The header of a NumPy file, format 1.0: magic, version, header length, a Python dictionary padded with
 * spaces so that the numbers start at a multiple of 64 bytes, and no earlier than at `leastLength`.
 */
export function npyHeader(dtype: string, shape: readonly number[], leastLength = 0): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil(Math.max(10 + dictionary.length + 1, leastLength) / 64) * 64;
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  bytes.set(new TextEncoder().encode(dictionary), 10);
  bytes[length - 1] = 0x0a;
  return bytes;
}

/** Room for any number of rows. */
const HEADER_BYTES = 128;

/**
 * Writes predictions as a NumPy array: `columns` numbers a row, or a plain vector when 0. `rows`: undefined when not known before; the
 * sink must then be one whose start can be written again.
 */
export function npyWriter(
  sink: ByteSink,
  dtype: NpyDtype,
  rows: number | undefined,
  columns: number,
): PredictionWriter {
  const header = (count: number, least: number) =>
    npyHeader(dtype, columns === 0 ? [count] : [count, columns], least);
  let seen = 0;
  const size = dtype === '<i4' ? 4 : 8;
  const rowBytes = size * Math.max(columns, 1);
  const view = new DataView(new ArrayBuffer(rowBytes * Math.max(1, Math.floor(65536 / rowBytes))));
  let used = 0;
  const put = (value: number) => {
    if (dtype === '<i4') view.setInt32(used, value, true);
    else view.setFloat64(used, value, true);
    used += size;
  };
  const flush = async () => {
    await sink.write(new Uint8Array(view.buffer, 0, used));
    used = 0;
  };
  return {
    async begin() {
      await sink.write(rows === undefined ? header(0, HEADER_BYTES) : header(rows, 0));
    },
    append(_row, prediction, probabilities) {
      seen++;
      if (columns === 0) put(prediction);
      else for (let c = 0; c < columns; c++) put(probabilities![c]!);
      return used === view.byteLength ? flush() : undefined;
    },
    async flush() {
      if (used > 0) await flush();
    },
    async end() {
      if (used > 0) await flush();
      if (rows === undefined) await sink.rewriteStart!(header(seen, HEADER_BYTES));
    },
  };
}
