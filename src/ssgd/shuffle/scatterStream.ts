import type { RowBlock } from '../../data/rowBlock.js';
import { scanRows } from '../../data/scanRows.js';
import { alignUp } from '../../memory/plan.js';
import type { Scratch } from '../../storage/scratch.js';
import { BucketStore } from './bucketStore.js';
import { PAGE } from './footprint.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { ScratchFile } from './scratchFile.js';
import { EpochCounter, EventLoopTurn, shuffledOrder, shuffleRandom, type Traffic } from './streams.js';

/**
 * Uniform shuffling on disk by bucket scatter (Rao 1961, Sandelius 1962): each row goes to a random bucket, each
 * bucket is later loaded and shuffled by Fisher and Yates. Buckets have fixed sizes and rows are drawn to them in
 * proportion to the room left, which makes every assignment equally likely; so every order of all rows is.
 *
 * 'scatter': the rows of epoch e are scattered again, for epoch e + 1, while they are handed over: one read and one
 * write an epoch. 'scatter-once': they stay where they are; each epoch visits buckets in random order and shuffles
 * inside. A bucket that does not fit in memory is scattered once more, to the next level's buckets.
 */
export class ScatterStream implements RowStream {
  readonly #parts: StreamParts;
  readonly #scratch: Scratch;
  readonly #stores: readonly BucketStore[];
  readonly #traffic: Traffic;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  readonly #order: Uint32Array;
  readonly #rowsAddress: number;
  readonly #orderAddress: number;
  /** The epoch whose rows the first level holds. */
  #scattered = 0;
  /** Reads in flight: nothing may be closed before they end. */
  #prefetch: Promise<void> | undefined;

  private constructor(
    parts: StreamParts,
    scratch: Scratch,
    stores: readonly BucketStore[],
    traffic: Traffic,
  ) {
    this.#parts = parts;
    this.#scratch = scratch;
    this.#stores = stores;
    this.#traffic = traffic;
    this.#epochs = new EpochCounter(parts.plan.epochs, parts.context.start);
    this.#order = parts.arena.uint32('shuffle order');
    this.#rowsAddress = parts.arena.address('shuffle rows');
    this.#orderAddress = parts.arena.address('shuffle order');
  }

  get bytesRead(): number {
    return this.#traffic.bytesRead;
  }
  get bytesWritten(): number {
    return this.#traffic.bytesWritten;
  }

  /** Scatters the row file. */
  static async open(parts: StreamParts, scratch: Scratch): Promise<ScatterStream> {
    const { plan, arena, kernels } = parts;
    const traffic = { bytesRead: 0, bytesWritten: 0 };
    const stores: BucketStore[] = [];
    for (let level = 0; level < plan.levels.length; level++) {
      const file = await scratch.create(`level${level}.rows`, { direct: plan.direct });
      stores.push(
        new BucketStore(
          plan,
          level,
          new ScratchFile(file, arena.buffer, plan.background, traffic),
          arena,
          kernels,
        ),
      );
    }
    const stream = new ScatterStream(parts, scratch, stores, traffic);
    try {
      await stream.#scatterFile();
    } catch (error) {
      await stream.#settle();
      throw error;
    }
    return stream;
  }

  async #scatterFile(): Promise<void> {
    const { plan, file, arena, context } = this.#parts;
    const store = this.#stores[0]!;
    store.begin(plan.rows, shuffleRandom(context.seed, 'buckets', 0));
    for await (const block of scanRows(file, arena, 'shuffle rows', context.signal)) {
      this.#traffic.bytesRead += block.to * plan.rowBytes;
      await store.scatter(block.base, 0, 0, block.to);
      context.onProgress?.({ done: block.firstRow + block.to, total: plan.rows, ...this.#traffic });
    }
    await store.finish();
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    await this.#replay(epoch);
    const { plan, context } = this.#parts;
    const store = this.#stores[0]!;
    if (!this.#isFused(epoch)) {
      yield* this.#walk(0, epoch, 0, fromRow);
      return;
    }
    store.begin(plan.rows, shuffleRandom(context.seed, 'buckets', epoch + 1));
    let skip = fromRow;
    for await (const block of this.#walk(0, epoch, 0, 0)) {
      await store.scatter(block.base, block.order, block.from, block.to);
      const rows = block.to - block.from;
      // Rows handed over before are needed once more: for the next epoch.
      if (skip < rows) yield { ...block, from: block.from + skip };
      skip = Math.max(0, skip - rows);
    }
    await store.finish();
    this.#scattered = epoch + 1;
  }

  /** Whether the rows of an epoch are scattered again while they are handed over. */
  #isFused(epoch: number): boolean {
    const { plan } = this.#parts;
    return plan.kind === 'scatter' && epoch + 1 < plan.epochs;
  }

