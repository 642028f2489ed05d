import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Database, SQLiteValue } from 'node-sqlite3-wasm';
import { MlmlError } from '../../../errors.js';
import type { Storage } from '../../../storage/storage.js';
import { columnOption } from '../../columns/optionText.js';
import { optionalPackage } from '../../optionalPackage.js';
import { nearest } from '../../suggest.js';
import { RepeatCheck } from '../repeatCheck.js';
import { longestRow, longRow } from '../rowLimit.js';
import { RowsBatch, rowsToFetch, UnusableValue } from '../rowsBatch.js';
import { sha256Of } from '../sha256Of.js';
import { identifier, innerQuery, shownQuery } from '../sqlText.js';
import type { TableBatch, TableSource } from '../tableSource.js';

export interface SqliteOptions {
  /** Either this or `sql`; neither where the database has one table only. */
  readonly table?: string;
  readonly sql?: string;
  /** Of which a row may take a quarter. Default 64e6. */
  readonly bufferBytes?: number;
}

/** Bytes of a value beside its letters, roughly. */
const VALUE_BYTES = 16;
/** Of a database file; see https://www.sqlite.org/fileformat.html. */
const HEADER_BYTES = 100;
const READ_VERSION = 19;
const WRITE_AHEAD_LOG = 2;
const PRESENT = 'mlml_present';
type Row = readonly SQLiteValue[];

/**
 * Opens a table of an SQLite file, or a query over its tables. It must not be written meanwhile. `MLML_MISSING_PACKAGE` without
 * the optional package `node-sqlite3-wasm`, which is SQLite compiled to WebAssembly and reads the file page by page.
 */
export async function openSqliteTable(
  storage: Storage,
  path: string,
  options: SqliteOptions,
): Promise<TableSource> {
  const { sql, bufferBytes } = options;
  await checkHeader(storage, path);
  const what = `${path}: is a database of SQLite`;
  const { default: sqlite } = await optionalPackage(
    'node-sqlite3-wasm',
    what,
    () => import('node-sqlite3-wasm'),
  );
  const database = attempt(path, () => new sqlite.Database(path, { fileMustExist: true, readOnly: true }));
  try {
    const table = sql === undefined ? tableOf(database, path, options.table) : undefined;
    const name = `${path}: ${table ?? shownQuery(sql!)}`;
    // As part of another query, columns of the same name get different ones.
    const query = `SELECT * FROM ${table === undefined ? innerQuery(sql!) : identifier(table)}`;
    const columns = columnsOf(database, name, query);
    return new SqliteTable(storage, path, name, columns, database, query, longestRow(bufferBytes));
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What SQLite would only call a file that it is unable to open. */
async function checkHeader(storage: Storage, path: string): Promise<void> {
  if ((await storage.status(path)) === undefined)
    throw new MlmlError('MLML_NOT_FOUND', `${path}: there is no such file`);
  const file = await storage.openRead(path);
  const header = Buffer.alloc(Math.min(HEADER_BYTES, file.byteLength));
  await file.readInto(header, 0).finally(() => file.close());
  if (header.toString('latin1', 8, 12) === 'DUCK')
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: is a database of DuckDB, not of SQLite; give --format=duckdb`,
    );
  if (header[READ_VERSION] === WRITE_AHEAD_LOG)
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: keeps a write-ahead log, which this reader cannot open; write a copy without one first, ` +
        `as by sqlite3 ${path} "vacuum into 'copy.sqlite'"`,
    );
}

/** What SQLite says, as one of our errors. */
function attempt<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { message } = error as Error;
    if (/database is locked/.test(message))
      throw new MlmlError(
        'MLML_BUSY',
        `${name}: another process is using the database; if there is none any more, remove the folder ${name.split(': ')[0]}.lock`,
      );
    const code = /not a database|malformed|disk image|unable to open|cannot open/i.test(message)
      ? 'MLML_BAD_FILE'
      : /I\/O|disk/i.test(message)
        ? 'MLML_IO'
        : 'MLML_USAGE';
    throw new MlmlError(code, `${name}: ${message.split('\n')[0]}`, { cause: error });
  }
}

