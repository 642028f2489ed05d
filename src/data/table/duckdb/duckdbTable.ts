import { join } from 'node:path';
import { MlmlError } from '../../../errors.js';
import { removeLeftovers } from '../../../storage/leftovers.js';
import { missingFolders, removeEmptyFolders } from '../../../storage/madeFolders.js';
import { ownedName } from '../../../storage/ownedFolder.js';
import type { Storage } from '../../../storage/storage.js';
import { RepeatCheck } from '../repeatCheck.js';
import { longestRow } from '../rowLimit.js';
import { sha256Of } from '../sha256Of.js';
import { innerQuery, shownQuery, tableIdentifier } from '../sqlText.js';
import type { ColumnType, TableBatch, TableSource } from '../tableSource.js';
import { FrameBatch } from './frameBatch.js';
import { END, type EndOfRows, ROWS } from './messages.js';
import { checkQueryBytes, QUERY_BYTES, QueryProcess, type QueryProcessOptions } from './queryProcess.js';
import { type DuckdbColumn, duckdbColumns, literal } from './selectColumns.js';

/** What is read. */
export type DuckdbSource =
  /** Parquet files, which are there, one after the other. */
  | { readonly kind: 'files'; readonly name: string; readonly paths: readonly string[] }
  /** A query over files of any format that DuckDB reads. */
  | { readonly kind: 'query'; readonly sql: string }
  /** A DuckDB database: one of its tables, or a query over them. */
  | { readonly kind: 'database'; readonly path: string; readonly table?: string; readonly sql?: string };

