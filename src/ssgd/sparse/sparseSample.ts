import type { RowBlock } from '../../data/rowBlock.js';
import { RecordView, type SparseDtype } from '../../data/sparse/sparseRecord.js';
import type { Arena } from '../../memory/arena.js';
import { forEachBatch } from '../sgd/batchPasses.js';
import type { RowSample } from '../sgd/calibration.js';
import type { SparseBatch } from './sparseBatch.js';

/**
 * Rows of a block as a sample for the automatic rate. `factors`: of the features, undefined: all 1. `product`: work space for d numbers.
 */
export function sparseSample(
  batch: SparseBatch,
  block: RowBlock,
  arena: Arena,
  { d, dtype }: { readonly d: number; readonly dtype: SparseDtype },
  factors: Float32Array | undefined,
  product: Float32Array,
): RowSample {
  const view = new RecordView(new Uint8Array(arena.buffer), dtype);
  const rows = block.to - block.from;
  const scaledValue = (word: number, i: number) => {
    const value = view.value(word, i);
    return factors === undefined ? value : value * factors[view.index(word, i)]!;
  };
  /** Visits the rows with the word they begin at and their weight. */
  const forEach = (visit: (word: number, weight: number) => void) => {
    forEachBatch(batch, block, () => {
      batch.checkLabels();
      for (let i = 0; i < batch.filled; i++) {
        visit(batch.rowAt(i) / 4, batch.weights === undefined ? 1 : batch.weights[i]!);
      }
    });
  };
  return {
    rows,
    d,
    forEachRow: (visit) => {
      forEach((word, weight) => {
        let squares = 0;
        for (let i = 0; i < view.nonzeros(word); i++) squares += scaledValue(word, i) ** 2;
        visit(squares, weight);
      });
    },
    applySecondMoment: (vector, longest) => {
      product.fill(0, 0, d);
      forEach((word, weight) => {
        let score = 0;
        let square = 0;
        const count = view.nonzeros(word);
        for (let i = 0; i < count; i++) {
          const value = scaledValue(word, i);
          score += value * vector[view.index(word, i)]!;
          square += value * value;
        }
        if (square > longest) score *= longest / square;
        for (let i = 0; i < count; i++)
          product[view.index(word, i)]! += weight * score * scaledValue(word, i);
      });
      for (let j = 0; j < d; j++) vector[j] = product[j]! / rows;
    },
  };
}
