import type { Kernels } from '../../arithmetic/kernels.js';
import { recordWords, type SparseDtype, sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import type { Random } from '../../memory/random.js';
import type { ScratchFile } from '../shuffle/scratchFile.js';
import type { SparseShufflePlan } from './planSparseShuffle.js';

const NO_CHUNK = 0xffffffff;

/**
 * Buckets of rows of any length on disk. Each row goes to one at random; a bucket is a stream of bytes, collected in a slot of memory
 * and written in chunks that are chained, so that the scratch file is written front to back. Lies in the regions 'shuffle buckets'
 * (cursors, limits, first and last chunks, rows, bytes), 'shuffle chains', 'shuffle slots'.
 */
export class SparseBuckets {
  readonly count: number;
  readonly #plan: SparseShufflePlan;
  readonly #dtype: SparseDtype;
  readonly #file: ScratchFile;
  readonly #kernels: Kernels;
  readonly #memory: Uint8Array;
  readonly #words: Uint32Array;
  readonly #cursors: Uint32Array;
  readonly #limits: Uint32Array;
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #bytes: Float64Array;
  readonly #chains: Uint32Array;
  readonly #slots: number;
  readonly #draws: Uint32Array;
  #chunks = 0;
  #random!: Random;

  constructor(
    plan: SparseShufflePlan,
    dtype: SparseDtype,
    file: ScratchFile,
    arena: Arena,
    kernels: Kernels,
  ) {
    this.#plan = plan;
    this.#dtype = dtype;
    this.#file = file;
    this.#kernels = kernels;
    this.#memory = new Uint8Array(arena.buffer);
    this.#words = new Uint32Array(arena.buffer);
    const { buckets } = plan;
    this.count = buckets;
    const table = arena.address('shuffle buckets');
    // The doubles first, where they are aligned.
    this.#bytes = new Float64Array(arena.buffer, table, buckets);
    const list = (number: number) =>
      new Uint32Array(arena.buffer, table + 8 * buckets + 4 * number * buckets, buckets);
    this.#cursors = list(0);
    this.#limits = list(1);
    this.#first = list(2);
    this.#last = list(3);
    this.#rows = list(4);
    this.#chains = arena.uint32('shuffle chains');
    this.#slots = arena.address('shuffle slots');
    this.#draws = arena.uint32('shuffle draws');
  }

  /** Begins to fill the buckets anew. */
  begin(random: Random): void {
    this.#random = random;
    this.#chunks = 0;
    this.#bytes.fill(0);
    this.#rows.fill(0);
    this.#first.fill(NO_CHUNK);
    const { chunkBytes } = this.#plan;
    for (let bucket = 0; bucket < this.count; bucket++) {
      this.#cursors[bucket] = this.#slots + bucket * chunkBytes;
      this.#limits[bucket] = this.#slots + (bucket + 1) * chunkBytes;
    }
  }

  /** Sends rows order[from … to) of the block at `base` to buckets. */
  scatter(base: number, order: number, from: number, to: number): void {
    const draws = this.#draws;
    const code = sparseDtypeCodes[this.#dtype];
    for (let start = from; start < to; start += draws.length) {
      const count = Math.min(draws.length, to - start);
      this.#random.fillBelow(draws, count, this.count);
      for (let i = 0; i < count; i++) this.#rows[draws[i]!]!++;
      const rows = order + 4 * start;
      for (let done = 0; ; done++) {
        done = this.#kernels.scatterSparse(
          base,
          rows,
          draws.byteOffset,
          done,
          count,
          code,
          this.#cursors.byteOffset,
          this.#limits.byteOffset,
        );
        if (done === count) break;
        this.#overChunks(base + 4 * this.#words[(rows >>> 2) + done]!, draws[done]!);
      }
    }
  }

  /** A row that ends beyond the slot of its bucket: chunk after chunk. */
  #overChunks(row: number, bucket: number): void {
    const end = row + 4 * recordWords(this.#words[row >>> 2]!, this.#dtype);
    for (let at = row; at < end; ) {
      if (this.#cursors[bucket] === this.#limits[bucket]) this.#writeChunk(bucket);
      const cursor = this.#cursors[bucket]!;
      const length = Math.min(end - at, this.#limits[bucket]! - cursor);
      this.#memory.copyWithin(cursor, at, at + length);
      this.#cursors[bucket] = cursor + length;
      at += length;
    }
  }

  #writeChunk(bucket: number): void {
    const { chunkBytes } = this.#plan;
    const slot = this.#slots + bucket * chunkBytes;
    const length = this.#cursors[bucket]! - slot;
    if (length === 0) return;
    const chunk = this.#chunks++;
    if (chunk >= this.#chains.length)
      throw new MlmlError('MLML_INTERNAL', 'the scratch file of sparse rows has no chunk left');
    this.#file.write(slot, length, chunk * chunkBytes);
    this.#chains[chunk] = NO_CHUNK;
    if (this.#first[bucket] === NO_CHUNK) this.#first[bucket] = chunk;
    else this.#chains[this.#last[bucket]!] = chunk;
    this.#last[bucket] = chunk;
    this.#bytes[bucket]! += length;
    this.#cursors[bucket] = slot;
  }

  /** Writes what the slots hold; the buckets can be read then. */
  finish(): void {
    for (let bucket = 0; bucket < this.count; bucket++) this.#writeChunk(bucket);
  }

  rowsOf(bucket: number): number {
    return this.#rows[bucket]!;
  }

  bytesOf(bucket: number): number {
    return this.#bytes[bucket]!;
  }

  /** Reads a whole bucket to an address with room for `bytesOf` it. */
  read(bucket: number, address: number): void {
    let at = address;
    for (const { position, length } of this.#pieces(bucket)) {
      this.#file.read(at, length, position);
      at += length;
    }
  }

  /**
   * Reads a bucket through the region 'shuffle window', chunk by chunk, and calls `visit` with the address and the bytes of each row in
   * turn, which is valid during the call.
   */
  forEachRow(bucket: number, window: number, visit: (row: number, bytes: number) => void): void {
    let held = 0;
    for (const { position, length } of this.#pieces(bucket)) {
      this.#file.read(window + held, length, position);
      const end = window + held + length;
      let at = window;
      while (end - at >= 4) {
        const bytes = 4 * recordWords(this.#words[at >>> 2]!, this.#dtype);
        if (bytes > end - at) break;
        visit(at, bytes);
        at += bytes;
      }
      held = end - at;
      this.#memory.copyWithin(window, at, end);
    }
  }

  *#pieces(bucket: number): Generator<{ readonly position: number; readonly length: number }> {
    const { chunkBytes } = this.#plan;
    let left = this.#bytes[bucket]!;
    for (let chunk = this.#first[bucket]!; left > 0; chunk = this.#chains[chunk]!) {
      const length = Math.min(left, chunkBytes);
      yield { position: chunk * chunkBytes, length };
      left -= length;
    }
  }
}
