import type { Cell } from '../../src/data/columns/columnMapping.js';
import type { ColumnType, TableSource } from '../../src/data/table/tableSource.js';

/** A table in memory, given in batches of `batchRows` rows. */
export function listTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  { name = 'list', batchRows = 3, types = columns.map((): ColumnType => 'text') } = {},
): TableSource {
  return {
    name,
    columns,
    types,
    repeatable: true,
    async *batches() {
      for (let first = 0; first < rows.length; first += batchRows) {
        const some = rows.slice(first, first + batchRows);
        yield {
          rows: some.length,
          cell: (row, column) => some[row]![column],
          place: (row) => `${name}: row ${first + row + 1}`,
        };
      }
    },
    records: async () => [{ name, sha256: '0'.repeat(64) }],
    close: async () => {},
  };
}
