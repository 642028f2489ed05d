import { halfToNumber, numberToHalf } from '../../arithmetic/dtype.js';
import type { TileDtype } from '../functions/kernelFunction.js';

/** The entries of one number type in a block of memory; entry i lies at byte i·(bytes of the type). */
export interface Entries {
  get(index: number): number;
  set(index: number, value: number): void;
}

const FINEST_HALF = 2 ** -14;

export function entriesOf(buffer: ArrayBufferLike, dtype: TileDtype): Entries {
  if (dtype === 'float16') {
    const halves = new Uint16Array(buffer);
    const word = new Uint32Array(1);
    const float = new Float32Array(word.buffer);
    return {
      get(index) {
        const bits = halves[index]!;
        const size = bits & 0x7fff;
        if (size >= 0x7c00 || size < 0x400) return halfToNumber(bits);
        word[0] = (size << 13) + 0x38000000;
        return bits & 0x8000 ? -float[0]! : float[0]!;
      },
      set(index, value) {
        float[0] = value;
        const size = Math.abs(value);
        if (float[0] !== value || size < FINEST_HALF || size > 65504) {
          halves[index] = numberToHalf(value);
          return;
        }
        // A float: rounded to the nearest, ties to even, by its bits.
        const bits = word[0]!;
        const rounded = (bits & 0x7fffffff) - 0x38000000 + 0xfff + ((bits >>> 13) & 1);
        halves[index] = ((bits >>> 16) & 0x8000) | (rounded >>> 13);
      },
    };
  }
  const numbers = dtype === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer);
  return {
    get: (index) => numbers[index]!,
    set(index, value) {
      numbers[index] = value;
    },
  };
}
