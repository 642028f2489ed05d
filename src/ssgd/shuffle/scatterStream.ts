import type { RowBlock } from '../../data/rowBlock.js';
import { scanRows } from '../../data/scanRows.js';
import { alignUp } from '../../memory/plan.js';
import type { Scratch } from '../../storage/scratch.js';
import { BucketStore, type StoreState } from './bucketStore.js';
import { PAGE } from './footprint.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { ScratchFile } from './scratchFile.js';
import { FIRST_LEVEL, type ScratchKeeper, type ScratchMark } from './scratchKeeper.js';
import { EpochCounter, EventLoopTurn, shuffledOrder, shuffleRandom, type Traffic } from './streams.js';

/** Where a stream stands, beside the kept regions and the scratch file. Plain data. */
export interface ScatterState {
  readonly epoch: number;
  /** Rows of the epoch that have been sent to the buckets of the next one. */
  readonly rows: number;
  readonly finished: boolean;
  readonly store: StoreState;
  readonly scratch: ScratchMark;
}

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
  /** Undefined when the scratch does not outlive the process. */
  readonly #keeper: ScratchKeeper | undefined;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  readonly #order: Uint32Array;
  readonly #rowsAddress: number;
  readonly #orderAddress: number;
  /** Where the stream stands: rows of the epoch sent to the next one's buckets, which hold them all when it is finished. */
  #place = { epoch: 0, rows: 0, finished: false };
  /** What the first epoch goes on from. */
  #from: ScatterState | undefined;
  #closed = false;
  /** The epoch whose rows the first level holds. */
  #scattered = 0;
  /** Reads in flight: nothing may be closed before they end. */
  #prefetch: Promise<void> | undefined;

  private constructor(
    parts: StreamParts,
    scratch: Scratch,
    stores: readonly BucketStore[],
    traffic: Traffic,
    keeper: ScratchKeeper | undefined,
  ) {
    this.#parts = parts;
    this.#scratch = scratch;
    this.#stores = stores;
    this.#traffic = traffic;
    this.#keeper = keeper;
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

  /** Scatters the row file. With a keeper, the scratch is kept in step with the states of the job. */
  static async open(parts: StreamParts, scratch: Scratch, keeper?: ScratchKeeper): Promise<ScatterStream> {
    const stream = await ScatterStream.#make(parts, scratch, keeper, undefined);
    try {
      await stream.#scatterFile();
    } catch (error) {
      await stream.#settle();
      throw error;
    }
    return stream;
  }

  /** Goes on from a state whose scratch is there and whole; the kept regions in the arena are those saved with it. */
  static async goOn(
    parts: StreamParts,
    scratch: Scratch,
    keeper: ScratchKeeper,
    state: ScatterState,
  ): Promise<ScatterStream> {
    const stream = await ScatterStream.#make(parts, scratch, keeper, state);
    stream.#scattered = state.finished ? state.epoch + 1 : state.epoch;
    stream.#place = { epoch: state.epoch, finished: state.finished, rows: state.rows };
    stream.#from = state;
    return stream;
  }

  static async #make(
    parts: StreamParts,
    scratch: Scratch,
    keeper: ScratchKeeper | undefined,
    state: ScatterState | undefined,
  ): Promise<ScatterStream> {
    const { plan, arena, kernels } = parts;
    const traffic = { bytesRead: 0, bytesWritten: 0 };
    const stores: BucketStore[] = [];
    for (let level = 0; level < plan.levels.length; level++) {
      const name = level === 0 ? FIRST_LEVEL : `level${level}.rows`;
      const options = { direct: plan.direct };
      // Lower levels are scattered anew.
      const there = level === 0 && state !== undefined;
      const file = there ? await scratch.open(name, options) : await scratch.create(name, options);
      const scratchFile = new ScratchFile(file, arena.buffer, plan.background, traffic);
      const keeping = level === 0 ? { kept: keeper !== undefined, from: state?.store } : {};
      stores.push(new BucketStore(plan, level, scratchFile, arena, kernels, keeping));
    }
    return new ScatterStream(parts, scratch, stores, traffic, keeper);
  }

  async state(): Promise<ScatterState | undefined> {
    if (this.#keeper === undefined || this.#closed) return undefined;
    const store = await this.#stores[0]!.state();
    return { ...this.#place, store, scratch: await this.#keeper.mark(this.#stores[0]!) };
  }

  async saved(sequence: number): Promise<void> {
    if (this.#keeper === undefined || this.#closed) return;
    // First the word that older states are no longer kept, then the extents they counted on are free.
    await this.#keeper.saved(sequence);
    this.#stores[0]!.saved();
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
    const from = this.#from;
    this.#from = undefined;
    if (from?.finished) return;
    if (!this.#isFused(epoch)) {
      this.#place = { epoch, rows: 0, finished: false };
      yield* this.#walk(0, epoch, 0, fromRow);
      return;
    }
    // Without the scratch of an earlier process, rows handed over before are needed once more: for the next epoch.
    let row = from === undefined ? 0 : fromRow;
    let scattered = from?.rows ?? 0;
    if (from === undefined) store.begin(plan.rows, shuffleRandom(context.seed, 'buckets', epoch + 1));
    for await (const block of this.#walk(0, epoch, 0, row)) {
      const end = row + block.to - block.from;
      if (scattered < end) {
        await store.scatter(block.base, block.order, block.to - (end - Math.max(row, scattered)), block.to);
        scattered = end;
      }
      this.#place = { epoch, rows: scattered, finished: false };
      if (fromRow < end) yield { ...block, from: block.to - (end - Math.max(row, fromRow)) };
      row = end;
    }
    await store.finish();
    this.#scattered = epoch + 1;
    this.#place = { epoch, rows: scattered, finished: true };
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
        this.#passOver(level, bucket);
        continue;
      }
      const visit = number * store.buckets + bucket;
      below.begin(rows, shuffleRandom(seed, 'buckets', epoch, level + 1, visit));
      await this.#scatterBucket(store, bucket, below);
      await below.finish();
      // The state counts on a bucket of the first level until its last row has been used.
      const held = level === 0 && this.#keeper !== undefined;
      if (!held) this.#release(level, bucket);
      yield* this.#walk(level + 1, epoch, visit, left);
      if (held) this.#release(level, bucket);
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
      this.#passOver(level, bucket);
    }
    let buffer = 0;
    if (bucket !== undefined) this.#load(store, bucket, this.#rowsAddress);
    while (bucket !== undefined) {
      await this.#loaded();
      const current = bucket;
      const held = level === 0 && this.#keeper !== undefined;
      if (!held) this.#release(level, current);
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
      if (held) this.#release(level, current);
      if (buffers === 1 && bucket !== undefined) this.#load(store, bucket, this.#rowsAddress);
    }
  }

  /** A bucket all of whose rows were handed over before: its extents are free, or were freed by the earlier process. */
  #passOver(level: number, bucket: number): void {
    if (level > 0 || bucket >= this.#stores[0]!.firstHeld) this.#release(level, bucket);
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

  async close(keep = false): Promise<void> {
    this.#closed = true;
    await this.#settle();
    await this.#scratch.close(keep && this.#keeper !== undefined);
  }
}
