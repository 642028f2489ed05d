import type { RowBlock } from '../../data/rowBlock.js';
import { scanRows } from '../../data/scanRows.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { EpochCounter } from './streams.js';

/** Rows in the order in which they are stored, read afresh for each epoch. */
export class StoredStream implements RowStream {
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
    const { plan, file, arena, context } = this.#parts;
    for await (const block of scanRows(file, arena, 'shuffle rows', context.signal, fromRow)) {
      this.bytesRead += block.to * plan.rowBytes;
      yield block;
    }
  }

  async close(): Promise<void> {}
}
