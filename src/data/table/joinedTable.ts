import { MlmlError } from '../../errors.js';
import type { TableBatch, TableSource } from './tableSource.js';

/**
 * Several tables as one, the rows of the first before those of the second. The columns are those of the first; the others have to have
 * them too, in any order. Closing it closes all.
 */
export function joinedTable(name: string, tables: readonly TableSource[]): TableSource {
  const first = tables[0]!;
  const orders = tables.map((table) => orderOf(first, table));
  return {
    name,
    columns: first.columns,
    types: first.columns.map((_, column) => {
      const types = tables.map((table, t) => table.types[orders[t]![column]!]!);
      return types.every((type) => type === types[0]) ? types[0]! : 'text';
    }),
    repeatable: tables.every(({ repeatable }) => repeatable),
    async *batches(signal) {
      for (const [t, table] of tables.entries()) {
        const order = orders[t]!;
        const same = order.every((column, i) => column === i);
        for await (const batch of table.batches(signal)) yield same ? batch : reordered(batch, order);
      }
    },
    async records() {
      const records = [];
      for (const table of tables) records.push(...(await table.records()));
      return records;
    },
    async close() {
      for (const table of tables) await table.close();
    },
  };
}

/** For each column of the first table its number in another. */
function orderOf(first: TableSource, table: TableSource): number[] {
  const numbers = new Map(table.columns.map((column, number) => [column, number]));
  const order = first.columns.map((column) => numbers.get(column));
  const absent = first.columns[order.indexOf(undefined)];
  const known = new Set(first.columns);
  const extra = table.columns.find((column) => !known.has(column));
  if (absent === undefined && extra === undefined) return order as number[];
  throw new MlmlError(
    'MLML_BAD_DATA',
    `${table.name}: ${absent === undefined ? `has a column ${extra}, which ${first.name} does not have` : `has no column ${absent}, which ${first.name} has`}; ` +
      'files that are read together need the same columns',
  );
}

function reordered(batch: TableBatch, order: readonly number[]): TableBatch {
  return {
    rows: batch.rows,
    cell: (row, column) => batch.cell(row, order[column]!),
    ...(batch.numberAt === undefined
      ? {}
      : { numberAt: (row: number, column: number) => batch.numberAt!(row, order[column]!) }),
    ...(batch.numbersOf === undefined
      ? {}
      : {
          numbersOf: (column: number, from: number, count: number, target: Float64Array) =>
            batch.numbersOf!(order[column]!, from, count, target),
        }),
    place: (row) => batch.place(row),
  };
}
