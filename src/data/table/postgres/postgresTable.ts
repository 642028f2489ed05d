import { createHash } from 'node:crypto';
import type { Client, QueryArrayResult } from 'pg';
import { MlmlError } from '../../../errors.js';
import { optionalPackage } from '../../optionalPackage.js';
import { shownSource } from '../databaseKind.js';
import { RepeatCheck } from '../repeatCheck.js';
import { longestRow, longRow } from '../rowLimit.js';
import { RowsBatch, rowsToFetch } from '../rowsBatch.js';
import { innerQuery, shownQuery, tableIdentifier } from '../sqlText.js';
import type { ColumnType, TableBatch, TableSource } from '../tableSource.js';
import { type PostgresColumn, postgresColumn } from './postgresTypes.js';

export interface PostgresOptions {
  /** A table, with its schema or without. Either this or `sql` is needed. */
  readonly table?: string;
  readonly sql?: string;
  /** Of which a row may take a quarter. Default 64e6. */
  readonly bufferBytes?: number;
  /** Gives up connecting, too. */
  readonly signal?: AbortSignal;
}

const CONNECT_MS = 30_000;
const CURSOR = 'mlml_rows';
/** Values stay the texts that PostgreSQL sends. */
const AS_TEXTS = { getTypeParser: () => (text: string) => text };

/**
 * Opens a table of PostgreSQL, or a query, by the address of its database (`postgres://user@host/name`; what it leaves out comes
 * from PGHOST, PGPASSWORD and so on). Rows come through a cursor. All passes see the same moment: they are one transaction, which
 * can only read. `MLML_MISSING_PACKAGE` without the optional package `pg`.
 */
