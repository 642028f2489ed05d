import { type Dtype, dtypeBytes, halfToNumber, readNumber, writeNumber } from '../../arithmetic/dtype.js';

/** How numbers are stored in a file that another program wrote. */
export interface NumberType {
  /** `int64`, `float32 (big-endian)`. */
  readonly name: string;
  readonly bytes: number;
  /** The number type of rows that holds every one of its values (of 64-bit integers, those that a double holds). */
  readonly dtype: Dtype;
  /** The bytes are those of `dtype` as they stand. */
  readonly same: boolean;
  /** A value at a byte offset; of a 64-bit integer the nearest double. */
  read(view: DataView, offset: number): number;
  /** Whether a value is the one that `read` gives. Absent: always. */
  exact?(view: DataView, offset: number): boolean;
}

type Kind = 'int' | 'uint' | 'float' | 'bool';

/** The type of `bytes` bytes, or undefined for one that there is not (16-byte floats, say). */
export function numberType(kind: Kind, bytes: number, littleEndian: boolean): NumberType | undefined {
  const name = kind === 'bool' ? 'bool' : `${kind}${8 * bytes}`;
  const little = littleEndian || bytes === 1;
  const title = little ? name : `${name} (big-endian)`;
  if (Object.hasOwn(dtypeBytes, name) && little) {
    const dtype = name as Dtype;
    return { name, bytes, dtype, same: true, read: (view, at) => readNumber(view, at, dtype) };
  }
  const other = others[name];
  return other === undefined
    ? undefined
    : {
        name: title,
        bytes,
        dtype: other.dtype,
        same: false,
        read: (view, at) => other.read(view, at, little),
        ...(other.read64 === undefined ? {} : { exact: isExact(other.read64, little) }),
      };
}

interface Other {
  readonly dtype: Dtype;
  readonly read: (view: DataView, at: number, little: boolean) => number;
  readonly read64?: (view: DataView, at: number, little: boolean) => bigint;
}

const big = 2 ** 32;
const others: Readonly<Record<string, Other>> = {
  bool: { dtype: 'uint8', read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  int16: { dtype: 'int16', read: (view, at, little) => view.getInt16(at, little) },
  uint16: { dtype: 'float32', read: (view, at, little) => view.getUint16(at, little) },
  int32: { dtype: 'float64', read: (view, at, little) => view.getInt32(at, little) },
  uint32: { dtype: 'float64', read: (view, at, little) => view.getUint32(at, little) },
  int64: {
    dtype: 'float64',
    read: (view, at, little) =>
      view.getInt32(at + (little ? 4 : 0), little) * big + view.getUint32(at + (little ? 0 : 4), little),
    read64: (view, at, little) => view.getBigInt64(at, little),
  },
  uint64: {
    dtype: 'float64',
    read: (view, at, little) =>
      view.getUint32(at + (little ? 4 : 0), little) * big + view.getUint32(at + (little ? 0 : 4), little),
    read64: (view, at, little) => view.getBigUint64(at, little),
  },
  float16: { dtype: 'float16', read: (view, at, little) => halfToNumber(view.getUint16(at, little)) },
  float32: { dtype: 'float32', read: (view, at, little) => view.getFloat32(at, little) },
  float64: { dtype: 'float64', read: (view, at, little) => view.getFloat64(at, little) },
};

function isExact(read64: NonNullable<Other['read64']>, little: boolean): NonNullable<NumberType['exact']> {
  return (view, at) => {
    const value = read64(view, at, little);
    return BigInt(Number(value)) === value;
  };
}

/** The same bytes, whose values are kept as `dtype`: MATLAB stores doubles that are small whole numbers as bytes. */
export function keptAs(type: NumberType, dtype: Dtype): NumberType {
  return type.dtype === dtype ? type : { ...type, dtype, same: false };
}

/**
 * Converts `count` numbers to `type.dtype`, from and to the byte offsets given. Returns the index of the first 64-bit integer
 * that no double equals, or −1.
 */
export function decodeNumbers(
  type: NumberType,
  source: DataView,
  from: number,
  target: DataView,
  to: number,
  count: number,
): number {
  const { bytes, dtype } = type;
  const step = dtypeBytes[dtype];
  for (let i = 0; i < count; i++) {
    const value = type.read(source, from + i * bytes);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER && type.exact?.(source, from + i * bytes) === false)
      return i;
    writeNumber(target, to + i * step, dtype, value);
  }
  return -1;
}
