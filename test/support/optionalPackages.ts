import { createRequire } from 'node:module';
import type { DuckDBConnection } from '@duckdb/node-api';

const require = createRequire(import.meta.url);

/** Why a test that needs an optional package is skipped; false where the package is there. */
export function unlessInstalled(name: string): string | false {
  try {
    require.resolve(name);
    return false;
  } catch {
    return `needs the optional package ${name}`;
  }
}

/** A connection to a DuckDB in this process, to make files and to compare with. */
export async function duckdb(): Promise<DuckDBConnection> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
}
