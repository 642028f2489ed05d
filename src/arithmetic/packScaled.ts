import { PACK_ROWS } from './rowProducts.js';

/** Scaling and packing of stored rows in one go; see assembly/packScaled.ts. */
export interface PackScaledKernels {
  /**
   * Packs the 16 rows of d floats at `source`, `rowBytes` apart, into rows [first, first + 16) of a block of floats
   * (rowProducts.ts); `first` is a multiple of 16. Scaled by the d factors and d terms, doubles, at `scaling`, as `gather32Of` does,
   * then moved into [−limit, limit].
   */
  packScaledRows32(
    source: number,
    rowBytes: number,
    first: number,
    d: number,
    scaling: number,
    limit: number,
    target: number,
  ): void;
}

export function plainPackScaled(buffer: SharedArrayBuffer): PackScaledKernels {
  const view = new DataView(buffer);
  const floats = new Float32Array(buffer);
  return {
    packScaledRows32(source, rowBytes, first, d, scaling, limit, target) {
      const vector = new Float64Array(buffer, scaling, 2 * d);
      for (let r = 0; r < PACK_ROWS; r++) {
        const to = target / 4 + (first + r) * d;
        for (let j = 0; j < d; j++) {
          const x = view.getFloat32(source + r * rowBytes + 4 * j, true);
          const y = Math.fround(x * vector[j]! + vector[d + j]!);
          floats[to + j] = Math.max(Math.min(y, limit), -limit);
        }
      }
    },
  };
}
