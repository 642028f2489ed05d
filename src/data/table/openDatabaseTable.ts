import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { type DatabaseKind, hasTables, shownSource } from './databaseKind.js';
import { tablePaths } from './tablePaths.js';
import type { TableSource } from './tableSource.js';

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
  readonly signal?: AbortSignal;
}

/** `MLML_USAGE` for options that only databases have. */
export function refuseTableOptions(
  source: string,
  { table, query }: { readonly table?: string; readonly query?: string },
): void {
  const [option, value] = table === undefined ? ['query', query] : ['table', table];
  if (value === undefined) return;
  throw new MlmlError(
    'MLML_USAGE',
    `--${option}=${value}: is for databases (SQLite, DuckDB, PostgreSQL), which ${shownSource(source)} is not`,
  );
}

/** Opens a source of which `databaseKind` told the kind; its reader is loaded then. The caller closes it. */
export async function openDatabaseTable(
  storage: Storage,
  source: string,
  kind: DatabaseKind,
  options: DatabaseTableOptions,
): Promise<TableSource> {
  const { table, query, bufferBytes, signal } = options;
  if (!hasTables(kind)) refuseTableOptions(source, options);
  if (table !== undefined && query !== undefined)
    throw new MlmlError('MLML_USAGE', `--query=${query}: not with --table; give one of them`);
  if (kind !== 'sqlite' && hasTables(kind) && table === undefined && query === undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${shownSource(source)}: say what to read with either --table=<name> or --query="select …"`,
    );
  const asked = {
    ...(table === undefined ? {} : { table }),
    ...(query === undefined ? {} : { sql: query }),
    ...(bufferBytes === undefined ? {} : { bufferBytes }),
  };
  switch (kind) {
    case 'postgres': {
      const { openPostgresTable } = await import('./postgres/postgresTable.js');
      return await openPostgresTable(source, { ...asked, ...(signal === undefined ? {} : { signal }) });
    }
    case 'sqlite': {
      const { openSqliteTable } = await import('./sqlite/sqliteTable.js');
      return await openSqliteTable(storage, source, asked);
    }
    case 'sql':
    case 'duckdb':
    case 'parquet': {
      const { openDuckdbTable } = await import('./duckdb/duckdbTable.js');
      if (kind === 'sql') return await openDuckdbTable(storage, { kind: 'query', sql: source }, options);
      if (kind === 'duckdb') await (await storage.openRead(source)).close();
      if (kind === 'duckdb')
        return await openDuckdbTable(storage, { kind: 'database', path: source, ...asked }, options);
      const paths = await tablePaths(storage, source);
      // DuckDB would wait for one who writes to a pipe.
      for (const path of paths) await (await storage.openRead(path)).close();
      return await openDuckdbTable(storage, { kind: 'files', name: source, paths }, options);
    }
  }
}
