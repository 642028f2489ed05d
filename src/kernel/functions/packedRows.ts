import { dtypeBytes } from '../../arithmetic/dtype.js';
import { gather32Of, gather64Of, scalingBytes, writeScaling } from '../../arithmetic/gather.js';
import type { Kernels } from '../../arithmetic/kernels.js';
import { PACK_ROWS, packedRowsBytes } from '../../arithmetic/rowProducts.js';
import { alignUp } from '../../memory/plan.js';
import type { ThreadEnvironment } from '../../threads/threads.js';
import type { RowGeometry } from './blockEvaluator.js';
import { largestFeature, type Packing } from './evaluationPlan.js';

/** Rows of one packing: `rows` of block a from `aFrom` against `columns` of block b from `bFrom`. */
export interface BlockPair {
  a: number;
  aCapacity: number;
  aFrom: number;
  rows: number;
  b: number;
  bCapacity: number;
  bFrom: number;
  columns: number;
  /** Numbers from one row of a plane to the next, a multiple of 8. */
  stride: number;
}

/** Features that are packed together: their rows, as floats, stay in the thread's scratch. */
interface Chunk {
  readonly first: number;
  readonly d: number;
  /** d and the zeros behind, that the kernels want. */
  readonly stride: number;
  /** Byte offset of its scaling among the constants of the packing. */
  readonly constants: number;
}

/** Most features of a chunk: 16 rows of 1024 doubles are half of a thread's scratch. */
const MOST_FEATURES = 1024;
const ALIGN = 64;

function chunksOf({ form, element }: Packing, { layout: { d, dtype } }: RowGeometry): Chunk[] {
  if (form === 'bytes') return [];
  const bits = element === 'float32' ? 32 : 64;
  // Rows that no product is taken of are gathered in place, whole.
  const whole = form === 'rows' || form === 'bare';
  const most = whole ? d : MOST_FEATURES;
  const length = alignUp(Math.ceil(d / Math.ceil(d / most)), 16);
  const chunks: Chunk[] = [];
  let constants = 0;
  for (let first = 0; first < d; first += length) {
    const count = Math.min(length, d - first);
    const vectors = form !== 'bare' && (whole || dtype === 'uint8');
    const stride = vectors ? alignUp(count, 16) : count;
    chunks.push({ first, d: count, stride, constants });
    constants += alignUp(scalingBytes(count, stride, dtype, bits), ALIGN);
  }
  return chunks;
}

/** Bytes of the constants of a packing: the scaling of its rows. */
export function constantBytes(packing: Packing, geometry: RowGeometry): number {
  const last = chunksOf(packing, geometry).at(-1);
  if (last === undefined) return 0;
  const bits = packing.element === 'float32' ? 32 : 64;
  return last.constants + alignUp(scalingBytes(last.d, last.stride, geometry.layout.dtype, bits), ALIGN);
}

/**
 * One packing of the rows of blocks. A block of `capacity` rows is: its rows (in chunks of features, each packed by
 * itself), their squared norms as numbers of the work type, and for bytes the same as exact i32.
 * The forms 'rows' and 'bare' have no norms.
 */
export class PackedRows {
  readonly packing: Packing;
  readonly chunks: number;
  readonly #geometry: RowGeometry;
  readonly #kernels: Kernels;
  readonly #scratch: number;
  readonly #constants: number;
  readonly #before: readonly { bytes(capacity: number): number }[];
  readonly #chunks: readonly Chunk[];
  readonly #numberBytes: number;
  readonly #numbers: Float32Array | Float64Array;
  readonly #integers: Int32Array;

