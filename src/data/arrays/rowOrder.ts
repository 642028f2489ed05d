import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { ByteReader } from '../import/byteReader.js';
import { decodeNumbers } from './numberType.js';
import type { ArrayReader, NumericArray } from './numericArray.js';

/** Numbers converted at a time. */
const PIECE = 4096;

/** Reads an array whose rows follow one another. */
export function openRowOrder(array: NumericArray): ArrayReader {
  const { columns, dtype } = array;
  const { bytes, start, type } = array.stored;
  const reader = new ByteReader(bytes.chunks(), bytes.name, bytes.unit, bytes.origin);
  const first = bytes.origin + start;
  const piece = type.same ? undefined : new Uint8Array(PIECE * type.bytes);
  const placeOf = (number: number) => reader.place(first + number * type.bytes);
  let done = 0;
  let skipped = start === 0;
  return {
    async readRows(target, count) {
      if (!skipped) await reader.skip(start, 'the header');
      skipped = true;
      const numbers = count * columns;
      const what = `the ${array.rows} rows of ${array.name}`;
      if (piece === undefined) await reader.read(target.subarray(0, numbers * type.bytes), what);
      else {
        const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
        const source = new DataView(piece.buffer);
        for (let at = 0; at < numbers; at += PIECE) {
          const many = Math.min(PIECE, numbers - at);
          await reader.read(piece.subarray(0, many * type.bytes), what);
          const inexact = decodeNumbers(type, source, 0, view, at * dtypeBytes[dtype], many);
          if (inexact >= 0) throw inexactError(placeOf(done + at + inexact), type.name);
        }
      }
      done += numbers;
      // So that the end checks of what was compressed are made.
      if (done === array.rows * columns) await reader.expectEnd();
    },
    place: (row, column) => placeOf(row * columns + column),
    close: () => reader.close(),
  };
}

/** What is said of an integer that no double equals. */
export function inexactError(place: string, type: string): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `${place}: this ${type} is beyond 2^53 and equal to no float64; save the array as float64 to round it`,
  );
}
