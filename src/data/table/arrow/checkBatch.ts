import type { ColumnShape } from './arrowColumns.js';
import type { FlatTable } from './flatBuffer.js';

/** What is wrong with the batch of rows in a body, in words; undefined for one whose columns are all there. */
export function batchFault(
  header: FlatTable,
  body: Uint8Array,
  columns: readonly ColumnShape[],
): string | undefined {
  if (header.has(3))
    return 'its batches are compressed, which is not read; write them without compression (pyarrow: compression=None)';
  const length = header.long(0);
  const nodes = header.pairs(1);
  const buffers = header.pairs(2);
  const wanted = columns.reduce((sum, column) => sum + column.buffers, 0);
  if (!(length >= 0) || nodes.length !== columns.length || buffers.length !== wanted)
    return `a batch of ${length} rows with ${nodes.length} columns in ${buffers.length} buffers does not fit its schema`;
  let next = 0;
  for (const [number, { buffers: count, bits }] of columns.entries()) {
    const [rows, nulls] = nodes[number]!;
    if (rows !== length || !(nulls >= 0 && nulls <= length))
      return `column ${number} has ${rows} rows, ${nulls} of them missing, in a batch of ${length}`;
    const own = buffers.slice(next, next + count);
    next += count;
    if (own.some(([offset, bytes]) => !(offset >= 0 && bytes >= 0 && offset + bytes <= body.length)))
      return `a buffer of column ${number} does not lie in its batch`;
    if (count === 0) continue;
    const [validity, data, text] = own;
    const needed =
      count === 3 ? (length === 0 ? 0 : ((length + 1) * bits) / 8) : Math.ceil((length * bits) / 8);
    if (data![1] < needed || (nulls > 0 && validity![1] < Math.ceil(length / 8)))
      return `column ${number} has too few bytes for ${length} rows`;
    if (text !== undefined && !offsetsRise(body, data![0], length, bits, text[1]))
      return `the texts of column ${number} do not lie one after the other`;
  }
  return undefined;
}

/** Whether offsets of texts never fall, nor leave the text: so all texts together are no longer than it. */
function offsetsRise(body: Uint8Array, at: number, rows: number, bits: number, textBytes: number): boolean {
  if (rows === 0) return true;
  const view = new DataView(body.buffer, body.byteOffset + at);
  let last = 0;
  for (let i = 0; i <= rows; i++) {
    const offset = bits === 32 ? view.getInt32(4 * i, true) : Number(view.getBigInt64(8 * i, true));
    if (offset < last) return false;
    last = offset;
  }
  return last <= textBytes;
}
