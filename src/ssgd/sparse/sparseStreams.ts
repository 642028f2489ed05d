import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { RowFolds } from '../../data/rowFolds.js';
import type { RowSelection } from '../../data/rowSelection.js';
import { scanSparse } from '../../data/sparse/scanSparse.js';
import { sparseDtypeCodes } from '../../data/sparse/sparseRecord.js';
import type { SparseRowFile } from '../../data/sparse/sparseRowFile.js';
import type { Arena } from '../../memory/arena.js';
import { Scratch } from '../../storage/scratch.js';
import type { RowStream, ShuffleContext } from '../shuffle/rowStream.js';
import { EpochCounter, EventLoopTurn, shuffleRandom } from '../shuffle/streams.js';
import { keepRows } from './keepRows.js';
import type { SparsePlan } from './planSparse.js';
import { SparseScatterStream } from './sparseScatterStream.js';
import { tagFolds } from './tagFolds.js';

const READ_BYTES = 1 << 23;

/** What every stream of sparse rows works with. */
export interface SparseStreamParts {
  readonly plan: SparsePlan;
  readonly file: SparseRowFile;
  /** Undefined when no row is held out. */
  readonly selection: RowSelection | undefined;
  /** Undefined without a cross-validation. */
  readonly folds?: RowFolds | undefined;
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly context: ShuffleContext;
}

/**
 * Opens a stream of the rows that are trained on, which follows the plan of their shuffle. The order of an epoch depends on plan, seed
 * and epoch alone, so that a stream can begin with any of them.
 */
export async function openSparseStream(parts: SparseStreamParts): Promise<RowStream> {
  const { kind, scratchBytes } = parts.plan.shuffle;
  if (kind === 'memory') return await SparseMemoryStream.open(parts);
  if (kind === 'none') return new SparseStoredStream(parts);
  const { storage, scratchFolder } = parts.context;
  const scratch = await Scratch.open(storage, scratchFolder, scratchBytes);
  try {
    return await SparseScatterStream.open(parts, scratch);
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** All rows in memory, read once; each epoch shuffles where they begin. */
class SparseMemoryStream implements RowStream {
  readonly #parts: SparseStreamParts;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  readonly #bytes: number;
  readonly bytesWritten = 0;

  private constructor(parts: SparseStreamParts, bytes: number) {
    this.#parts = parts;
    this.#bytes = bytes;
    this.#epochs = new EpochCounter(parts.plan.chosen.epochs, parts.context.start);
  }

  get bytesRead(): number {
    return this.#bytes;
  }

  static async open(parts: SparseStreamParts): Promise<SparseMemoryStream> {
    const { plan, file, arena, context } = parts;
    const total = await file.offsetOf(plan.used);
    const rows = arena.uint8('shuffle rows');
    // A data set whose sizes lie is refused here, before anything is read past the region.
    if (total > rows.length) throw file.fault(plan.used, total, 0);
    for (let at = 0; at < total; at += READ_BYTES) {
      context.signal?.throwIfAborted();
      const end = Math.min(total, at + READ_BYTES);
      await file.readInto(rows.subarray(at, end), at);
      const done = Math.round((plan.used * end) / total);
      context.onProgress?.({ done, total: plan.used, bytesRead: end, bytesWritten: 0 });
    }
    const stream = new SparseMemoryStream(parts, total);
    // Rows that cannot be right are found before training.
    stream.#order();
    tagFolds(arena, arena.address('shuffle rows'), arena.uint32('shuffle order'), plan.used, 0, parts.folds);
    return stream;
  }

  /** Writes where the rows begin, in stored order; returns their number, without held-out ones. */
  #order(): number {
    const { plan, file, arena, kernels, selection } = this.#parts;
    const [base, order] = [arena.address('shuffle rows'), arena.address('shuffle order')];
    const { d, dtype } = plan.layout;
    const result = arena.uint32('shuffle walk');
    const found = kernels.walkSparse(
      base,
      base + this.#bytes,
      d,
      sparseDtypeCodes[dtype],
      base,
      order,
      plan.used,
      result.byteOffset,
    );
    if (found !== plan.used || result[0] !== this.#bytes) throw file.fault(found, result[0]!, result[1]!);
    return keepRows(arena.uint32('shuffle order'), found, 0, selection);
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    const { plan, arena, context } = this.#parts;
    const rows = this.#order();
    const words = arena.uint32('shuffle order');
    shuffleRandom(context.seed, 'order', epoch).shuffle(words, 0, rows);
    const base = arena.address('shuffle rows');
    const { segmentRows } = plan.shuffle;
    yield* inSegments(
      { base, order: words.byteOffset, from: fromRow, to: rows },
      segmentRows,
      this.#turn,
      context.signal,
    );
  }

  async close(): Promise<void> {}
}

/** Rows as they lie. */
class SparseStoredStream implements RowStream {
  readonly #parts: SparseStreamParts;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  bytesRead = 0;
  readonly bytesWritten = 0;

  constructor(parts: SparseStreamParts) {
    this.#parts = parts;
    this.#epochs = new EpochCounter(parts.plan.chosen.epochs, parts.context.start);
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    const { plan, file, selection, folds, arena, kernels, context } = this.#parts;
    const { segmentRows } = plan.shuffle;
    const order = arena.uint32('shuffle order');
    // Blocks end where they end in an epoch from its beginning: they are scanned from there.
    let row = 0;
    for await (const block of scanSparse(file, arena, kernels, 'shuffle', context.signal, {
      to: plan.used,
    })) {
      tagFolds(arena, block.base, order, block.to, block.firstRow, folds);
      const rows = keepRows(order, block.to, block.firstRow, selection);
      for (let from = 0; from < rows; from += segmentRows) {
        await this.#turn.due();
        context.signal?.throwIfAborted();
        const to = Math.min(rows, from + segmentRows);
        const skipped = Math.max(from, Math.min(to, fromRow - row));
        if (skipped < to) yield { base: block.base, order: block.order, from: skipped, to };
      }
      row += rows;
    }
    this.bytesRead += file.sizes.bytes;
  }

  async close(): Promise<void> {}
}

/** Hands over the rows of a block segment by segment; between them others have their turn. */
export async function* inSegments(
  { base, order, from: first, to: end }: RowBlock,
  segmentRows: number,
  turn: EventLoopTurn,
  signal: AbortSignal | undefined,
): AsyncGenerator<RowBlock> {
  for (let from = first; from < end; ) {
    await turn.due();
    signal?.throwIfAborted();
    const to = Math.min(end, (Math.floor(from / segmentRows) + 1) * segmentRows);
    yield { base, order, from, to };
    from = to;
  }
}
