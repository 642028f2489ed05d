import { ByteReader } from '../import/byteReader.js';
import { gunzip, MOST_INFLATED } from '../import/decompress.js';
import type { SourceFile } from '../import/sourceFiles.js';
import { type ByteSource, bytesOfFile } from './byteSource.js';
import { type NumberType, numberType } from './numberType.js';
import { NumericArray } from './numericArray.js';

const numberTypes: Readonly<Record<number, NumberType>> = {
  8: numberType('uint', 1, false)!,
  9: numberType('int', 1, false)!,
  11: numberType('int', 2, false)!,
  12: numberType('int', 4, false)!,
  13: numberType('float', 4, false)!,
  14: numberType('float', 8, false)!,
};
const MOST_DIMENSIONS = 8;

export interface IdxHeader {
  /** The first four bytes. */
  readonly magic: number;
  readonly type: NumberType;
  readonly shape: readonly number[];
  /** Bytes before the first number. */
  readonly start: number;
}

/** Reads the beginning of an idx file: two zeros, a number type, the number of dimensions, and their sizes. */
export async function readIdxHeader(reader: ByteReader): Promise<IdxHeader> {
  const magic = new Uint8Array(4);
  await reader.read(magic, 'the idx header');
  const type = numberTypes[magic[2]!];
  const dimensions = magic[3]!;
  const word = new DataView(magic.buffer).getUint32(0);
  if (magic[0] !== 0 || magic[1] !== 0 || type === undefined)
    throw reader.fault(`the idx header begins with ${hexWord(word)}; this is no idx file`, 0);
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS)
    throw reader.fault(`the idx header tells of ${dimensions} dimensions`, 3);
  const sizes = new Uint8Array(4 * dimensions);
  await reader.read(sizes, 'the idx header');
  const view = new DataView(sizes.buffer);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 * i));
  return { magic: word, type, shape, start: 4 + sizes.length };
}

/** `0x00000803`. */
export function hexWord(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`;
}

/** The bytes of an idx file, gzip or not. Of gzip their number is known from the header only. */
export function idxBytes(file: SourceFile): ByteSource {
  if (!file.path.endsWith('.gz')) return bytesOfFile(file);
  return {
    name: file.path,
    unit: 'of the decompressed data',
    origin: 0,
    byteLength: Number.POSITIVE_INFINITY,
    chunks: () => gunzip(file.chunks(), file.path),
  };
}

/** The array of an idx file of any shape and type. */
export async function idxArray(file: SourceFile): Promise<NumericArray> {
  const bytes = idxBytes(file);
  const reader = new ByteReader(bytes.chunks(), bytes.name, bytes.unit);
  try {
    const { type, shape, start } = await readIdxHeader(reader);
    const needed = shape.reduce((product, size) => product * size, type.bytes);
    const isGzip = bytes.byteLength === Number.POSITIVE_INFINITY;
    if (isGzip && start + needed > file.byteLength * MOST_INFLATED)
      throw reader.fault(`the header says ${shape.join(' x ')}, far more than the file can hold`, 4);
    const stored = { bytes: isGzip ? { ...bytes, byteLength: start + needed } : bytes, start, type };
    return new NumericArray(file.path, shape, { ...stored, columnOrder: false });
  } finally {
    await reader.close();
  }
}
