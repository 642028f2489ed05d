import { type Dtype, dtypeBytes, readNumber } from '../../../arithmetic/dtype.js';

export type Numbers = Float64Array | Float32Array | Int16Array | Int8Array | Uint8Array;

function arrayFor(dtype: Dtype, length: number): Numbers {
  switch (dtype) {
    case 'uint8':
      return new Uint8Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'int16':
      return new Int16Array(length);
    // Every half is a float.
    case 'float16':
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
  }
}

/** Numbers from pieces of base64, each of which holds whole numbers. */
export function decodeNumbers(pieces: readonly string[], dtype: Dtype, length: number): Numbers {
  const numbers = arrayFor(dtype, length);
  const size = dtypeBytes[dtype];
  let at = 0;
  for (const piece of pieces) {
    const letters = atob(piece);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length; i += size) numbers[at++] = readNumber(view, i, dtype);
  }
  if (at !== length) throw new Error(`the file has ${at} numbers where ${length} belong: it is damaged`);
  return numbers;
}
