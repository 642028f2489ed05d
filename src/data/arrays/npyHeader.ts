import { MlmlError } from '../../errors.js';
import { type NumberType, numberType } from './numberType.js';

/** What stands before the numbers of a NumPy file. */
export interface NpyHeader {
  readonly type: NumberType;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Bytes before the first number. */
  readonly start: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy itself refuses headers of more than 10 000 bytes. */
const LONGEST_HEADER = 2 ** 16;
const MOST_DIMENSIONS = 32;

const kinds: Readonly<Record<string, Parameters<typeof numberType>[0]>> = {
  f: 'float',
  i: 'int',
  u: 'uint',
  b: 'bool',
};

/**
 * Reads the header of a NumPy file (`numpy.save`, formats 1 to 3). `read` fills its target with the next bytes, from the first
 * of the file on. Anything but an array of real numbers is `MLML_BAD_FILE`.
 */
export async function readNpyHeader(
  name: string,
  read: (target: Uint8Array, what: string) => Promise<void>,
): Promise<NpyHeader> {
  const bad = (what: string) => new MlmlError('MLML_BAD_FILE', `${name}: ${what}`);
  const prefix = new Uint8Array(10);
  await read(prefix, 'the first bytes of a NumPy file');
  if (!MAGIC.every((byte, i) => prefix[i] === byte)) throw bad('is not a NumPy file');
  const version = prefix[6]!;
  if (version < 1 || version > 3) throw bad(`is of NumPy format ${version}.${prefix[7]}, which is not known`);
  // Format 1 has a u16 length; 2 and 3 a u32.
  const rest = new Uint8Array(version === 1 ? 0 : 2);
  await read(rest, 'the length of the NumPy header');
  const length = [prefix[8]!, prefix[9]!, ...rest].reduceRight((value, byte) => value * 256 + byte, 0);
  if (length > LONGEST_HEADER)
    throw bad(`has a header of ${length} bytes; a few hundred are enough for an array of numbers`);
  const bytes = new Uint8Array(length);
  await read(bytes, 'the NumPy header');
  const header = new TextDecoder('latin1').decode(bytes);
  const field = (pattern: RegExp) => pattern.exec(header)?.[1] ?? '';
  const order = field(/['"]fortran_order['"]:\s*(True|False)/);
  const shape = field(/['"]shape['"]:\s*\(([-\d\s,L]*)\)/);
  if (order === '' || !/['"]shape['"]:\s*\(/.test(header))
    throw bad('has a damaged header, without shape or order');
  const sizes = shape.split(',').filter((part) => part.trim() !== '');
  if (sizes.length > MOST_DIMENSIONS) throw bad(`has ${sizes.length} dimensions`);
  return {
    type: typeOf(field(/['"]descr['"]:\s*['"]([^'"]*)['"]/), bad),
    fortranOrder: order === 'True',
    shape: sizes.map((size) => sizeOf(size.trim(), bad)),
    start: prefix.length + rest.length + length,
  };
}

function sizeOf(text: string, bad: (what: string) => MlmlError): number {
  const size = Number(text.replace(/L$/, ''));
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw bad(`has a shape with the size ${shown(text)}; sizes are whole numbers from 0 to 2^53`);
}

function typeOf(descr: string, bad: (what: string) => MlmlError): NumberType {
  const [, order, kind = '', bytes] = /^([<>|=]?)([a-zA-Z])(\d{1,2})$/.exec(descr.trim()) ?? [];
  const known = Object.hasOwn(kinds, kind)
    ? numberType(kinds[kind]!, Number(bytes), order !== '>')
    : undefined;
  if (known !== undefined) return known;
  const what = descr === '' ? 'holds records of several fields' : `has numbers of type '${shown(descr)}'`;
  throw bad(`${what}; it must be one of bool, int8 to int64, uint8 to uint64, float16, float32, float64`);
}

const shown = (text: string) => (text.length > 20 ? `${text.slice(0, 20)}…` : text);
