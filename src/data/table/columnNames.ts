import { MlmlError } from '../../errors.js';
import type { TableSource } from './tableSource.js';

/**
 * The same table, blanks around the names of its columns left out: they have no meaning in any source. Names that are then the same are
 * `MLML_BAD_DATA`.
 */
export function withTrimmedNames(source: TableSource): TableSource {
  const columns = source.columns.map((column) => column.trim());
  if (columns.every((column, i) => column === source.columns[i])) return source;
  const seen = new Set<string>();
  const twice = columns.find((column) => seen.size === seen.add(column).size);
  if (twice !== undefined)
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${source.name}: two columns are called ${JSON.stringify(twice)}, but for blanks around the name; rename one`,
    );
  return {
    name: source.name,
    columns,
    types: source.types,
    repeatable: source.repeatable,
    batches: (signal) => source.batches(signal),
    records: () => source.records(),
    close: () => source.close(),
  };
}

/** An object without blanks around its names; undefined when two are then the same. The object itself where there are none. */
export function trimmedKeys(
  row: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const names = Object.keys(row);
  if (names.every((name) => name === name.trim())) return row;
  if (new Set(names.map((name) => name.trim())).size < names.length) return undefined;
  return Object.fromEntries(names.map((name) => [name.trim(), row[name]]));
}

/** Names for a message: the first ones, and how many there are. */
export function listed(names: readonly string[]): string {
  return `${names.slice(0, 20).join(', ')}${names.length > 20 ? `, … (${names.length} in all)` : ''}`;
}