export interface DuckdbOptions {
  /** Memory of this process for what grows with the length of rows: a row may take a quarter. Default 64e6. */
  readonly bufferBytes?: number;
  /** Resident memory of the process that DuckDB runs in. Default 280e6. */
  readonly queryBytes?: number;
  /** Where DuckDB may write what does not fit in its memory. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a table that DuckDB reads, in a process of its own (QueryProcess). What is not there, or no query, is told at once.
 * `MLML_MISSING_PACKAGE` without the optional package `@duckdb/node-api`.
 */
export async function openDuckdbTable(
  storage: Storage,
  source: DuckdbSource,
  options: DuckdbOptions,
): Promise<TableSource> {
  const { bufferBytes, queryBytes = QUERY_BYTES, scratchFolder } = options;
  checkQueryBytes(queryBytes);
  const { name, setup, relation } = await statementsFor(storage, source);
  await removeLeftovers(storage, scratchFolder);
  const processOptions: QueryProcessOptions = {
    name,
    queryBytes,
    temporaryFolder: join(scratchFolder, ownedName('scratch')),
    longestRow: longestRow(bufferBytes),
    setup: ["SET TimeZone = 'UTC'", ...setup],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  // DuckDB makes the folder that it writes to, but not those around it.
  const made = await missingFolders(storage, scratchFolder);
  await storage.makeFolder(scratchFolder);
  const table = new DuckdbTable(storage, source, relation, processOptions, made);
  try {
    await table.describe();
    return table;
  } catch (error) {
    await table.close();
    throw error;
  }
}

interface Statements {
  readonly name: string;
  readonly setup: readonly string[];
  /** What stands after FROM. */
  readonly relation: string;
}

async function statementsFor(storage: Storage, source: DuckdbSource): Promise<Statements> {
  if (source.kind === 'files') {
    // Letters that stand for others in patterns stand for themselves here.
    const paths = source.paths.map((path) => literal(path.replace(/[*?[]/g, '[$&]')));
    return { name: source.name, setup: [], relation: `read_parquet([${paths.join(', ')}])` };
  }
  if (source.kind === 'query')
    return { name: shownQuery(source.sql), setup: [], relation: innerQuery(source.sql) };
  const { path, table, sql } = source;
  if ((await storage.status(path)) === undefined)
    throw new MlmlError('MLML_NOT_FOUND', `${path}: there is no such file`);
  const setup = [`ATTACH ${literal(path)} AS mlml_source (TYPE duckdb, READ_ONLY)`, 'USE mlml_source'];
  if (sql !== undefined) return { name: `${path}: ${shownQuery(sql)}`, setup, relation: innerQuery(sql) };
  return { name: `${path}: ${table}`, setup, relation: tableIdentifier(table ?? '') };
}

class DuckdbTable implements TableSource {
  readonly name: string;
  columns: readonly string[] = [];
  types: readonly ColumnType[] = [];
  readonly repeatable = true;
  readonly #storage: Storage;
  readonly #source: DuckdbSource;
  readonly #relation: string;
  readonly #options: QueryProcessOptions;
  readonly #repeats: RepeatCheck;
  readonly #made: readonly string[];
  #columns: readonly DuckdbColumn[] = [];
  #process: QueryProcess | undefined;

  /** @param made folders made for this table, which go again where they are empty */
  constructor(
    storage: Storage,
    source: DuckdbSource,
    relation: string,
    options: QueryProcessOptions,
    made: readonly string[],
  ) {
    this.#made = made;
    this.name = options.name;
    this.#storage = storage;
    this.#source = source;
    this.#relation = relation;
    this.#options = options;
    this.#repeats = new RepeatCheck(options.name);
  }

  /** Starts the process and finds the columns. */
  async describe(): Promise<void> {
    this.#process = await QueryProcess.open(this.#options);
    const described = await this.#process.ask(`DESCRIBE SELECT * FROM ${this.#relation}`);
    // DuckDB has given columns of the same name different ones.
    const columns = described.map(([name, type]) => [name!, type!] as const);
    const from = this.#source.kind === 'files' ? literal(this.#source.name) : '(…)';
    this.#columns = duckdbColumns(columns, from);
    this.columns = this.#columns.map(({ name }) => name);
    this.types = this.#columns.map(({ type }) => type);
  }

  async *batches(signal?: AbortSignal): AsyncGenerator<TableBatch> {
    signal?.throwIfAborted();
    const running = this.#process ?? (await QueryProcess.open(this.#options));
    // While rows are on their way it answers nothing else: a pass that is left early ends it.
    this.#process = undefined;
    const stop = () => void running.close();
    signal?.addEventListener('abort', stop);
    let whole = false;
    let first = 0;
    try {
      for await (const { kind, payload } of running.rows(this.#request())) {
        signal?.throwIfAborted();
        if (kind === END) {
          const { sha256 } = JSON.parse(Buffer.from(payload).toString()) as EndOfRows;
          this.#repeats.add(sha256);
          whole = true;
          return;
        }
        if (kind !== ROWS) throw new MlmlError('MLML_INTERNAL', `${this.name}: unknown frame ${kind}`);
        const batch = new FrameBatch(payload, this.#columns, this.name, first);
        first += batch.rows;
        yield batch;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      if (whole) this.#process = running;
      else await running.close();
    }
  }

  #request() {
    const sent = this.#columns.flatMap(({ sent }) => (sent === undefined ? [] : [sent]));
    const expressions = this.#columns.flatMap(({ expressions }) => expressions);
    // Rows are counted also where no column can be sent.
    if (sent.length === 0)
      return { rows: `SELECT 0::DOUBLE FROM ${this.#relation}`, columns: ['doubles'] as const };
    return { rows: `SELECT ${expressions.join(', ')} FROM ${this.#relation}`, columns: sent };
  }

  /** The files; a query has none that are known, and is recorded with the hash of its rows. */
  async records() {
    if (this.#source.kind !== 'files') return [{ name: this.name, sha256: this.#repeats.sha256 }];
    const records = [];
    for (const name of this.#source.paths)
      records.push({ name, sha256: await sha256Of(this.#storage, name) });
    return records;
  }

  async close(): Promise<void> {
    await this.#process?.close();
    this.#process = undefined;
    await this.#storage.remove(this.#options.temporaryFolder);
    await removeEmptyFolders(this.#storage, this.#made);
  }
}
