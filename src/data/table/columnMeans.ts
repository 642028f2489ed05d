import { booleanOf } from '../columns/cells.js';
import type { FeatureColumn } from '../columns/columnMapping.js';
import { columnPlaces } from '../columns/columnPlaces.js';
import { type RowRouter, TRAIN } from './rowRouter.js';
import { numbersOf, type TableSource } from './tableSource.js';

const BLOCK_ROWS = 1024;

/**
 * Means of columns of numbers and truth values over the training rows, without missing and infinite values; 0 where there is no
 * other. Means are moved along (Welford, Technometrics 1962), so that they do not overflow and offsets do no harm.
 */
export async function trainingMeans(
  source: TableSource,
  columns: readonly FeatureColumn[],
  router: RowRouter,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const labels = new Float64Array(BLOCK_ROWS * router.labelCount);
  const parts = new Uint8Array(BLOCK_ROWS);
  const values = new Float64Array(BLOCK_ROWS);
  const means = new Float64Array(columns.length);
  const counts = new Float64Array(columns.length);
  const placeOf = columnPlaces(source.columns);
  const positions = columns.map(({ column }) => placeOf(column));
  for await (const batch of source.batches(signal)) {
    for (let from = 0; from < batch.rows; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, batch.rows - from);
      router.route(batch, from, count, labels, parts);
      for (const [c, position] of positions.entries()) {
        const isBoolean = columns[c]!.kind === 'boolean';
        if (!isBoolean) numbersOf(batch, position, from, count, values);
        for (let i = 0; i < count; i++) {
          if (parts[i] !== TRAIN) continue;
          if (isBoolean) {
            const cell = batch.cell(from + i, position);
            values[i] = router.isMissing(cell) ? Number.NaN : (booleanOf(cell) ?? Number.NaN);
          }
          const value = values[i]!;
          if (Number.isNaN(value)) continue;
          counts[c]!++;
          means[c]! += (value - means[c]!) / counts[c]!;
        }
      }
    }
  }
  return new Map(columns.map(({ column }, c) => [column, means[c]!]));
}