export async function openPostgresTable(address: string, options: PostgresOptions): Promise<TableSource> {
  const { table, sql, bufferBytes, signal } = options;
  const shown = shownSource(address);
  const name = `${shown}: ${table ?? shownQuery(sql!)}`;
  const what = `${shown}: is a database of PostgreSQL`;
  const { Client: PostgresClient } = await optionalPackage('pg', what, () => import('pg'));
  const client = new PostgresClient({
    connectionString: address,
    application_name: 'mlml',
    connectionTimeoutMillis: CONNECT_MS,
  });
  const relation = table === undefined ? `${innerQuery(sql!)} AS mlml_source` : tableIdentifier(table);
  const opened = new PostgresTable(name, client, relation, longestRow(bufferBytes));
  const stop = () => void client.end();
  signal?.addEventListener('abort', stop);
  try {
    await opened.connect();
    return opened;
  } catch (error) {
    await opened.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

class PostgresTable implements TableSource {
  readonly name: string;
  columns: readonly string[] = [];
  types: readonly ColumnType[] = [];
  readonly repeatable = true;
  readonly #client: Client;
  readonly #relation: string;
  readonly #longestRow: number;
  readonly #repeats: RepeatCheck;
  #columns: readonly PostgresColumn[] = [];
  #broken: Error | undefined;

  constructor(name: string, client: Client, relation: string, longestRow: number) {
    this.name = name;
    this.#client = client;
    this.#relation = relation;
    this.#longestRow = longestRow;
    this.#repeats = new RepeatCheck(name);
    // Of a connection that breaks while nothing is asked, the next question says only that it is broken.
    client.on('error', (error) => {
      this.#broken ??= error;
    });
  }

  async connect(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      throw new MlmlError('MLML_IO', `${this.name}: cannot be reached: ${messageOf(error)}`, {
        cause: error,
      });
    }
    await this.#query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // Rows in the same order in every pass, and dates that can be read.
    for (const setting of [
      'synchronize_seqscans TO off',
      'max_parallel_workers_per_gather TO 0',
      "TimeZone TO 'UTC'",
      "DateStyle TO 'ISO'",
    ])
      await this.#query(`SET LOCAL ${setting}`);
    const { fields } = await this.#query(`SELECT * FROM ${this.#relation} LIMIT 0`);
    const oids = [...new Set(fields.map(({ dataTypeID }) => dataTypeID))];
    const types = await this.#query(
      `SELECT oid, typcategory, format_type(oid, NULL) FROM pg_type WHERE oid IN (${[0, ...oids].join(', ')})`,
    );
    const known = new Map(types.rows.map(([oid, kind, type]) => [Number(oid), [kind!, type!] as const]));
    this.#columns = fields.map(({ name, dataTypeID }) => {
      const [kind, type] = known.get(dataTypeID) ?? ['', ''];
      return postgresColumn(name, dataTypeID, kind, type);
    });
    this.columns = this.#columns.map(({ name }) => name);
    this.types = this.#columns.map(({ type }) => type);
    const twice = this.columns.find((name, i) => this.columns.indexOf(name) !== i);
    if (twice !== undefined)
      throw new MlmlError(
        'MLML_USAGE',
        `${this.name}: two columns are named ${twice}; give one of them another name with AS`,
      );
  }

  async *batches(signal?: AbortSignal): AsyncGenerator<TableBatch> {
    signal?.throwIfAborted();
    // Ends the query on its way, and the connection.
    const stop = () => void this.#client.end();
    signal?.addEventListener('abort', stop);
    const hash = createHash('sha256');
    let first = 0;
    try {
      await this.#query(`DECLARE ${CURSOR} NO SCROLL CURSOR FOR SELECT * FROM ${this.#relation}`);
      try {
        for (let count = rowsToFetch(0, 0); ; ) {
          const { rows } = await this.#query(`FETCH FORWARD ${count} FROM ${CURSOR}`);
          signal?.throwIfAborted();
          const bytes = this.#measure(rows, first, hash);
          if (rows.length > 0) yield new RowsBatch(rows, this.#convert, this.name, first);
          first += rows.length;
          if (rows.length < count) break;
          count = rowsToFetch(rows.length, bytes);
        }
        this.#repeats.add(hash.digest('hex'));
      } finally {
        // Also when a pass is left early; not possible any more when it has failed.
        await this.#query(`CLOSE ${CURSOR}`).catch(() => {});
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  readonly #convert = (text: string | null, column: number) =>
    text === null ? undefined : this.#columns[column]!.convert(text);

  /** Letters of some rows, all of which are added to a hash. `first`: rows before them. */
  #measure(
    rows: readonly (readonly (string | null)[])[],
    first: number,
    hash: { update(text: string): unknown },
  ): number {
    let bytes = 0;
    let all = '';
    for (const [i, row] of rows.entries()) {
      const text = JSON.stringify(row);
      if (text.length > this.#longestRow) throw longRow(this.name, first + i, text.length, this.#longestRow);
      bytes += text.length;
      all += text;
    }
    hash.update(all);
    return bytes;
  }

  async #query(text: string): Promise<QueryArrayResult<(string | null)[]>> {
    try {
      return await this.#client.query<(string | null)[]>({ text, rowMode: 'array', types: AS_TEXTS });
    } catch (thrown) {
      const error = this.#broken ?? thrown;
      const { code = '' } = error as { code?: string };
      // Classes of SQLSTATE: 22 is a value, 42 is the statement.
      const kind = code.startsWith('42') ? 'MLML_USAGE' : code.startsWith('22') ? 'MLML_BAD_DATA' : 'MLML_IO';
      const message = messageOf(error);
      // What the system says depends on how far the end had come when the question was sent: EPIPE, ECONNRESET, or nothing.
      const isLost = /^E[A-Z]+$/.test(code) || /^Connection terminated|not queryable/.test(message);
      const what = isLost ? `the connection was closed (${message})` : message;
      throw new MlmlError(kind, `${this.name}: ${what}`, { cause: error });
    }
  }

  async records() {
    return [{ name: this.name, sha256: this.#repeats.sha256 }];
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

/** Of a host with several addresses there is an error for each, and none of its own. */
function messageOf(error: unknown): string {
  const { message, errors, code } = error as Error & { errors?: readonly Error[]; code?: string };
  return (message || errors?.[0]?.message || code || String(error)).split('\n')[0]!;
}