function tableOf(database: Database, path: string, table: string | undefined): string {
  const rows = attempt(path, () =>
    database.all(
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name",
    ),
  );
  const names = rows.map(({ name }) => String(name));
  const found = names.find((name) => name.toLowerCase() === table?.toLowerCase());
  if (found !== undefined) return found;
  if (table === undefined && names.length === 1) return names[0]!;
  const all = `its tables are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
  if (names.length === 0) throw new MlmlError('MLML_BAD_DATA', `${path}: has no tables`);
  if (table === undefined)
    throw new MlmlError('MLML_USAGE', `${path}: say which table to read with --table=<name>; ${all}`);
  const suggestion = nearest(table, names);
  throw new MlmlError(
    'MLML_USAGE',
    `--table=${table}: ${path} has no such table; ${suggestion === undefined ? all : `did you mean ${suggestion}?`}`,
  );
}

/** Names of the columns of a query, found without reading its rows. */
function columnsOf(database: Database, name: string, query: string): string[] {
  return attempt(name, () => {
    // A row of missing values stands beside the query, so that there is one also where the query has none.
    const rows = database.all(`SELECT * FROM (SELECT 1 AS ${PRESENT}) LEFT JOIN (${query} LIMIT 0) ON 0`);
    return Object.keys(rows[0]!).filter((column) => column !== PRESENT);
  });
}

class SqliteTable implements TableSource {
  readonly name: string;
  readonly columns: readonly string[];
  /** Any value may be in any column. */
  readonly types: readonly 'text'[];
  readonly repeatable = true;
  readonly #storage: Storage;
  readonly #path: string;
  readonly #database: Database;
  readonly #query: string;
  readonly #longestRow: number;
  readonly #repeats: RepeatCheck;

  constructor(
    storage: Storage,
    path: string,
    name: string,
    columns: readonly string[],
    database: Database,
    query: string,
    longestRow: number,
  ) {
    this.name = name;
    this.columns = columns;
    this.types = columns.map(() => 'text');
    this.#storage = storage;
    this.#path = path;
    this.#database = database;
    this.#query = query;
    this.#longestRow = longestRow;
    this.#repeats = new RepeatCheck(name);
  }

  async *batches(signal?: AbortSignal): AsyncGenerator<TableBatch> {
    const hash = createHash('sha256');
    const statement = attempt(this.name, () => this.#database.prepare(this.#query));
    let first = 0;
    try {
      const rows = statement.iterate()[Symbol.iterator]();
      const next = () => rows.next();
      for (let count = rowsToFetch(0, 0); ; ) {
        signal?.throwIfAborted();
        const values: Row[] = [];
        let bytes = 0;
        let all = '';
        while (values.length < count) {
          const { value, done } = attempt(this.name, next);
          if (done === true) break;
          const row = this.columns.map((column) => (value as Record<string, SQLiteValue>)[column]!);
          const size = sizeOf(row);
          if (size > this.#longestRow)
            throw longRow(this.name, first + values.length, size, this.#longestRow);
          bytes += size;
          all += textsOf(row);
          values.push(row);
        }
        hash.update(all);
        if (values.length > 0) yield new RowsBatch(values, this.#convert, this.name, first);
        first += values.length;
        if (values.length < count) break;
        count = rowsToFetch(values.length, bytes);
        // SQLite is not asynchronous: signals are heard between two batches.
        await setImmediate();
      }
      this.#repeats.add(hash.digest('hex'));
    } finally {
      release(statement);
    }
  }

  readonly #convert = (value: SQLiteValue, column: number) => {
    if (!(value instanceof Uint8Array)) return value;
    const name = this.columns[column]!;
    throw new UnusableValue(
      `column ${name}: the value is bytes (BLOB): ${columnOption('drop', name)} leaves the column out, or choose what of it counts ` +
        `with --query="SELECT length(${name}), … FROM …"`,
    );
  };

  async records() {
    return [{ name: this.#path, sha256: await sha256Of(this.#storage, this.#path) }];
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

/** Frees a statement. SQLite says again there what its last step failed with, which has been told. */
function release(statement: { finalize(): void }): void {
  try {
    statement.finalize();
  } catch {}
}

function sizeOf(row: Row): number {
  let bytes = VALUE_BYTES * row.length;
  for (const value of row)
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
  return bytes;
}

function textsOf(row: Row): string {
  let text = '';
  for (const value of row)
    text += `${typeof value} ${value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)}\n`;
  return text;
}
