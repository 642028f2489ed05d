import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { openDuckdbTable } from './duckdb/duckdbTable.js';
import { openPostgresTable } from './postgres/postgresTable.js';
import { openSqliteTable } from './sqlite/sqliteTable.js';
import type { TableSource } from './tableSource.js';

/** What is read by a library of its own: Parquet files and SQL over files (DuckDB), and databases. */
export const databaseKinds = ['parquet', 'sql', 'duckdb', 'sqlite', 'postgres'] as const;
export type DatabaseKind = (typeof databaseKinds)[number];

export interface DatabaseTableOptions {
  /** The table of a database. */
  readonly table?: string;
  /** A query over the tables of a database, instead of one table. */
  readonly query?: string;
  /** Memory of this process for what grows with the length of rows. Default 64e6. */
  readonly bufferBytes?: number;
  /** Resident memory of the process that DuckDB runs in. Default 280e6. */
  readonly queryBytes?: number;
  /** Where DuckDB may write what does not fit in its memory. */
  readonly scratchFolder: string;
}

const endings: readonly (readonly [RegExp, DatabaseKind])[] = [
  [/\.(parquet|parq|pq)$/i, 'parquet'],
  [/\.(sqlite|sqlite3|db|db3)$/i, 'sqlite'],
  [/\.(duckdb|ddb)$/i, 'duckdb'],
];

/** What a source is by its text alone; undefined for what is none of these. */
export function databaseKind(source: string): DatabaseKind | undefined {
  if (/^\s*(select|with|from)\s/i.test(source)) return 'sql';
  if (/^postgres(ql)?:\/\//i.test(source)) return 'postgres';
  return endings.find(([ending]) => ending.test(source))?.[1];
}

/** Opens a source of which `databaseKind` told the kind. The caller closes it. */
export async function openDatabaseTable(
  storage: Storage,
  source: string,
  kind: DatabaseKind,
  options: DatabaseTableOptions,
): Promise<TableSource> {
  const { table, query } = options;
  const takesTables = kind !== 'parquet' && kind !== 'sql';
  for (const [option, value] of [
    ['table', table],
    ['query', query],
  ] as const)
    if (value !== undefined && !takesTables)
      throw new MlmlError(
        'MLML_USAGE',
        `--${option}=${value}: is for databases (SQLite, DuckDB, PostgreSQL), not for ${kind === 'sql' ? 'a query' : source}`,
      );
  if (table !== undefined && query !== undefined)
    throw new MlmlError('MLML_USAGE', `--query=${query}: not with --table; give one of them`);
  const asked = {
    ...(table === undefined ? {} : { table }),
    ...(query === undefined ? {} : { sql: query }),
    ...(options.bufferBytes === undefined ? {} : { bufferBytes: options.bufferBytes }),
  };
  switch (kind) {
    case 'parquet':
      return await openDuckdbTable(storage, { kind: 'files', pattern: source }, options);
    case 'sql':
      return await openDuckdbTable(storage, { kind: 'query', sql: source }, options);
    case 'duckdb':
      if (table === undefined && query === undefined)
        throw new MlmlError(
          'MLML_USAGE',
          `${source}: say what to read with either --table=<name> or --query="select …"`,
        );
      return await openDuckdbTable(storage, { kind: 'database', path: source, ...asked }, options);
    case 'sqlite':
      return await openSqliteTable(storage, source, asked);
    case 'postgres':
      return await openPostgresTable(source, asked);
  }
}
