import type { RowBlock } from '../../data/rowBlock.js';
import { scanSparse } from '../../data/sparse/scanSparse.js';
import { sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import { MlmlError } from '../../errors.js';
import type { Scratch } from '../../storage/scratch.js';
import type { RowStream } from '../shuffle/rowStream.js';
import { ScratchFile } from '../shuffle/scratchFile.js';
import {
  EpochCounter,
  EventLoopTurn,
  shuffledOrder,
  shuffleRandom,
  type Traffic,
} from '../shuffle/streams.js';
import { keepRows } from './keepRows.js';
import { SparseBuckets } from './sparseBuckets.js';
import { inSegments, type SparseStreamParts } from './sparseStreams.js';
import { tagFolds } from './tagFolds.js';

/** Keys of rows are below it. */
const KEYS = 2 ** 32;

/**
 * Uniform shuffling of rows of any length by bucket scatter (Rao 1961, Sandelius 1962): each row goes to a bucket drawn at random, by
 * itself; each bucket is later loaded and shuffled by Fisher and Yates. How many bytes a bucket gets is a matter of chance. One that
 * does not fit in memory is taken in parts: its rows draw keys, those of a range of keys are loaded, and a range whose rows do not fit
 * is halved; so a part is, again, drawn at random by each row itself.
 *
 * 'scatter': rows are scattered from their file for every epoch; 'scatter-once' for the first, and buckets are visited in random order.
 * Either way an epoch's order depends on plan, seed and epoch alone.
 */
export class SparseScatterStream implements RowStream {
  readonly #parts: SparseStreamParts;
  readonly #scratch: Scratch;
  readonly #buckets: SparseBuckets;
  readonly #traffic: Traffic;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  /** The epoch whose rows the buckets hold. */
  #scattered = -1;

  private constructor(parts: SparseStreamParts, scratch: Scratch, buckets: SparseBuckets, traffic: Traffic) {
    this.#parts = parts;
    this.#scratch = scratch;
    this.#buckets = buckets;
    this.#traffic = traffic;
    this.#epochs = new EpochCounter(parts.plan.chosen.epochs, parts.context.start);
  }

  /** Scatters the rows for the first epoch that will be asked for. */
  static async open(parts: SparseStreamParts, scratch: Scratch): Promise<SparseScatterStream> {
    const { plan, arena, kernels, context } = parts;
    const traffic = { bytesRead: 0, bytesWritten: 0 };
    const file = new ScratchFile(await scratch.create('sparse.rows', {}), arena.buffer, false, traffic);
    const buckets = new SparseBuckets(plan.shuffle, plan.layout.dtype, file, arena, kernels);
    const stream = new SparseScatterStream(parts, scratch, buckets, traffic);
    await stream.#scatter(context.start ?? 0);
    return stream;
  }

  get bytesRead(): number {
    return this.#traffic.bytesRead;
  }
  get bytesWritten(): number {
    return this.#traffic.bytesWritten;
  }

  get #isOnce(): boolean {
    return this.#parts.plan.shuffle.kind === 'scatter-once';
  }

  async #scatter(epoch: number): Promise<void> {
    const number = this.#isOnce ? 0 : epoch;
    if (this.#scattered === number) return;
    const { plan, file, selection, folds, arena, kernels, context } = this.#parts;
    const order = arena.uint32('shuffle order');
    this.#buckets.begin(shuffleRandom(context.seed, 'buckets', number));
    for await (const block of scanSparse(file, arena, kernels, 'shuffle', context.signal, {
      to: plan.used,
    })) {
      await this.#turn.due();
      tagFolds(arena, block.base, order, block.to, block.firstRow, folds);
      const rows = keepRows(order, block.to, block.firstRow, selection);
      this.#buckets.scatter(block.base, block.order, 0, rows);
      const done = block.firstRow + block.to;
      context.onProgress?.({ done, total: plan.used, ...this.#traffic });
    }
    this.#traffic.bytesRead += file.sizes.bytes;
    this.#buckets.finish();
    this.#scattered = number;
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    await this.#scatter(epoch);
    const { arena, context } = this.#parts;
    const visited = arena.uint32('shuffle bucket order');
    shuffledOrder(visited, this.#buckets.count, shuffleRandom(context.seed, 'bucketOrder', epoch));
    let left = fromRow;
    for (const bucket of visited) {
      const rows = this.#buckets.rowsOf(bucket);
      if (left >= rows) {
        left -= rows;
        continue;
      }
      for (const part of this.#partsOf(bucket, epoch)) {
        const count = this.#load(bucket, epoch, part);
        if (left < count) yield* this.#handOver(bucket, epoch, part, count, left);
        left = Math.max(0, left - count);
      }
    }
  }

  /** Ranges of keys that divide a bucket into parts which fit in memory; one where the whole does. */
  *#partsOf(bucket: number, epoch: number): Generator<readonly [number, number]> {
    const { capacity } = this.#parts.plan.shuffle;
    const bytes = this.#buckets.bytesOf(bucket);
    if (bytes <= capacity) {
      yield [0, KEYS];
      return;
    }
    const wanted = 2 ** Math.ceil(Math.log2((1.25 * bytes) / capacity));
    const waiting: [number, number][] = [];
    for (let i = wanted - 1; i >= 0; i--) waiting.push([(i * KEYS) / wanted, ((i + 1) * KEYS) / wanted]);
    while (waiting.length > 0) {
      const range = waiting.pop()!;
      const [low, high] = range;
      if (this.#bytesIn(bucket, epoch, range) <= capacity) yield range;
      else if (high - low > 1) {
        const middle = (low + high) / 2;
        waiting.push([middle, high], [low, middle]);
      } else throw new MlmlError('MLML_INTERNAL', `rows of one key do not fit in ${capacity} bytes`);
    }
  }

  #window(): number {
    return this.#parts.arena.address('shuffle window');
  }

  #keys(bucket: number, epoch: number) {
    return shuffleRandom(this.#parts.context.seed, 'blocks', epoch, bucket);
  }

  #bytesIn(bucket: number, epoch: number, [low, high]: readonly [number, number]): number {
    const keys = this.#keys(bucket, epoch);
    let sum = 0;
    this.#buckets.forEachRow(bucket, this.#window(), (_, bytes) => {
      const key = keys.uint32();
      if (key >= low && key < high) sum += bytes;
    });
    return sum;
  }

  /** Brings a part of a bucket to memory and writes where its rows begin; returns their number. */
  #load(bucket: number, epoch: number, [low, high]: readonly [number, number]): number {
    const { plan, arena, kernels, file } = this.#parts;
    const base = arena.address('shuffle rows');
    let end = base;
    if (high - low === KEYS) {
      this.#buckets.read(bucket, base);
      end += this.#buckets.bytesOf(bucket);
    } else {
      const keys = this.#keys(bucket, epoch);
      const memory = new Uint8Array(arena.buffer);
      this.#buckets.forEachRow(bucket, this.#window(), (row, bytes) => {
        const key = keys.uint32();
        if (key < low || key >= high) return;
        memory.copyWithin(end, row, row + bytes);
        end += bytes;
      });
    }
    const { d, dtype } = plan.layout;
    const order = arena.uint32('shuffle order');
    const result = arena.uint32('shuffle walk');
    const found = kernels.walkSparse(
      base,
      end,
      d,
      sparseDtypeCodes[dtype],
      base,
      order.byteOffset,
      order.length,
      result.byteOffset,
    );
    // What was written was right.
    if (result[0] !== end - base) throw file.fault(found, result[0]!, result[1]!);
    return found;
  }

  async *#handOver(
    bucket: number,
    epoch: number,
    [low]: readonly [number, number],
    count: number,
    skip: number,
  ): AsyncGenerator<RowBlock> {
    const { plan, arena, context } = this.#parts;
    const { segmentRows } = plan.shuffle;
    const base = arena.address('shuffle rows');
    const order = arena.uint32('shuffle order');
    shuffleRandom(context.seed, 'order', epoch, bucket, low).shuffle(order, 0, count);
    yield* inSegments(
      { base, order: order.byteOffset, from: skip, to: count },
      segmentRows,
      this.#turn,
      context.signal,
    );
  }

  async close(): Promise<void> {
    await this.#scratch.close();
  }
}
