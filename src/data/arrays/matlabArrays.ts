import type { Dtype } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { ByteReader } from '../import/byteReader.js';
import { inflate } from '../import/decompress.js';
import type { SourceFile } from '../import/sourceFiles.js';
import { type ByteSource, bytesOfFile } from './byteSource.js';
import { readElement, readTag } from './matlabElements.js';
import type { NamedArrays } from './namedArrays.js';
import { keptAs, type NumberType, numberType } from './numberType.js';
import { NumericArray } from './numericArray.js';

const HEADER_BYTES = 128;
const TAG_BYTES = 8;
const MI_MATRIX = 14;
const MI_COMPRESSED = 15;
const MOST_VARIABLES = 10_000;

const numberTypes: Readonly<Record<number, NumberType>> = {
  1: numberType('int', 1, true)!,
  2: numberType('uint', 1, true)!,
  3: numberType('int', 2, true)!,
  4: numberType('uint', 2, true)!,
  5: numberType('int', 4, true)!,
  6: numberType('uint', 4, true)!,
  7: numberType('float', 4, true)!,
  9: numberType('float', 8, true)!,
  12: numberType('int', 8, true)!,
  13: numberType('uint', 8, true)!,
};

/** Classes of arrays of numbers, and what their values are kept as. */
const classDtypes: Readonly<Record<number, Dtype>> = {
  6: 'float64',
  7: 'float32',
  8: 'int8',
  9: 'uint8',
  10: 'int16',
  11: 'float32',
  12: 'float64',
  13: 'float64',
  14: 'float64',
  15: 'float64',
};

/** Which types, beside their own, the numbers of a class may be stored as without loss. */
const smaller: Partial<Record<Dtype, readonly string[]>> = {
  int16: ['int8', 'uint8'],
  float32: ['int8', 'uint8', 'int16', 'uint16'],
};

/** MATLAB stores whole numbers in few bytes whatever the class; they are of the class all the same. */
function ofClass(type: NumberType, dtype: Dtype): NumberType {
  const fits = dtype === 'float64' || smaller[dtype]?.includes(type.name) === true;
  return fits ? keptAs(type, dtype) : type;
}

/** Where a variable lies: its miMATRIX element, or the compressed element around it. */
interface Variable {
  readonly start: number;
  readonly byteLength: number;
  readonly isCompressed: boolean;
}

/** The variables of a MATLAB 5 file (saved with -v6 or -v7), by name; of two of the same name the later. */
export async function matlabArrays(file: SourceFile): Promise<NamedArrays> {
  await checkHeader(file);
  const found = new Map<string, Variable>();
  for (let start = HEADER_BYTES; start < file.byteLength; ) {
    const reader = new ByteReader(file.chunks(start), file.path, '', start);
    const { type, byteLength } = await readTag(reader);
    await reader.close();
    const left = file.byteLength - start - TAG_BYTES;
    if (byteLength > left) {
      throw reader.fault(
        `this element says it has ${byteLength} bytes, but the file ends after ${left}`,
        start,
      );
    }
    if (type !== MI_MATRIX && type !== MI_COMPRESSED)
      throw reader.fault(`element type ${type} is neither a matrix nor compressed`, start);
    if (found.size === MOST_VARIABLES)
      throw reader.fault(`there are more than ${MOST_VARIABLES} variables`, start);
    const variable = { start, byteLength, isCompressed: type === MI_COMPRESSED };
    found.set((await readVariable(file, variable, false)).name, variable);
    start += TAG_BYTES + byteLength;
  }
  return {
    path: file.path,
    names: [...found.keys()],
    open: async (name) => (await readVariable(file, found.get(name)!, true)).array!,
  };
}

async function checkHeader(file: SourceFile): Promise<void> {
  const reader = new ByteReader(file.chunks(), file.path);
  const header = new Uint8Array(HEADER_BYTES);
  await reader.read(header, 'the header of a MATLAB 5 file');
  await reader.close();
  const text = new TextDecoder('latin1').decode(header);
  if (text.startsWith('MATLAB 7.3') || text.startsWith('\x89HDF'))
    throw reader.fault('this is a MATLAB 7.3 file (HDF5); save it with -v7', 0);
  if (header[124] !== 0 || header[125] !== 1 || header[126] !== 0x49 || header[127] !== 0x4d) {
    throw reader.fault('this is not a little-endian MATLAB 5 file (save it with -v6 or -v7)', 124);
  }
}

