import type { Cell } from '../../src/data/columns/columnMapping.js';
import type { TableSource } from '../../src/data/table/tableSource.js';

/** The values of all rows of a table. */
export async function cellsOf(table: TableSource, signal?: AbortSignal): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  for await (const batch of table.batches(signal))
    for (let row = 0; row < batch.rows; row++)
      rows.push(table.columns.map((_, column) => batch.cell(row, column)));
  return rows;
}
