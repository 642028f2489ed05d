import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckdbTable } from '../../../src/data/table/duckdb/duckdbTable.js';
import { openSqliteTable } from '../../../src/data/table/sqlite/sqliteTable.js';
import type { TableSource } from '../../../src/data/table/tableSource.js';
import { nodeStorage } from '../../../src/storage/nodeStorage.js';
import { cellsOf } from '../cellsOf.js';
import { duckdb, unlessInstalled } from '../optionalPackages.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';

const folder = mkdtempSync(join(tmpdir(), 'mlml-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const bytesOf = (name: string) => new Uint8Array(readFileSync(join(folder, name)));

function sqliteFile(): Uint8Array {
  const { Database } = createRequire(import.meta.url)(
    'node-sqlite3-wasm',
  ) as typeof import('node-sqlite3-wasm');
  const database = new Database(join(folder, 'whole.sqlite'));
  database.exec('PRAGMA page_size = 512');
  database.exec('CREATE TABLE t (x REAL, y TEXT, z INTEGER)');
  for (let i = 0; i < 40; i++) database.exec(`INSERT INTO t VALUES (${i / 4}, 'word ${i}', ${i * 1000})`);
  database.close();
  return bytesOf('whole.sqlite');
}

async function parquetFile(): Promise<Uint8Array> {
  const path = join(folder, 'whole.parquet');
  await (await duckdb()).run(
    `COPY (SELECT i / 4 AS x, 'word ' || i AS y, i AS z FROM range(40) t(i)) TO '${path}' (FORMAT parquet)`,
  );
  return bytesOf('whole.parquet');
}

/** Reads every cell of a file. Its numbers carry no checksum: what matters is that it is read, or refused in one line. */
async function readAll(name: string, bytes: Uint8Array, open: (path: string) => Promise<TableSource>) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const table = await open(path);
  try {
    await cellsOf(table);
  } finally {
    await table.close();
  }
  return true;
}

export const sqliteTargets: readonly FuzzTarget[] = unlessInstalled('node-sqlite3-wasm')
  ? []
  : [
      {
        name: 'SQLite file',
        cases: bytesLike([sqliteFile()]),
        run: (bytes: Uint8Array) =>
          readAll('t.sqlite', bytes, (path) => openSqliteTable(nodeStorage, path, { bufferBytes: 1e6 })),
      },
    ];

/** Each case starts a process. */
export const duckdbTargets: readonly FuzzTarget[] = unlessInstalled('@duckdb/node-api')
  ? []
  : [
      {
        name: 'Parquet file',
        cases: bytesLike([await parquetFile()]),
        run: (bytes: Uint8Array) =>
          readAll('t.parquet', bytes, (path) =>
            openDuckdbTable(
              nodeStorage,
              { kind: 'files', name: path, paths: [path] },
              { scratchFolder: folder, bufferBytes: 1e6 },
            ),
          ),
      },
    ];
