import type { RowBlock } from '../../data/rowBlock.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { EpochCounter, EventLoopTurn, shuffledOrder, shuffleRandom } from './streams.js';

const READ_BYTES = 1 << 23;

/** All rows in memory, read once; each epoch shuffles an array of row numbers. */
export class MemoryStream implements RowStream {
  readonly #parts: StreamParts;
  readonly #epochs: EpochCounter;
  /** Outlives an epoch: those of few rows are shorter than the time between two turns. */
  readonly #turn = new EventLoopTurn();
  readonly bytesRead: number;
  readonly bytesWritten = 0;

  private constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#epochs = new EpochCounter(parts.plan.epochs, parts.context.start);
    this.bytesRead = parts.plan.rows * parts.plan.rowBytes;
  }

  static async open(parts: StreamParts): Promise<MemoryStream> {
    const { plan, file, arena, context } = parts;
    const rows = arena.uint8('shuffle rows');
    const rowsAtOnce = Math.max(1, Math.floor(READ_BYTES / plan.rowBytes));
    for (let row = 0; row < plan.rows; row += rowsAtOnce) {
      context.signal?.throwIfAborted();
      const count = Math.min(rowsAtOnce, plan.rows - row);
      await file.readRows(rows.subarray(row * plan.rowBytes), row, count);
      const done = row + count;
      context.onProgress?.({
        done,
        total: plan.rows,
        bytesRead: done * plan.rowBytes,
        bytesWritten: 0,
      });
    }
    return new MemoryStream(parts);
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    const { plan, arena, context } = this.#parts;
    const base = arena.address('shuffle rows');
    const stored = plan.algo === 'none';
    const order = stored ? 0 : arena.address('shuffle order');
    if (!stored) {
      shuffledOrder(arena.uint32('shuffle order'), plan.rows, shuffleRandom(context.seed, 'order', epoch));
    }
    for (let from = fromRow; from < plan.rows; from += plan.segmentRows) {
      await this.#turn.due();
      context.signal?.throwIfAborted();
      yield { base, order, from, to: Math.min(plan.rows, from + plan.segmentRows) };
    }
  }

  async close(): Promise<void> {}
}
