import type { Kernels } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import { alignUp } from '../../memory/plan.js';
import { Random } from '../../memory/random.js';
import { PAGE } from './footprint.js';
import { bitWords, type ScatterLevel } from './planScatter.js';
import { ProportionalDraw } from './proportionalDraw.js';
import type { ScratchFile } from './scratchFile.js';
import type { ShufflePlan } from './shufflePlan.js';
import { SlotPool } from './slotPool.js';

/** Of the four threads that read and write files, one is left to the writes. */
const READS_AT_ONCE = 3;

/** What is not in the tables. Plain data. */
export interface StoreState {
  readonly freeCount: number;
  /** The generation being read lies in the second of the two lists of extents. */
  readonly swapped: boolean;
  readonly readingRows: number;
  readonly writingRows: number;
  /** Of the generation being written; null when none is. */
  readonly random: readonly number[] | null;
  readonly remaining: number;
  readonly spareSlots: readonly number[];
  readonly firstHeld: number;
}

/** Where a generation of buckets lies: `extents[bucket · extentsPerBucket + i]` is the number of its extent i. */
interface Generation {
  rows: number;
  extents: Uint32Array;
}

/**
 * Buckets of rows in one scratch file. One generation is written while the one before is read; extents whose rows
 * have been read serve the writer, so the file stays little larger than the rows.
 */
export class BucketStore {
  readonly buckets: number;
  readonly #level: ScatterLevel;
  readonly #rowBytes: number;
  readonly #unit: number;
  readonly #segmentRows: number;
  readonly #background: boolean;
  readonly #file: ScratchFile;
  readonly #kernels: Kernels;
  readonly #draws: { readonly address: number; readonly words: Uint32Array };
  readonly #cursors: { readonly address: number; readonly words: Uint32Array };
  readonly #limits: { readonly address: number; readonly words: Uint32Array };
  /** Address of the slot a bucket is filling. */
  readonly #slots: Uint32Array;
  /** Chunks written of each bucket. */
  readonly #written: Uint32Array;
  readonly #draw: ProportionalDraw;
  readonly #free: Uint32Array;
  readonly #memory: Uint8Array;
  readonly #pool: SlotPool;
  #freeCount: number;
  #reading: Generation;
  #writing: Generation;
  #random: Random | undefined;
  /** A bit for each extent: the last state counts on it; its rows have been used since. */
  readonly #pinned: Uint32Array;
  readonly #waiting: Uint32Array;
  #swapped = false;
  /** The first bucket whose extents are in use; they are released in order. */
  #firstHeld = 0;

  /** `kept`: see `saved`. `from`: tables and slots in the arena are those of this state. */
  constructor(
    plan: ShufflePlan,
    index: number,
    file: ScratchFile,
    arena: Arena,
    kernels: Kernels,
    { kept = false, from }: { readonly kept?: boolean; readonly from?: StoreState | undefined } = {},
  ) {
    const level = plan.levels[index]!;
    const { buckets, extentsPerBucket } = level;
    this.buckets = buckets;
    this.#level = level;
    this.#rowBytes = plan.rowBytes;
    this.#unit = plan.direct ? PAGE : 1;
    // Rows may be handed over in longer segments than they are sent to buckets.
    this.#segmentRows = Math.min(plan.segmentRows, arena.byteLength('shuffle draws') / 4);
    this.#background = plan.background;
    this.#file = file;
    this.#kernels = kernels;
    this.#memory = new Uint8Array(arena.buffer);
    this.#draws = { address: arena.address('shuffle draws'), words: arena.uint32('shuffle draws') };
    const table = `shuffle tables ${index}`;
    const all = arena.uint32(table);
    let used = 0;
    const take = (words: number) => {
      const address = arena.address(table) + 4 * used;
      used += words;
      return { address, words: all.subarray(used - words, used) };
    };
    this.#cursors = take(buckets);
    this.#limits = take(buckets);
    this.#slots = take(buckets).words;
    this.#written = take(buckets).words;
    this.#draw = new ProportionalDraw(take(ProportionalDraw.words(buckets)).words);
    this.#reading = { rows: 0, extents: take(buckets * extentsPerBucket).words };
    this.#writing = { rows: 0, extents: take(buckets * extentsPerBucket).words };
    this.#free = take(level.keptExtents).words;
    this.#pinned = take(bitWords(level.keptExtents)).words;
    this.#waiting = take(bitWords(level.keptExtents)).words;
    const slots = arena.address(`shuffle slots ${index}`);
    this.#pool = new SlotPool(slots + buckets * level.slotBytes, level.slotBytes, level.spareSlots);
    this.#freeCount = kept ? level.keptExtents : level.extents;
    if (from !== undefined) {
      this.#goOn(from);
      return;
    }
    for (let i = 0; i < this.#freeCount; i++) this.#free[i] = this.#freeCount - 1 - i;
    for (let b = 0; b < buckets; b++) this.#slots[b] = slots + b * level.slotBytes;
    this.#written.fill(0);
    this.#pinned.fill(0);
    this.#waiting.fill(0);
  }

  #goOn(from: StoreState): void {
    if (from.swapped) this.#swap();
    this.#freeCount = from.freeCount;
    this.#reading.rows = from.readingRows;
    this.#writing.rows = from.writingRows;
    this.#random = from.random === null ? undefined : new Random(from.random);
    this.#draw.goOn(this.buckets, from.remaining);
    this.#pool.goOn(from.spareSlots);
    this.#firstHeld = from.firstHeld;
    // What waited for this state waits no more.
    this.saved();
  }

