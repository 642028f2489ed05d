import { type Dtype, dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { ReadableFile, Storage } from '../../storage/storage.js';

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
  const bytes = dtypeBytes[dtype];
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
            `${path}: has ${file.byteLength} bytes; ${rows} x ${columns} ${dtype} numbers from byte ${start} end at byte ${needed}`,
          );
        }
        const piece = new Uint8Array(PIECE * bytes);
        const view = new DataView(piece.buffer);
        const values = new Float64Array(PIECE);
        for (let position = start; position < needed; position += piece.length) {
          const length = Math.min(piece.length, needed - position);
          await file.readInto(piece.subarray(0, length), position);
          const count = length / bytes;
          for (let i = 0; i < count; i++) values[i] = readNumber(view, i * bytes, dtype);
          yield count === PIECE ? values : values.subarray(0, count);
        }
      } finally {
        await file.close();
      }
    },
  };
}

const npyDtypes: Readonly<Record<string, Dtype>> = {
  '<f2': 'float16',
  '<f4': 'float32',
  '<f8': 'float64',
  '|u1': 'uint8',
  '|i1': 'int8',
  '<i2': 'int16',
};
const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LONGEST_NPY_HEADER = 1 << 20;

/** A matrix in a NumPy file (`numpy.save`), in C order. */
export async function npyMatrix(storage: Storage, path: string): Promise<MatrixSource> {
  const file = await storage.openRead(path);
  try {
    const { header, start } = await npyHeader(file);
    const field = (pattern: RegExp) => pattern.exec(header)?.[1] ?? '';
    const descr = field(/'descr':\s*'([^']*)'/);
    const dtype = Object.hasOwn(npyDtypes, descr) ? npyDtypes[descr] : undefined;
    if (dtype === undefined)
      throw badNpy(
        path,
        `has numbers of type '${descr}'; it must be one of ${Object.keys(npyDtypes).join(', ')}`,
      );
    if (field(/'fortran_order':\s*(\w+)/) !== 'False')
      throw badNpy(path, 'is in Fortran order; save numpy.ascontiguousarray of it');
    const shape = field(/'shape':\s*\(([^)]*)\)/)
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(Number);
    if (shape.length !== 2 || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
      throw badNpy(path, `has shape (${shape.join(', ')}); a matrix is needed`);
    return rawMatrix(storage, path, { rows: shape[0]!, columns: shape[1]!, dtype, start });
  } finally {
    await file.close();
  }
}

async function npyHeader(file: ReadableFile): Promise<{ header: string; start: number }> {
  const prefix = new Uint8Array(12);
  await file.readInto(prefix, 0);
  if (!NPY_MAGIC.every((byte, i) => prefix[i] === byte)) throw badNpy(file.path, 'is not a NumPy file');
  const view = new DataView(prefix.buffer);
  // Version 1 has a u16 length; 2 and 3 a u32.
  const from = prefix[6] === 1 ? 10 : 12;
  const length = from === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_NPY_HEADER) throw badNpy(file.path, `has a header of ${length} bytes`);
  const bytes = new Uint8Array(length);
  await file.readInto(bytes, from);
  return { header: new TextDecoder('latin1').decode(bytes), start: from + length };
}

function badNpy(path: string, what: string): MlmlError {
  return new MlmlError('MLML_BAD_FILE', `${path}: ${what}`);
}
