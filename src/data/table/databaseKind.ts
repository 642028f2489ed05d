/** What is read by a library of its own: Parquet files and SQL over files (DuckDB), and databases. */
export const databaseFormatNames = ['parquet', 'duckdb', 'sqlite'] as const;
export type DatabaseKind = (typeof databaseFormatNames)[number] | 'sql' | 'postgres';

const endings: readonly (readonly [RegExp, DatabaseKind])[] = [
  [/\.(parquet|parq|pq)$/i, 'parquet'],
  [/\.(sqlite|sqlite3|db|db3)$/i, 'sqlite'],
  [/\.(duckdb|ddb)$/i, 'duckdb'],
];

/** What a source is by its text alone, or by `--format`; undefined for what is none of these. */
export function databaseKind(source: string, format?: string): DatabaseKind | undefined {
  if (/^\s*(select|with|from)\s/i.test(source)) return 'sql';
  if (/^postgres(ql)?:\/\//i.test(source)) return 'postgres';
  if (format !== undefined) return databaseFormatNames.find((name) => name === format);
  return endings.find(([ending]) => ending.test(source))?.[1];
}

/** Whether a source is looked for in the file system: neither a query nor the address of a server. */
export function isPath(source: string): boolean {
  const kind = databaseKind(source);
  return kind !== 'sql' && kind !== 'postgres';
}

/** Whether it has tables, one of which has to be named. */
export const hasTables = (kind: DatabaseKind | undefined) =>
  kind === 'sqlite' || kind === 'duckdb' || kind === 'postgres';

/** What may be shown of a source: the address of a database without its password, and without options, which may hold one. */
export function shownSource(source: string): string {
  if (databaseKind(source) !== 'postgres') return source;
  try {
    const url = new URL(source);
    return `${url.protocol}//${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`;
  } catch {
    return source.replace(/:\/\/.*@/, '://').replace(/\?.*/s, '');
  }
}
