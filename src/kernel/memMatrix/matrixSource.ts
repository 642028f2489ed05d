import { type Dtype, dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import { readNpyHeader } from '../../data/arrays/npyHeader.js';
import type { NumberType } from '../../data/arrays/numberType.js';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';

/** A matrix of known size whose numbers come in order, row by row. */
export interface MatrixSource {
  readonly rows: number;
  readonly columns: number;
  /** What messages call it: a path, or `row iterator`. */
  readonly name: string;
  /** All numbers, in pieces of any length; each piece may be overwritten by the next. */
  numbers(): AsyncIterable<ArrayLike<number>>;
}

/** Rows that a program has: arrays of `columns` numbers, from any iterable. */
export function iteratedRows(
  rows: number,
  columns: number,
  source: Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>>,
): MatrixSource {
  return {
    rows,
    columns,
    name: 'row iterator',
    async *numbers() {
      let row = 0;
      for await (const values of source) {
        if (row === rows || values.length !== columns) {
          const what =
            row === rows ? `there are more than ${rows} rows` : `row ${row} has ${values.length} numbers`;
          throw new MlmlError('MLML_BAD_DATA', `row iterator: ${what}; the matrix is ${rows} x ${columns}`);
        }
        yield values;
        row++;
      }
      if (row < rows)
        throw new MlmlError(
          'MLML_BAD_DATA',
          `row iterator: ended after ${row} rows; the matrix is ${rows} x ${columns}`,
        );
    },
  };
}

/** Numbers read at a time. */
const PIECE = 8192;

/** A file of rows · columns numbers, row by row, little-endian, from byte `start` to its end. */
export function rawMatrix(
  storage: Storage,
  path: string,
  shape: { readonly rows: number; readonly columns: number; readonly dtype: Dtype; readonly start?: number },
): MatrixSource {
  const { rows, columns, dtype, start = 0 } = shape;
  const read = (view: DataView, at: number) => readNumber(view, at, dtype);
  const type = { name: dtype, bytes: dtypeBytes[dtype], read };
  return storedMatrix(storage, path, rows, columns, type, start);
}

function storedMatrix(
  storage: Storage,
  path: string,
  rows: number,
  columns: number,
  type: Pick<NumberType, 'name' | 'bytes' | 'read'>,
  start: number,
): MatrixSource {
  const { bytes } = type;
  return {
    rows,
    columns,
    name: path,
    async *numbers() {
      const file = await storage.openRead(path);
      try {
        const needed = start + rows * columns * bytes;
        if (file.byteLength !== needed) {
          throw new MlmlError(
            'MLML_BAD_FILE',
            `${path}: has ${file.byteLength} bytes; ${rows} x ${columns} ${type.name} numbers from byte ${start} end at byte ${needed}`,
          );
        }
        const piece = new Uint8Array(PIECE * bytes);
        const view = new DataView(piece.buffer);
        const values = new Float64Array(PIECE);
        for (let position = start; position < needed; position += piece.length) {
          const length = Math.min(piece.length, needed - position);
          await file.readInto(piece.subarray(0, length), position);
          const count = length / bytes;
          for (let i = 0; i < count; i++) values[i] = type.read(view, i * bytes);
          yield count === PIECE ? values : values.subarray(0, count);
        }
      } finally {
        await file.close();
      }
    },
  };
}

/** A matrix in a NumPy file (`numpy.save`), in C order, of any type of real numbers (64-bit integers become doubles). */
export async function npyMatrix(storage: Storage, path: string): Promise<MatrixSource> {
  const file = await storage.openRead(path);
  try {
    let position = 0;
    const { type, fortranOrder, shape, start } = await readNpyHeader(path, async (target) => {
      await file.readInto(target, position);
      position += target.length;
    });
    if (fortranOrder) throw badNpy(path, 'is in Fortran order; save numpy.ascontiguousarray of it');
    if (shape.length !== 2 || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
      throw badNpy(path, `has shape (${shape.join(', ')}); a matrix is needed`);
    return storedMatrix(storage, path, shape[0]!, shape[1]!, type, start);
  } finally {
    await file.close();
  }
}

function badNpy(path: string, what: string): MlmlError {
  return new MlmlError('MLML_BAD_FILE', `${path}: ${what}`);
}