  /**
   * `constants`: address of `constantBytes` bytes, written by thread 0. `before`: the packings that lie before this one
   * in a block.
   */
  constructor(
    packing: Packing,
    geometry: RowGeometry,
    environment: ThreadEnvironment,
    constants: number,
    before: readonly { bytes(capacity: number): number }[],
  ) {
    const { buffer, kernels, scratch, thread } = environment;
    this.packing = packing;
    this.#geometry = geometry;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#constants = constants;
    this.#before = before;
    this.#chunks = chunksOf(packing, geometry);
    this.chunks = Math.max(1, this.#chunks.length);
    const single = packing.element === 'float32';
    this.#numberBytes = single ? 4 : 8;
    this.#numbers = single ? new Float32Array(buffer) : new Float64Array(buffer);
    this.#integers = new Int32Array(buffer);
    if (thread !== 0) return;
    for (const { first, d, stride, constants: offset } of this.#chunks) {
      const part = <T extends Float64Array>(vector: T) => vector.subarray(first, first + d);
      const mean = part(geometry.mean);
      const add = part(geometry.add).map((term, j) => (packing.centred ? term - mean[j]! : term));
      const scaling = { multiply: part(geometry.multiply), add };
      writeScaling(buffer, constants + offset, stride, geometry.layout.dtype, single ? 32 : 64, scaling);
    }
  }

  get #hasNorms(): boolean {
    return this.packing.form === 'bytes' || this.packing.form === 'products';
  }

  /** Features of a row of the forms 'rows' and 'bare', with the zeros behind. */
  get rowStride(): number {
    return this.#chunks[0]!.stride;
  }

  #chunkBytes(chunk: Chunk, capacity: number): number {
    if (!this.#hasNorms) return alignUp(capacity * chunk.stride * this.#numberBytes, ALIGN);
    return alignUp(packedRowsBytes(this.packing.element, chunk.stride, capacity), ALIGN);
  }

  #rowsBytes(capacity: number): number {
    const { form } = this.packing;
    if (form === 'bytes') return alignUp(packedRowsBytes('bytes', this.#geometry.layout.d, capacity), ALIGN);
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += this.#chunkBytes(chunk, capacity);
    return bytes;
  }

  bytes(capacity: number): number {
    const { form } = this.packing;
    const norms = this.#hasNorms ? capacity * this.#numberBytes : 0;
    return alignUp(this.#rowsBytes(capacity) + norms + (form === 'bytes' ? 4 * capacity : 0), ALIGN);
  }

  /** Where this packing begins in a block. */
  #start(block: number, capacity: number): number {
    let start = block;
    for (const packing of this.#before) start += packing.bytes(capacity);
    return start;
  }

  /** Address of the squared norms, as numbers of the work type, of the rows from `first`. */
  norms(block: number, capacity: number, first: number): number {
    return this.#start(block, capacity) + this.#rowsBytes(capacity) + first * this.#numberBytes;
  }

  /** Address of the exact squared norms of rows of bytes. */
  integerNorms(block: number, capacity: number, first: number): number {
    return this.norms(block, capacity, capacity) + 4 * first;
  }

  /** Address of a row of the forms 'rows' and 'bare'. */
  row(block: number, capacity: number, first: number): number {
    return this.#start(block, capacity) + first * this.rowStride * this.#numberBytes;
  }

  /** See `BlockEvaluator.pack`. */
  pack(source: number, count: number, target: number, capacity: number, first: number): void {
    for (let from = 0; from < count; from += PACK_ROWS) {
      const rows = Math.min(PACK_ROWS, count - from);
      const at = source + from * this.#geometry.layout.rowBytes;
      this.#packPanel(at, rows, target, capacity, first + from);
    }
  }

  #packPanel(source: number, count: number, target: number, capacity: number, first: number): void {
    const start = this.#start(target, capacity);
    const { form } = this.packing;
    const { layout } = this.#geometry;
    if (form === 'bytes') {
      const signed = layout.dtype === 'int8' ? 1 : 0;
      this.#kernels.packByteRows(source, layout.rowBytes, first, count, layout.d, signed, start, capacity);
    } else if (!this.#hasNorms) {
      const chunk = this.#chunks[0]!;
      const at = this.row(target, capacity, first);
      this.#gather(chunk, source, count, at);
      this.#numbers.fill(
        0,
        at / this.#numberBytes + count * chunk.stride,
        at / this.#numberBytes + PACK_ROWS * chunk.stride,
      );
      return;
    } else {
      let block = start;
      for (const chunk of this.#chunks) {
        if (this.#packsAtOnce && count === PACK_ROWS) this.#packScaled(chunk, source, first, block);
        else {
          this.#gather(chunk, source, count, this.#scratch);
          this.#packFloats(chunk, first, count, block, capacity);
        }
        block += this.#chunkBytes(chunk, capacity);
      }
    }
    this.#writeNorms(target, capacity, first);
  }

  /** Floats to floats: what most rows of floats are. */
  get #packsAtOnce(): boolean {
    const { element, positive } = this.packing;
    return element === 'float32' && !positive && this.#geometry.layout.dtype === 'float32';
  }

