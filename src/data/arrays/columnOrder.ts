import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { decodeNumbers } from './numberType.js';
import type { ArrayReader, NumericArray } from './numericArray.js';
import { inexactError } from './rowOrder.js';

/** Rows are gathered in blocks of so many bytes, or of one row. */
export const BLOCK_BYTES = 16 * 2 ** 20;

/**
 * Reads the rows of an array that lies column by column (Fortran order): of each column a piece, as many rows of it as
 * make a block, so that a file is read in pieces that are as long as the memory allows.
 */
export function openColumnOrder(array: NumericArray, blockBytes = BLOCK_BYTES): ArrayReader {
  const { rows, columns, dtype } = array;
  const { bytes, start, type } = array.stored;
  const step = dtypeBytes[dtype];
  const { readInto } = bytes;
  if (readInto === undefined)
    throw new MlmlError('MLML_INTERNAL', `${array.name}: compressed bytes cannot be read column by column`);
  const blockRows = Math.min(rows, Math.max(1, Math.floor(blockBytes / (columns * step))));
  // [row][column], and a piece of one column.
  const block = new Uint8Array(blockRows * columns * step);
  const target = new DataView(block.buffer);
  const piece = new Uint8Array(blockRows * type.bytes);
  const source = new DataView(piece.buffer);
  const placeOf = (row: number, column: number) => {
    const offset = bytes.origin + start + (column * rows + row) * type.bytes;
    return `${bytes.name}: byte ${offset}${bytes.unit === '' ? '' : ` ${bytes.unit}`}`;
  };
  /** The block holds rows `first` to `end`. */
  let first = 0;
  let end = 0;
  const fill = async () => {
    first = end;
    end = Math.min(rows, first + blockRows);
    const many = end - first;
    const part = piece.subarray(0, many * type.bytes);
    for (let column = 0; column < columns; column++) {
      await readInto(part, start + (column * rows + first) * type.bytes);
      for (let row = 0; row < many; row++) {
        const at = (row * columns + column) * step;
        if (decodeNumbers(type, source, row * type.bytes, target, at, 1) >= 0)
          throw inexactError(placeOf(first + row, column), type.name);
      }
    }
  };
  let next = 0;
  return {
    async readRows(into, count) {
      for (let done = 0; done < count; ) {
        if (next === end) await fill();
        const many = Math.min(count - done, end - next);
        const from = (next - first) * columns * step;
        into.set(block.subarray(from, from + many * columns * step), done * columns * step);
        done += many;
        next += many;
      }
    },
    place: placeOf,
    async close() {},
  };
}