  #swap(): void {
    [this.#reading, this.#writing] = [this.#writing, this.#reading];
    this.#swapped = !this.#swapped;
  }

  /** What belongs to the tables and slots, once all writes have ended. */
  async state(): Promise<StoreState> {
    await this.#pool.drain();
    return {
      freeCount: this.#freeCount,
      swapped: this.#swapped,
      readingRows: this.#reading.rows,
      writingRows: this.#writing.rows,
      random: this.#random?.state() ?? null,
      remaining: this.#draw.remaining,
      spareSlots: [...this.#pool.spare],
      firstHeld: this.#firstHeld,
    };
  }

  /** The state taken last is on the disk: extents that only the one before counted on are free, those of this one are kept. */
  saved(): void {
    for (let extent = 0; extent < this.#level.keptExtents; extent++) {
      if (((this.#waiting[extent >>> 5]! >>> (extent & 31)) & 1) === 1)
        this.#free[this.#freeCount++] = extent;
    }
    this.#waiting.fill(0);
    this.#pinned.fill(0);
    for (const { extent } of this.heldPieces()) this.#pinned[extent >>> 5]! |= 1 << (extent & 31);
  }

  /** Extents that hold rows still needed, and how many bytes from their beginning. */
  *heldPieces(): Generator<{ readonly extent: number; readonly bytes: number }> {
    const { chunkBytes, extentBytes, extentsPerBucket } = this.#level;
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      const bytes = bucket < this.#firstHeld ? 0 : this.bytesOf(bucket);
      for (let from = 0; from < bytes; from += extentBytes) {
        const extent = this.#reading.extents[bucket * extentsPerBucket + from / extentBytes]!;
        yield { extent, bytes: Math.min(extentBytes, bytes - from) };
      }
      const written = this.#written[bucket]! * chunkBytes;
      for (let from = 0; from < written; from += extentBytes) {
        const extent = this.#writing.extents[bucket * extentsPerBucket + from / extentBytes]!;
        yield { extent, bytes: Math.min(extentBytes, written - from) };
      }
    }
  }

  /** The first bucket that has not been released. */
  get firstHeld(): number {
    return this.#firstHeld;
  }

  /** Begins to fill a generation with exactly `rows` rows. */
  begin(rows: number, random: Random): void {
    this.#writing.rows = rows;
    this.#random = random;
    this.#draw.fill(this.buckets, (bucket) => Math.floor((bucket * rows) / this.buckets));
    this.#written.fill(0);
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      this.#cursors.words[bucket] = this.#slots[bucket]!;
      this.#limits.words[bucket] = this.#slots[bucket]! + this.#level.chunkBytes;
    }
  }

  /** Sends rows `order[from..to)` (0: rows from..to as they lie) of the block at `base` to random buckets. */
  async scatter(base: number, order: number, from: number, to: number): Promise<void> {
    const draws = this.#draws.words;
    for (let start = from; start < to; start += this.#segmentRows) {
      const count = Math.min(this.#segmentRows, to - start);
      for (let i = 0; i < count; i++) draws[i] = this.#draw.draw(this.#random!);
      const first = order === 0 ? base + start * this.#rowBytes : base;
      const rows = order === 0 ? 0 : order + 4 * start;
      for (let done = 0; ; ) {
        done = this.#kernels.scatterRows(
          first,
          this.#rowBytes,
          rows,
          this.#draws.address,
          done,
          count,
          this.#cursors.address,
          this.#limits.address,
        );
        if (done === count) break;
        const room = this.#writeChunk(draws[done]!);
        if (room !== undefined) await room;
      }
    }
  }

  /** Writes the full slot of a bucket and gives it another; a promise when it must wait for one. */
  #writeChunk(bucket: number): Promise<void> | undefined {
    const { chunkBytes } = this.#level;
    const slot = this.#slots[bucket]!;
    const overhang = this.#cursors.words[bucket]! - slot - chunkBytes;
    if (this.#level.spareSlots === 0) {
      // Chunks hold whole rows, so nothing hangs over.
      this.#file.write(slot, chunkBytes, this.#chunkPosition(bucket));
      this.#written[bucket]!++;
      this.#cursors.words[bucket] = slot;
      return undefined;
    }
    const spare = this.#pool.take();
    if (spare === undefined) return this.#pool.oneFree();
    this.#memory.copyWithin(spare, slot + chunkBytes, slot + chunkBytes + overhang);
    this.#pool.giveBackAfter(slot, this.#file.write(slot, chunkBytes, this.#chunkPosition(bucket)));
    this.#written[bucket]!++;
    this.#slots[bucket] = spare;
    this.#cursors.words[bucket] = spare + overhang;
    this.#limits.words[bucket] = spare + chunkBytes;
    return undefined;
  }

  /** Where the next chunk of a bucket goes; takes a free extent when it begins one. */
  #chunkPosition(bucket: number): number {
    const { chunkBytes, extentBytes, extentsPerBucket } = this.#level;
    const chunksPerExtent = extentBytes / chunkBytes;
    const chunk = this.#written[bucket]!;
    const extents = this.#writing.extents;
    const entry = bucket * extentsPerBucket + Math.floor(chunk / chunksPerExtent);
    if (chunk % chunksPerExtent === 0) {
      if (this.#freeCount === 0) throw new MlmlError('MLML_INTERNAL', 'the scratch file has no extent left');
      extents[entry] = this.#free[--this.#freeCount]!;
    }
    return extents[entry]! * extentBytes + (chunk % chunksPerExtent) * chunkBytes;
  }

  /** Writes what the slots hold, waits for all writes, and makes the generation readable. */
  async finish(): Promise<void> {
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      while (this.#cursors.words[bucket]! >= this.#limits.words[bucket]!) await this.#writeChunk(bucket);
      const slot = this.#slots[bucket]!;
      const length = alignUp(this.#cursors.words[bucket]! - slot, this.#unit);
      if (length === 0) continue;
      const written = this.#file.write(slot, length, this.#chunkPosition(bucket));
      if (written !== undefined) this.#pool.watch(written);
    }
    await this.#pool.drain();
    this.#swap();
    this.#written.fill(0);
    this.#random = undefined;
    this.#firstHeld = 0;
  }

  /** Waits for writes in flight, whatever becomes of them. */
  async settle(): Promise<void> {
    await this.#pool.drain().catch(() => {});
  }

  rowsOf(bucket: number): number {
    const { rows } = this.#reading;
    return Math.floor(((bucket + 1) * rows) / this.buckets) - Math.floor((bucket * rows) / this.buckets);
  }

  /** Bytes of a bucket on disk. */
  bytesOf(bucket: number): number {
    return alignUp(this.rowsOf(bucket) * this.#rowBytes, this.#unit);
  }

  /** Reads the bucket to `address`, which has room for `bytesOf` it; undefined when that is done already. */
  read(bucket: number, address: number): Promise<void> | undefined {
    const bytes = this.bytesOf(bucket);
    const { extentBytes } = this.#level;
    let next = 0;
    const readNext = () => {
      const from = next;
      next += extentBytes;
      return this.readPiece(bucket, from, Math.min(extentBytes, bytes - from), address + from);
    };
    if (!this.#background) {
      while (next < bytes) readNext();
      return undefined;
    }
    const lanes = Array.from({ length: READS_AT_ONCE }, async () => {
      while (next < bytes) await readNext();
    });
    // Memory is in use until the last lane has ended, even when another has failed.
    return Promise.allSettled(lanes).then(async () => {
      await Promise.all(lanes);
    });
  }

  /** Reads bytes [from, from + length) of a bucket, which lie in one extent. */
  readPiece(bucket: number, from: number, length: number, address: number): Promise<void> | undefined {
    const { extentBytes, extentsPerBucket } = this.#level;
    const extent = this.#reading.extents[bucket * extentsPerBucket + Math.floor(from / extentBytes)]!;
    return this.#file.read(address, length, extent * extentBytes + (from % extentBytes));
  }

  get extentBytes(): number {
    return this.#level.extentBytes;
  }

  /** Gives the bucket's disk space to the writer; it can still be read until the next row is scattered. */
  release(bucket: number): void {
    const { extentBytes, extentsPerBucket } = this.#level;
    const count = Math.ceil(this.bytesOf(bucket) / extentBytes);
    for (let i = 0; i < count; i++) {
      const extent = this.#reading.extents[bucket * extentsPerBucket + i]!;
      if (((this.#pinned[extent >>> 5]! >>> (extent & 31)) & 1) === 1)
        this.#waiting[extent >>> 5]! |= 1 << (extent & 31);
      else this.#free[this.#freeCount++] = extent;
    }
    this.#firstHeld = bucket + 1;
  }
}