/** The bytes of a matrix element, its tag included. */
function elementBytes(file: SourceFile, { start, byteLength, isCompressed }: Variable): ByteSource {
  if (!isCompressed) return bytesOfFile(file, start, TAG_BYTES + byteLength);
  const packed = bytesOfFile(file, start + TAG_BYTES, byteLength);
  return {
    name: file.path,
    unit: `of the decompressed variable at byte ${start}`,
    origin: 0,
    byteLength: Number.MAX_SAFE_INTEGER,
    chunks: () => inflate(packed.chunks(), file.path),
  };
}

/** Reads the beginning of a variable: its name and, when `whole`, where its numbers lie. */
async function readVariable(
  file: SourceFile,
  variable: Variable,
  whole: boolean,
): Promise<{ name: string; array?: NumericArray }> {
  const bytes = elementBytes(file, variable);
  const reader = new ByteReader(bytes.chunks(), bytes.name, bytes.unit, bytes.origin);
  try {
    const tag = await readTag(reader);
    if (tag.type !== MI_MATRIX) throw reader.fault(`element type ${tag.type} is not a matrix`, bytes.origin);
    const end = reader.position + tag.byteLength;
    const flags = await readElement(reader, 'the array flags');
    const shape = await readElement(reader, 'the dimensions');
    const name = new TextDecoder().decode(await readElement(reader, 'the variable name'));
    if (!whole) return { name };
    const fault = (what: string) => reader.fault(`variable '${name}' ${what}`, bytes.origin);
    const arrayClass = flags[0] ?? 0;
    const dtype = classDtypes[arrayClass];
    const isComplex = ((flags[1] ?? 0) & 8) !== 0;
    if (dtype === undefined || isComplex)
      throw fault(`is not a full real matrix (array class ${arrayClass}${isComplex ? ', complex' : ''})`);
    if (shape.length !== 8) throw fault(`has ${shape.length / 4} dimensions; a matrix is needed`);
    const sizes = new DataView(shape.buffer, shape.byteOffset, shape.byteLength);
    const rows = sizes.getInt32(0, true);
    const columns = sizes.getInt32(4, true);
    const dataStart = reader.position;
    const data = await readTag(reader);
    const type = numberTypes[data.type];
    if (type === undefined || rows < 0 || columns < 0 || data.byteLength !== rows * columns * type.bytes) {
      throw reader.fault(
        `variable '${name}' is ${rows} x ${columns} but its numbers are ${data.byteLength} bytes of type ${data.type}`,
        dataStart,
      );
    }
    // A small element has its bytes in the tag.
    const start = (data.inside === undefined ? reader.position : dataStart + 4) - bytes.origin;
    const last = bytes.origin + start + data.byteLength;
    if (last > end) throw fault(`says it has ${tag.byteLength} bytes, but its parts have more`);
    const title = `${file.path} (${name})`;
    const stored = {
      bytes: upTo(bytes, start + data.byteLength, end - bytes.origin, title),
      start,
      type: ofClass(type, dtype),
      columnOrder: true,
    };
    return { name, array: new NumericArray(title, [rows, columns], stored) };
  } finally {
    await reader.close();
  }
}

/** The first `byteLength` of `total` bytes; the others are read too, so that a compressed variable is checked to its end. */
function upTo(bytes: ByteSource, byteLength: number, total: number, title: string): ByteSource {
  return {
    ...bytes,
    byteLength,
    async *chunks() {
      let done = 0;
      for await (const chunk of bytes.chunks()) {
        const left = byteLength - done;
        done += chunk.length;
        if (left > 0) yield chunk.length > left ? chunk.subarray(0, left) : chunk;
      }
      // Of variables that are not compressed, what follows is the next.
      if (bytes.readInto === undefined && done !== total)
        throw new MlmlError(
          'MLML_BAD_FILE',
          `${title}: is ${done} bytes long when decompressed, not ${total} as it says; the file is damaged`,
        );
    },
  };
}
