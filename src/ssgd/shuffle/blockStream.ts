import type { RowBlock } from '../../data/rowBlock.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { EpochCounter, shuffledOrder, shuffleRandom } from './streams.js';

interface Filling {
  readonly half: number;
  readonly rows: number;
  readonly done: Promise<unknown>;
}

/**
 * Random contiguous blocks, shuffled together in memory (CorgiPile: Xu, Qiu et al., SIGMOD 2022). Rows of one block
 * stay in one buffer, so the order is not uniform over all permutations; no scratch is needed.
 */
export class BlockStream implements RowStream {
  readonly #parts: StreamParts;
  readonly #epochs: EpochCounter;
  bytesRead = 0;
  readonly bytesWritten = 0;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#epochs = new EpochCounter(parts.plan.epochs, parts.context.start);
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    const { plan, arena, context } = this.#parts;
    const blocks = arena.uint32('shuffle blocks');
    shuffledOrder(blocks, blocks.length, shuffleRandom(context.seed, 'blocks', epoch));
    const order = arena.uint32('shuffle order');
    const random = shuffleRandom(context.seed, 'order', epoch);
    const perBuffer = Math.max(1, Math.floor(plan.capacity / plan.blockRows));
    let skip = fromRow;
    let first = 0;
    for (; first < blocks.length; first += perBuffer) {
      const rows = this.#rowsOf(blocks, first, perBuffer);
      if (skip < rows) break;
      skip -= rows;
      // Only the draws matter.
      shuffledOrder(order, rows, random);
    }
    let next = first < blocks.length ? this.#fill(blocks, first, perBuffer, 0) : undefined;
    try {
      for (let from = first; next !== undefined; from += perBuffer) {
        const { half, rows, done }: Filling = next;
        next = undefined;
        await done;
        this.bytesRead += rows * plan.rowBytes;
        if (from + perBuffer < blocks.length) {
          next = this.#fill(blocks, from + perBuffer, perBuffer, 1 - half);
        }
        shuffledOrder(order, rows, random);
        const base = arena.address('shuffle rows') + half * plan.capacity * plan.rowBytes;
        for (let at = skip; at < rows; at += plan.segmentRows) {
          context.signal?.throwIfAborted();
          const to = Math.min(rows, at + plan.segmentRows);
          yield { base, order: arena.address('shuffle order'), from: at, to };
        }
        skip = 0;
      }
    } finally {
      await next?.done.catch(() => {});
    }
  }

  #rowsOf(blocks: Uint32Array, from: number, count: number): number {
    const { plan } = this.#parts;
    let rows = 0;
    for (const block of blocks.subarray(from, from + count))
      rows += Math.min(plan.blockRows, plan.rows - block * plan.blockRows);
    return rows;
  }

  /** Starts reading blocks `blocks[from..from + count)` into one half of the buffer, close together. */
  #fill(blocks: Uint32Array, from: number, count: number, half: number): Filling {
    const { plan, file, arena } = this.#parts;
    const target = arena.uint8('shuffle rows').subarray(half * plan.capacity * plan.rowBytes);
    const reads: Promise<void>[] = [];
    let rows = 0;
    for (const block of blocks.subarray(from, from + count)) {
      const first = block * plan.blockRows;
      const blockRows = Math.min(plan.blockRows, plan.rows - first);
      reads.push(file.readRows(target.subarray(rows * plan.rowBytes), first, blockRows));
      rows += blockRows;
    }
    const done = Promise.allSettled(reads).then(() => Promise.all(reads));
    // A failure is reported when the rows are awaited, not as an unhandled rejection before.
    done.catch(() => {});
    return { half, rows, done };
  }

  async close(): Promise<void> {}
}
