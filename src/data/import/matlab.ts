import { ByteReader } from './byteReader.js';
import { inflate } from './decompress.js';
import type { SourceFile } from './sourceFiles.js';

/** A numeric matrix of a .mat file; element (row, column) is values[column · rows + row]. */
export interface MatlabMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** The matrices wanted here are small; anything beyond is damage or another file, and is never allocated. */
const MOST_ELEMENTS = 2 ** 21;
const HEADER_BYTES = 128;
const MI_MATRIX = 14;
const MI_COMPRESSED = 15;

interface NumberType {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
}

const numberTypes: Record<number, NumberType> = {
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  7: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  9: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** Reads the named variables of a MATLAB level 5 file, compressed or not; others are passed over. */
export async function readMatlabFile(
  file: SourceFile,
  wanted: readonly string[],
): Promise<Map<string, MatlabMatrix>> {
  const reader = new ByteReader(file.chunks(), file.path);
  const header = new Uint8Array(HEADER_BYTES);
  await reader.read(header, 'the header of a MATLAB 5 file');
  if (header[124] !== 0 || header[125] !== 1 || header[126] !== 0x49 || header[127] !== 0x4d) {
    throw reader.fault('this is not a little-endian MATLAB 5 file (save it with -v6 or -v7)', 124);
  }
  const found = new Map<string, MatlabMatrix>();
  const keep = (matrix: MatlabMatrix | undefined) => {
    if (matrix !== undefined) found.set(matrix.name, matrix);
  };
  while (reader.position < file.byteLength) {
    const start = reader.position;
    const { type, byteLength } = await readTag(reader);
    if (byteLength > file.byteLength - reader.position) {
      throw reader.fault(
        `this element says it has ${byteLength} bytes, but the file ends after ${file.byteLength - reader.position}`,
        start,
      );
    }
    const end = reader.position + byteLength;
    if (type === MI_MATRIX) keep(await readMatrix(reader, byteLength, wanted));
    else if (type === MI_COMPRESSED) {
      const content = inflate(reader.pieces(byteLength, 'a compressed variable'), file.path);
      const unit = `of the decompressed variable at byte ${start}`;
      const inner = new ByteReader(content, file.path, unit);
      try {
        const tag = await readTag(inner);
        if (tag.type !== MI_MATRIX) throw inner.fault(`element type ${tag.type} is not a matrix`, 0);
        keep(await readMatrix(inner, tag.byteLength, wanted));
        await inner.expectEnd();
      } finally {
        await inner.close();
      }
    } else throw reader.fault(`element type ${type} is neither a matrix nor compressed`, start);
    if (reader.position > end)
      throw reader.fault(`this element says it has ${byteLength} bytes, but its parts have more`, start);
    await reader.skip(end - reader.position, 'a variable');
  }
  return found;
}

interface Tag {
  readonly type: number;
  readonly byteLength: number;
  /** Small elements carry up to four bytes inside the tag. */
  readonly inside?: Uint8Array;
}

async function readTag(reader: ByteReader): Promise<Tag> {
  const bytes = new Uint8Array(8);
  await reader.read(bytes, 'the tag of a MATLAB element');
  const view = new DataView(bytes.buffer);
  const small = view.getUint16(2, true);
  if (small === 0) return { type: view.getUint32(0, true), byteLength: view.getUint32(4, true) };
  if (small > 4) throw reader.fault(`a small MATLAB element of ${small} bytes`, reader.position - 8);
  return { type: view.getUint16(0, true), byteLength: small, inside: bytes.subarray(4, 4 + small) };
}

/** Reads an element that must be short and returns its bytes. */
async function readShort(reader: ByteReader, what: string): Promise<Uint8Array> {
  const start = reader.position;
  const { byteLength, inside } = await readTag(reader);
  if (inside !== undefined) return inside;
  if (byteLength > 256) throw reader.fault(`${what} of ${byteLength} bytes is too long`, start);
  const bytes = new Uint8Array(byteLength);
  await reader.read(bytes, what);
  await reader.skip(padding(byteLength), what);
  return bytes;
}

/** Elements are padded to eight bytes. */
function padding(byteLength: number): number {
  return (8 - (byteLength % 8)) % 8;
}

/** Reads the body of a miMATRIX element; `undefined` when its name is not wanted. Always ends after its bytes. */
async function readMatrix(
  reader: ByteReader,
  byteLength: number,
  wanted: readonly string[],
): Promise<MatlabMatrix | undefined> {
  const start = reader.position;
  const flags = await readShort(reader, 'the array flags');
  const shapeBytes = await readShort(reader, 'the dimensions');
  const name = new TextDecoder().decode(await readShort(reader, 'the variable name'));
  const rest = () => byteLength - (reader.position - start);
  if (!wanted.includes(name)) {
    await reader.skip(Math.max(0, rest()), `variable '${name}'`);
    return undefined;
  }
  const arrayClass = flags[0] ?? 0;
  const isComplex = ((flags[1] ?? 0) & 8) !== 0;
  if (arrayClass < 6 || arrayClass > 13 || isComplex) {
    throw reader.fault(`variable '${name}' is not a full real matrix (array class ${arrayClass})`, start);
  }
  const shape = new DataView(shapeBytes.buffer, shapeBytes.byteOffset, shapeBytes.byteLength);
  const rows = shapeBytes.length === 8 ? shape.getInt32(0, true) : -1;
  const columns = shapeBytes.length === 8 ? shape.getInt32(4, true) : -1;
  const count = rows * columns;
  if (rows < 0 || columns < 0 || count > MOST_ELEMENTS) {
    throw reader.fault(
      `variable '${name}' has the dimensions ${rows} x ${columns}, which cannot be right`,
      start,
    );
  }
  const dataStart = reader.position;
  const tag = await readTag(reader);
  const type = numberTypes[tag.type];
  if (type === undefined || tag.byteLength !== count * type.bytes) {
    throw reader.fault(
      `variable '${name}' is ${rows} x ${columns} but its numbers are ${tag.byteLength} bytes of type ${tag.type}`,
      dataStart,
    );
  }
  const values = new Float64Array(count);
  if (tag.inside !== undefined) fill(values, 0, tag.inside, type);
  else {
    const buffer = new Uint8Array(8192);
    for (let done = 0; done < count; ) {
      const many = Math.min(count - done, buffer.length / type.bytes);
      const bytes = buffer.subarray(0, many * type.bytes);
      await reader.read(bytes, `variable '${name}'`);
      fill(values, done, bytes, type);
      done += many;
    }
  }
  await reader.skip(Math.max(0, rest()), `variable '${name}'`);
  return { name, rows, columns, values };
}

function fill(values: Float64Array, from: number, bytes: Uint8Array, type: NumberType): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i * type.bytes < bytes.length; i++) values[from + i] = type.read(view, i * type.bytes);
}
