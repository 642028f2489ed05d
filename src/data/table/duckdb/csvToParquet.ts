import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Storage } from '../../../storage/storage.js';
import { optionalPackage } from '../../optionalPackage.js';
import { longestRow } from '../rowLimit.js';
import { identifier } from '../sqlText.js';
import type { ColumnType } from '../tableSource.js';
import { checkQueryBytes, QUERY_BYTES, QueryProcess } from './queryProcess.js';
import { literal } from './selectColumns.js';

/** A column of CSV and what it becomes in Parquet. An empty field is null. */
export interface ParquetColumn {
  readonly name: string;
  /** A type of SQL; or what is known of the values, where the type follows from them: whole numbers or not, dates or times. */
  readonly type: 'BIGINT' | 'INTEGER' | 'DOUBLE' | ColumnType;
  /** An empty field is an empty text. */
  readonly neverNull?: boolean;
}

/** How CSV becomes Parquet. */
export interface ParquetOptions {
  /** Resident memory of the process that DuckDB runs in. Default 280e6. */
  readonly queryBytes?: number;
  /** A folder of this job, in which DuckDB may write what does not fit. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal;
}

/** Rows of a group, which is what DuckDB keeps in memory while it writes: its default, or fewer of many columns. */
const MOST_GROUP_ROWS = 122_880;
const LEAST_GROUP_ROWS = 2048;
const GROUP_BYTES = 16e6;

/** `MLML_MISSING_PACKAGE` where DuckDB is not there, `MLML_BUDGET_TOO_SMALL` where it has too little memory, before anything is done. */
export async function requireParquet(path: string, queryBytes = QUERY_BYTES): Promise<void> {
  checkQueryBytes(queryBytes);
  const { resolve } = createRequire(import.meta.url);
  const name = '@duckdb/node-api';
  await optionalPackage(name, `${path}: Parquet is written through DuckDB`, async () => resolve(name));
}

/**
 * Writes CSV (a header; fields as `csvField` quotes them) as a Parquet file at `path`, streaming, in a process of its own whose
 * memory is bounded. The order of the rows stays. The file is on the disk when it is done.
 */
export async function csvToParquet(
  storage: Storage,
  csv: string,
  path: string,
  columns: readonly ParquetColumn[],
  { queryBytes = QUERY_BYTES, scratchFolder, signal }: ParquetOptions,
): Promise<void> {
  const types = columns.map(({ type }, i) => `c${i}: '${/^[A-Z]/.test(type) ? type : 'VARCHAR'}'`);
  const rows =
    `read_csv(${literal(csv)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', ` +
    `nullstr = '', columns = {${types.join(', ')}})`;
  const duckdb = await QueryProcess.open({
    name: path,
    queryBytes,
    temporaryFolder: join(scratchFolder, 'duckdb'),
    longestRow: longestRow(undefined),
    setup: ["SET TimeZone = 'UTC'"],
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const expressions: string[] = [];
    for (const [i, { name, type, neverNull = false }] of columns.entries()) {
      const found = await typeOf(duckdb, rows, `c${i}`, type);
      const value = neverNull ? `coalesce(c${i}, '')` : `c${i}::${found}`;
      expressions.push(`${value} AS ${identifier(name)}`);
    }
    const group = Math.floor(GROUP_BYTES / (8 * columns.length));
    const groupRows = Math.max(LEAST_GROUP_ROWS, Math.min(MOST_GROUP_ROWS, group));
    await duckdb.ask(
      `COPY (SELECT ${expressions.join(', ')} FROM ${rows}) TO ${literal(path)} (FORMAT parquet, ROW_GROUP_SIZE ${groupRows})`,
    );
  } finally {
    await duckdb.close();
  }
  const file = await storage.openWrite(path);
  await file.sync().finally(() => file.close());
}

/** The type of SQL for what is known of a column. Where a value would not be itself, it stays a text. */
async function typeOf(
  duckdb: QueryProcess,
  rows: string,
  column: string,
  known: ParquetColumn['type'],
): Promise<string> {
  const all = async (test: string) => {
    const [[answer] = []] = await duckdb.ask(`SELECT coalesce(bool_and(${test}), true) FROM ${rows}`);
    return answer === 'true';
  };
  const matches = (expression: string) => all(`regexp_full_match(${column}, '${expression}')`);
  switch (known) {
    case 'number':
      if (await matches('-?\\d{1,18}')) return 'BIGINT';
      // More digits than fit, or doubles.
      return (await matches('-?\\d+')) ? 'VARCHAR' : (await castable('DOUBLE')) ? 'DOUBLE' : 'VARCHAR';
    case 'boolean':
      return (await castable('BOOLEAN')) ? 'BOOLEAN' : 'VARCHAR';
    case 'date':
      if (await matches('\\d{4}-\\d\\d-\\d\\d(T00:00:00(\\.0+)?Z)?')) return 'DATE';
      return (await castable('TIMESTAMP')) ? 'TIMESTAMP' : 'VARCHAR';
    case 'text':
      return 'VARCHAR';
    default:
      return known;
  }
  async function castable(type: string): Promise<boolean> {
    return await all(`${column} IS NULL OR TRY_CAST(${column} AS ${type}) IS NOT NULL`);
  }
}
