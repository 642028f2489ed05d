import type { RowBlock } from '../../data/rowBlock.js';
import type { StepBatch } from './runParts.js';

/** From `from` on, the first position of a block whose row counts (its weight is not 0), or the end. The batch must be empty, and is after it. */
export function firstCounting(batch: StepBatch, block: RowBlock, from: number): number {
  if (batch.weights === undefined) return from;
  for (let at = from; at < block.to; ) {
    const taken = batch.take(block, at);
    batch.checkLabels();
    const row = batch.weights.subarray(0, taken).findIndex((weight) => weight !== 0);
    batch.clear();
    if (row >= 0) return at + row;
    at += taken;
  }
  return block.to;
}

/** Takes the rows of a block a batch at a time and leaves the batch empty. */
export function forEachBatch(batch: StepBatch, block: RowBlock, visit: () => void): void {
  for (let at = block.from; at < block.to; ) {
    at += batch.take(block, at);
    visit();
    batch.clear();
  }
}
