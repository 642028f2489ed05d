import { MlmlError } from '../errors.js';

/** Number types of stored features and labels, all little-endian. */
export const dtypeBytes = { uint8: 1, int8: 1, int16: 2, float16: 2, float32: 4, float64: 8 } as const;

/** A number type of stored features and labels. */
export type Dtype = keyof typeof dtypeBytes;

export function parseDtype(text: string, option = '--dtype'): Dtype {
  if (Object.hasOwn(dtypeBytes, text)) return text as Dtype;
  throw new MlmlError(
    'MLML_USAGE',
    `${option}=${text}: is not a number type; choose one of ${Object.keys(dtypeBytes).join(', ')}`,
  );
}

/** The integer range of a dtype, or undefined for floats. */
export function integerRange(dtype: Dtype): readonly [number, number] | undefined {
  if (dtype === 'uint8') return [0, 255];
  if (dtype === 'int8') return [-128, 127];
  if (dtype === 'int16') return [-32768, 32767];
  return undefined;
}

/** Reads one number at a byte offset (no alignment needed). */
export function readNumber(view: DataView, offset: number, dtype: Dtype): number {
  switch (dtype) {
    case 'uint8':
      return view.getUint8(offset);
    case 'int8':
      return view.getInt8(offset);
    case 'int16':
      return view.getInt16(offset, true);
    case 'float16':
      return halfToNumber(view.getUint16(offset, true));
    case 'float32':
      return view.getFloat32(offset, true);
    case 'float64':
      return view.getFloat64(offset, true);
  }
}

/** Writes one number at a byte offset; the caller has checked that it fits. */
export function writeNumber(view: DataView, offset: number, dtype: Dtype, value: number): void {
  switch (dtype) {
    case 'uint8':
      return view.setUint8(offset, value);
    case 'int8':
      return view.setInt8(offset, value);
    case 'int16':
      return view.setInt16(offset, value, true);
    case 'float16':
      return view.setUint16(offset, numberToHalf(value), true);
    case 'float32':
      return view.setFloat32(offset, value, true);
    case 'float64':
      return view.setFloat64(offset, value, true);
  }
}

/** IEEE 754 binary16 to a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16, rounding to nearest, ties to even. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const scaled = size / unit;
  let steps = Math.floor(scaled);
  const rest = scaled - steps;
  if (rest > 0.5 || (rest === 0.5 && steps % 2 === 1)) steps++;
  // `steps` may be 2048 (log2 rounding or a carry): the addition below then carries into the exponent.
  return sign | (size < 2 ** -14 ? steps : ((exponent + 14) << 10) + steps);
}