  #packScaled(chunk: Chunk, source: number, first: number, block: number): void {
    const { rowBytes } = this.#geometry.layout;
    const base = source + 4 * chunk.first;
    const scaling = this.#constants + chunk.constants;
    const limit = largestFeature.float32;
    this.#kernels.packScaledRows32(base, rowBytes, first, chunk.d, scaling, limit, block);
  }

  #gather(chunk: Chunk, source: number, count: number, target: number): void {
    const { layout } = this.#geometry;
    const { element, positive } = this.packing;
    const gather = (element === 'float32' ? gather32Of : gather64Of)(this.#kernels, layout.dtype);
    const base = source + chunk.first * dtypeBytes[layout.dtype];
    gather(
      base,
      layout.rowBytes,
      0,
      0,
      count,
      chunk.d,
      chunk.stride,
      this.#constants + chunk.constants,
      target,
    );
    const clamp = element === 'float32' ? this.#kernels.clamp32 : this.#kernels.clamp64;
    const most = largestFeature[element];
    clamp(target, count * chunk.stride, positive ? 0 : -most, most);
  }

  #packFloats(chunk: Chunk, first: number, count: number, block: number, capacity: number): void {
    const { packFloatRows32, packFloatRows64 } = this.#kernels;
    const pack = this.packing.element === 'float32' ? packFloatRows32 : packFloatRows64;
    pack(this.#scratch, first, count, chunk.stride, block, capacity);
  }

  /** To the bit the products of rows with themselves: then the squared distance of equal rows is 0. */
  #writeNorms(block: number, capacity: number, first: number): void {
    const target = this.norms(block, capacity, first);
    const kernels = this.#kernels;
    let rows = this.#start(block, capacity);
    if (this.packing.form === 'bytes') {
      const exact = this.integerNorms(block, capacity, first);
      kernels.byteNorms(rows, capacity, first, this.#geometry.layout.d, exact);
      const [from, to] = [exact / 4, target / this.#numberBytes];
      for (let r = 0; r < PACK_ROWS; r++) this.#numbers[to + r] = this.#integers[from + r]!;
      return;
    }
    const norms = this.packing.element === 'float32' ? kernels.floatNorms32 : kernels.floatNorms64;
    for (let index = 0; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!;
      norms(rows, first, chunk.stride, target, Math.min(index, 1));
      rows += this.#chunkBytes(chunk, capacity);
    }
  }

  /**
   * x·y of all pairs into a plane: numbers of the work type, or for bytes i32 where `byteDistances…` expects them. With
   * more than one chunk of features, `spare` is a second plane.
   */
  products(pair: BlockPair, plane: number, spare: number): void {
    const { aCapacity, aFrom, rows, bCapacity, bFrom, columns, stride } = pair;
    let a = this.#start(pair.a, aCapacity);
    let b = this.#start(pair.b, bCapacity);
    const kernels = this.#kernels;
    const count = alignUp(rows, 4) * stride;
    if (this.packing.form === 'bytes') {
      const to = plane + (this.#numberBytes - 4) * count;
      const { d } = this.#geometry.layout;
      kernels.byteProducts(a, aCapacity, aFrom, rows, b, bCapacity, bFrom, columns, d, to, stride);
      return;
    }
    const single = this.packing.element === 'float32';
    const multiply = single ? kernels.floatProducts32 : kernels.floatProducts64;
    const add = single ? kernels.addPlane32 : kernels.addPlane64;
    for (let index = 0; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!;
      const to = index === 0 ? plane : spare;
      multiply(a, aCapacity, aFrom, rows, b, bCapacity, bFrom, columns, chunk.stride, to, stride);
      if (index > 0) add(spare, plane, count);
      a += this.#chunkBytes(chunk, aCapacity);
      b += this.#chunkBytes(chunk, bCapacity);
    }
  }
}
