import { plainTileProduct, type TileProductKernels } from './tileProduct.js';

/**
 * Products of a tile with blocks of vectors as in `TileProductKernels`, in floats: v is rounded to float32 (each column
 * times a power of two of its own, so that its size does not matter), sums of at most 64 terms are floats, and these are
 * summed in doubles. The error of an element is at most 66·2⁻²⁴ times the sum of the sizes of its products. Tiles of
 * float64 are multiplied in doubles. Entries must be below 2⁶⁰ in size, or sums of floats overflow.
 * See assembly/tileProduct32.ts.
 */
export interface TileProduct32Kernels {
  addTileProduct32: TileProductKernels['addTileProduct'];
  addTransposedTileProduct32: TileProductKernels['addTransposedTileProduct'];
}

/** The reference does not round: its results are what the others are measured against. */
export function plainTileProduct32(buffer: SharedArrayBuffer): TileProduct32Kernels {
  const { addTileProduct, addTransposedTileProduct } = plainTileProduct(buffer);
  return { addTileProduct32: addTileProduct, addTransposedTileProduct32: addTransposedTileProduct };
}
