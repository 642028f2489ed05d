import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { PACK_ROWS } from '../../arithmetic/rowProducts.js';
import { panelBytes, sparseSums } from '../../arithmetic/sparseProducts.js';
import { type SparseDtype, sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import { alignUp } from '../../memory/plan.js';
import type { ThreadEnvironment } from '../../threads/threads.js';
import type { RowGeometry } from './blockEvaluator.js';
import { largestFeature, type Packing } from './evaluationPlan.js';
import type { BlockPair } from './packedRows.js';

const ALIGN = 64;

/** Bytes of the constants of a packing: its factors, where not all are 1, and where products are shifted, the means of its features. */
export function sparseConstantBytes({ shifted }: Packing, { layout: { d }, unscaled }: RowGeometry): number {
  if (unscaled === true) return 0;
  return alignUp(8 * d, ALIGN) * (shifted === true ? 2 : 1);
}

/** Bytes of a thread's own, beside its scratch: where rows of these packings are unpacked. They begin as 0 and end so. */
export function unpackingBytes(packings: readonly Packing[], { layout }: RowGeometry): number {
  const sparse = packings.filter(({ form }) => form === 'sparse');
  if (sparse.length === 0) return 0;
  const widest = Math.max(...sparse.map(({ element }) => dtypeBytes[element]));
  return alignUp(4 * layout.d, ALIGN) + alignUp(panelBytes(layout.d, layout.longest!, widest), ALIGN);
}

/**
 * One packing of sparse rows. A block of `capacity` rows is: how many nonzeros each has, their indices, their values, what the sum of each
 * row with itself is, and where products are of rows less their mean, its shift: x·μ − ‖μ‖²/2, so that
 * (x − μ)·(y − μ) = x·y − shift(x) − shift(y).
 */
export class SparsePackedRows {
  readonly packing: Packing;
  readonly #kernels: Kernels;
  readonly #geometry: RowGeometry;
  readonly #factors: number;
  readonly #means: number;
  readonly #halfSquare: number;
  readonly #map: number;
  readonly #panel: number;
  readonly #before: readonly { bytes(capacity: number): number }[];
  readonly #length: number;
  readonly #numberBytes: number;
  readonly #kind: number;
  readonly #numbers: Float32Array | Float64Array;

  /**
   * `constants`: address of `sparseConstantBytes` bytes, written by thread 0. `unpacking`: address of `unpackingBytes` bytes of this
   * thread. `before`: the packings that lie before this one in a block.
   */
  constructor(
    packing: Packing,
    geometry: RowGeometry,
    { buffer, kernels, thread }: ThreadEnvironment,
    constants: number,
    unpacking: number,
    before: readonly { bytes(capacity: number): number }[],
  ) {
    const { d, longest = 1 } = geometry.layout;
    this.packing = packing;
    this.#kernels = kernels;
    this.#geometry = geometry;
    this.#factors = packing.raw === true || geometry.unscaled === true ? 0 : constants;
    this.#means = constants + alignUp(8 * d, ALIGN);
    this.#map = unpacking;
    this.#panel = unpacking + alignUp(4 * d, ALIGN);
    this.#before = before;
    this.#length = longest;
    this.#numberBytes = dtypeBytes[packing.element];
    this.#kind = sparseSums.indexOf(packing.sum ?? 'product');
    this.#numbers = packing.element === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer);
    let square = 0;
    if (packing.shifted === true) for (const term of geometry.add) square += term * term;
    this.#halfSquare = square / 2;
    new Uint32Array(buffer, unpacking, d).fill(0);
    if (thread !== 0) return;
    if (this.#factors !== 0) new Float64Array(buffer, constants, d).set(geometry.multiply);
    if (packing.shifted === true) {
      const means = new Float64Array(buffer, this.#means, d);
      for (let j = 0; j < d; j++) means[j] = -geometry.add[j]!;
    }
  }

  bytes(capacity: number): number {
    const norms = alignUp(this.#numberBytes * capacity, ALIGN);
    const own = this.norms(0, capacity, 0) - this.#start(0, capacity);
    return own + norms * (this.packing.shifted === true ? 2 : 1);
  }

  #start(block: number, capacity: number): number {
    let start = block;
    for (const packing of this.#before) start += packing.bytes(capacity);
    return start;
  }

  #indices(block: number, capacity: number, first: number): number {
    return this.#start(block, capacity) + alignUp(4 * capacity, ALIGN) + 4 * first * this.#length;
  }

  #values(block: number, capacity: number, first: number): number {
    const indices = alignUp(4 * capacity * this.#length, ALIGN);
    return this.#indices(block, capacity, 0) + indices + this.#numberBytes * first * this.#length;
  }

  /** Address of the sums with themselves of the rows from `first`: squared norms, of rows less the mean where products are shifted. */
  norms(block: number, capacity: number, first: number): number {
    const values = alignUp(this.#numberBytes * capacity * this.#length, ALIGN);
    return this.#values(block, capacity, 0) + values + this.#numberBytes * first;
  }

  #shifts(block: number, capacity: number, first: number): number {
    return this.norms(block, capacity, 0) + alignUp(8 * capacity, ALIGN) + 8 * first;
  }

  /** See `BlockEvaluator.pack`. */
  pack(source: number, count: number, target: number, capacity: number, first: number): void {
    const { rowBytes, dtype } = this.#geometry.layout;
    const { packSparse32, packSparse64, sparseNorms32, sparseNorms64, sparseShifts64 } = this.#kernels;
    const single = this.packing.element === 'float32';
    const code = sparseDtypeCodes[dtype as SparseDtype];
    const most = largestFeature[this.packing.element];
    const lowest = this.packing.positive ? 0 : -most;
    const length = this.#length;
    for (let from = 0; from < count; from += PACK_ROWS) {
      const row = first + from;
      const counts = this.#start(target, capacity) + 4 * row;
      const indices = this.#indices(target, capacity, row);
      const values = this.#values(target, capacity, row);
      const norms = this.norms(target, capacity, row);
      const at = source + from * rowBytes;
      const rows = Math.min(PACK_ROWS, count - from);
      const pack = single ? packSparse32 : packSparse64;
      pack(at, rowBytes, rows, code, this.#factors, lowest, most, counts, indices, values, length);
      (single ? sparseNorms32 : sparseNorms64)(this.#kind, counts, values, length, norms);
      if (this.packing.shifted !== true) continue;
      const shifts = this.#shifts(target, capacity, row);
      sparseShifts64(counts, indices, values, length, this.#means, this.#halfSquare, shifts);
      // As a product with itself is shifted, to the bit.
      for (let r = 0; r < PACK_ROWS; r++) {
        const shift = this.#numbers[shifts / 8 + r]!;
        this.#numbers[norms / 8 + r]! -= shift + shift;
      }
    }
  }

  /** The sums of all pairs into a plane; see `BlockPair`. */
  sums(pair: BlockPair, plane: number): void {
    const { a, aCapacity, aFrom, rows, b, bCapacity, bFrom, columns, stride } = pair;
    const { sparseProducts32, sparseProducts64, shiftPlane64 } = this.#kernels;
    const multiply = this.packing.element === 'float32' ? sparseProducts32 : sparseProducts64;
    multiply(
      this.#kind,
      this.#start(a, aCapacity) + 4 * aFrom,
      this.#indices(a, aCapacity, aFrom),
      this.#values(a, aCapacity, aFrom),
      rows,
      this.#start(b, bCapacity) + 4 * bFrom,
      this.#indices(b, bCapacity, bFrom),
      this.#values(b, bCapacity, bFrom),
      columns,
      this.#length,
      this.#map,
      this.#panel,
      plane,
      stride,
    );
    if (this.packing.shifted !== true) return;
    shiftPlane64(plane, this.#shifts(a, aCapacity, aFrom), this.#shifts(b, bCapacity, bFrom), rows, stride);
  }
}
