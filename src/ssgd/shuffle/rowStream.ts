import type { RowBlock } from '../../data/rowBlock.js';
export interface RowStream {
  epoch(epoch: number): AsyncIterable<RowBlock>;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  close(): Promise<void>;
}