  /** Scatters the rows from epoch to epoch until they lie as they did when epoch `epoch` began. */
  async #replay(epoch: number): Promise<void> {
    const { plan, context } = this.#parts;
    if (plan.kind !== 'scatter') return;
    const store = this.#stores[0]!;
    for (; this.#scattered < epoch; this.#scattered++) {
      store.begin(plan.rows, shuffleRandom(context.seed, 'buckets', this.#scattered + 1));
      let done = this.#scattered * plan.rows;
      for await (const { base, order, from, to } of this.#walk(0, this.#scattered, 0, 0)) {
        await store.scatter(base, order, from, to);
        done += to - from;
        context.onProgress?.({ done, total: epoch * plan.rows, ...this.#traffic });
      }
      await store.finish();
    }
  }

  /**
   * Rows of all buckets of a level but the first `skip`; `number` tells one visit of that level from another in the same
   * epoch.
   */
  async *#walk(level: number, epoch: number, number: number, skip: number): AsyncGenerator<RowBlock> {
    if (level === this.#stores.length - 1) {
      yield* this.#loadBuckets(level, epoch, number, skip);
      return;
    }
    let left = skip;
    const store = this.#stores[level]!;
    const below = this.#stores[level + 1]!;
    const { seed } = this.#parts.context;
    for (const bucket of this.#bucketOrder(level, epoch)) {
      const rows = store.rowsOf(bucket);
      if (left > 0 && left >= rows) {
        left -= rows;
        if (level > 0) store.release(bucket);
        continue;
      }
      const visit = number * store.buckets + bucket;
      below.begin(rows, shuffleRandom(seed, 'buckets', epoch, level + 1, visit));
      await this.#scatterBucket(store, bucket, below);
      await below.finish();
      this.#release(level, bucket);
      yield* this.#walk(level + 1, epoch, visit, left);
      left = 0;
    }
  }

  /** Buckets of the first level are visited in random order when the rows in them are those of the last epoch. */
  *#bucketOrder(level: number, epoch: number): Generator<number> {
    const { buckets } = this.#stores[level]!;
    if (level > 0 || this.#parts.plan.kind === 'scatter') {
      for (let bucket = 0; bucket < buckets; bucket++) yield bucket;
      return;
    }
    const order = this.#parts.arena.uint32('shuffle bucket order');
    shuffledOrder(order, buckets, shuffleRandom(this.#parts.context.seed, 'bucketOrder', epoch));
    yield* order;
  }

  #release(level: number, bucket: number): void {
    if (level > 0 || this.#parts.plan.kind === 'scatter') this.#stores[level]!.release(bucket);
  }

  /** Loads one bucket after another, the next while the caller works on the last, and shuffles each. */
  async *#loadBuckets(level: number, epoch: number, number: number, skip: number): AsyncGenerator<RowBlock> {
    const { plan, arena, context } = this.#parts;
    const store = this.#stores[level]!;
    const buffers = plan.direct ? 2 : 1;
    const bufferBytes = arena.byteLength('shuffle rows') / buffers;
    const random = shuffleRandom(context.seed, 'order', epoch, number);
    const buckets = this.#bucketOrder(level, epoch);
    const following = () => {
      for (;;) {
        const { value, done } = buckets.next();
        if (done === true || store.rowsOf(value) > 0) return done === true ? undefined : value;
      }
    };
    let bucket = following();
    let left = skip;
    for (; bucket !== undefined && left >= store.rowsOf(bucket); bucket = following()) {
      // Only the draws matter.
      shuffledOrder(this.#order, store.rowsOf(bucket), random);
      left -= store.rowsOf(bucket);
      if (level > 0) store.release(bucket);
    }
    let buffer = 0;
    if (bucket !== undefined) this.#load(store, bucket, this.#rowsAddress);
    while (bucket !== undefined) {
      await this.#loaded();
      this.#release(level, bucket);
      const rows = store.rowsOf(bucket);
      const base = this.#rowsAddress + buffer * bufferBytes;
      bucket = following();
      buffer = (buffer + 1) % buffers;
      if (buffers > 1 && bucket !== undefined) {
        this.#load(store, bucket, this.#rowsAddress + buffer * bufferBytes);
      }
      shuffledOrder(this.#order, rows, random);
      for (let from = left; from < rows; from += plan.segmentRows) {
        await this.#turn.due();
        context.signal?.throwIfAborted();
        yield { base, order: this.#orderAddress, from, to: Math.min(rows, from + plan.segmentRows) };
      }
      left = 0;
      if (buffers === 1 && bucket !== undefined) this.#load(store, bucket, this.#rowsAddress);
    }
  }

  #load(store: BucketStore, bucket: number, address: number): void {
    this.#prefetch = store.read(bucket, address);
    // A failure is reported when the bucket is awaited, not as an unhandled rejection before.
    this.#prefetch?.catch(() => {});
  }

  async #loaded(): Promise<void> {
    await this.#prefetch;
    this.#prefetch = undefined;
  }

  /** Reads a bucket too large for memory piece by piece and scatters it to the buckets of the next level. */
  async #scatterBucket(store: BucketStore, bucket: number, below: BucketStore): Promise<void> {
    const { plan, arena, context } = this.#parts;
    const { rowBytes } = plan;
    const unit = plan.direct ? PAGE : 1;
    // The end of a row cut by the last piece is put right before the next piece, which begins a whole page.
    const front = alignUp(rowBytes, unit);
    const start = this.#rowsAddress + front;
    const room = Math.floor((arena.byteLength('shuffle rows') - front) / unit) * unit;
    const memory = new Uint8Array(arena.buffer);
    const total = store.bytesOf(bucket);
    let rowsLeft = store.rowsOf(bucket);
    let cut = 0;
    for (let done = 0; done < total; ) {
      context.signal?.throwIfAborted();
      await this.#turn.due();
      const length = Math.min(room, total - done, store.extentBytes - (done % store.extentBytes));
      await store.readPiece(bucket, done, length, start);
      done += length;
      const rows = Math.min(rowsLeft, Math.floor((cut + length) / rowBytes));
      const base = start - cut;
      await below.scatter(base, 0, 0, rows);
      rowsLeft -= rows;
      cut += length - rows * rowBytes;
      if (rowsLeft > 0) memory.copyWithin(start - cut, base + rows * rowBytes, start + length);
    }
  }

  /** Waits for everything in flight, whatever becomes of it. */
  async #settle(): Promise<void> {
    await this.#prefetch?.catch(() => {});
    for (const store of this.#stores) await store.settle();
  }

  async close(): Promise<void> {
    await this.#settle();
    await this.#scratch.close();
  }
}
