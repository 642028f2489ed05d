import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MlmlError } from '../../../errors.js';
import { formatBytes } from '../../../memory/byteSize.js';
import { detailOf, missingPackage } from '../../optionalPackage.js';
import { longRow } from '../rowLimit.js';
import { type Frame, FrameReader } from './frameReader.js';
import {
  ANSWER,
  type AskRequest,
  FAILED,
  type OpenRequest,
  type RowsRequest,
  TOO_LARGE,
} from './messages.js';

/** What Node, DuckDB's code and rows on their way take, beside what DuckDB manages. Measured: 110 to 140 MB. */
const OWN_BYTES = 140e6;
/** DuckDB can do nothing with less. */
const LEAST_MANAGED = 40e6;
const LEAST_QUERY_BYTES = OWN_BYTES + LEAST_MANAGED;
/** Default of the process's resident memory. */
export const QUERY_BYTES = 280e6;
const DUCKDB = '@duckdb/node-api';
/** Of its standard error, the end is kept. */
const KEPT_LETTERS = 2000;

/** `MLML_BUDGET_TOO_SMALL` for less memory than the process can do with. */
export function checkQueryBytes(queryBytes: number): void {
  if (queryBytes >= LEAST_QUERY_BYTES) return;
  throw new MlmlError(
    'MLML_BUDGET_TOO_SMALL',
    `--query-memory=${formatBytes(queryBytes).replace(' ', '')}: DuckDB needs at least ${formatBytes(LEAST_QUERY_BYTES)}`,
  );
}

export interface QueryProcessOptions {
  /** For messages. */
  readonly name: string;
  /** Resident memory of the process; above it ends. At least LEAST_QUERY_BYTES. */
  readonly queryBytes: number;
  readonly temporaryFolder: string;
  readonly longestRow: number;
  readonly setup: readonly string[];
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** DuckDB in a process of its own, which ends with this one, when it takes too much memory, or when it is killed. */
export class QueryProcess {
  readonly #options: QueryProcessOptions;
  readonly #child: ChildProcess;
  readonly #frames: FrameReader;
  readonly #ended: Promise<string>;
  readonly #endWithThis: () => void;
  #errors = '';

  private constructor(options: QueryProcessOptions) {
    this.#options = options;
    this.#child = spawn(
      process.execPath,
      // Little is made in JavaScript there.
      ['--max-semi-space-size=2', fileURLToPath(new URL('./duckdbProcess.js', import.meta.url))],
      {
        stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
        // One thread reads files; memory that one thread of the C library freed is of no use to another.
        env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: '1', MALLOC_ARENA_MAX: '1' },
        windowsHide: true,
      },
    );
    // What does not reach it any more is found out when its answer is missing.
    this.#child.stdin!.on('error', () => {});
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (text: Buffer) => {
        this.#errors = (this.#errors + text.toString('latin1')).slice(-KEPT_LETTERS);
      });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`cannot be started (${error.message})`));
      this.#child.on('close', (code, signal) =>
        resolve(signal === null ? `ended with status ${code}` : `was ended by ${signal}`),
      );
    });
    this.#frames = new FrameReader(this.#child.stdio[3] as Readable);
    this.#endWithThis = () => this.#child.kill('SIGKILL');
    process.on('exit', this.#endWithThis);
    options.signal?.addEventListener('abort', this.#endWithThis);
    if (options.signal?.aborted) this.#endWithThis();
  }

  /** Starts it and opens the database. */
  static async open(options: QueryProcessOptions): Promise<QueryProcess> {
    const opened = new QueryProcess(options);
    const { queryBytes, temporaryFolder, longestRow, setup } = options;
    const request: OpenRequest = {
      memoryLimit: Math.max(LEAST_MANAGED, queryBytes - OWN_BYTES),
      residentLimit: queryBytes,
      temporaryFolder,
      longestRow,
      setup,
    };
    try {
      await opened.#answer(request);
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** A small result, all values as texts. */
  async ask(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    return await this.#answer({ ask: sql });
  }

  /** The frames of a result, the last being that of the end. */
  async *rows(request: RowsRequest): AsyncGenerator<Frame> {
    this.#send(request);
    for (;;) yield await this.#next();
  }

  /** Ends the process at once and waits until it is gone. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#child.stdio[3]?.destroy();
    await this.#ended;
    process.off('exit', this.#endWithThis);
    this.#options.signal?.removeEventListener('abort', this.#endWithThis);
  }

  #send(request: OpenRequest | AskRequest | RowsRequest): void {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
  }

  async #answer(request: OpenRequest | AskRequest): Promise<readonly (readonly (string | null)[])[]> {
    this.#send(request);
    const { kind, payload } = await this.#next();
    if (kind !== ANSWER)
      throw new MlmlError('MLML_INTERNAL', `${this.#options.name}: frame ${kind} is no answer`);
    return JSON.parse(Buffer.from(payload).toString());
  }

  async #next(): Promise<Frame> {
    const frame = await this.#frames.next();
    if (frame === undefined) throw await this.#death();
    if (frame.kind === FAILED) throw this.#failure(JSON.parse(Buffer.from(frame.payload).toString()));
    return frame;
  }

  /** Why it is gone. */
  async #death(): Promise<MlmlError> {
    const how = await this.#ended;
    const { name, queryBytes, signal } = this.#options;
    signal?.throwIfAborted();
    const resident = this.#errors.split(TOO_LARGE)[1];
    if (resident !== undefined)
      return this.#tooSmall(`the process that reads it took ${formatBytes(Number.parseInt(resident, 10))}`);
    const said = this.#errors.trim().split('\n').at(-1)!;
    return new MlmlError(
      'MLML_IO',
      `${name}: the process that reads it through DuckDB ${how}${said === '' ? '' : `: ${said}`}` +
        (how.endsWith('SIGKILL')
          ? `; if the system was short of memory, give it less than --query-memory=${formatBytes(queryBytes).replace(' ', '')}`
          : ''),
    );
  }

  #failure(failure: {
    readonly message?: string;
    readonly code?: string;
    readonly row?: number;
    readonly bytes?: number;
  }): MlmlError {
    const { name, longestRow } = this.#options;
    if (failure.row !== undefined) return longRow(name, failure.row, failure.bytes!, longestRow);
    const message = (failure.message ?? '').replace(/^Failed to extract statements: /, '');
    if (failure.code === 'MODULE_NOT_FOUND' || failure.code === 'ERR_DLOPEN_FAILED')
      return missingPackage(
        DUCKDB,
        `${name}: is read through DuckDB`,
        detailOf(DUCKDB, { ...failure, message }),
      );
    if (/^Out of Memory Error/.test(message) || /^bad allocation|std::bad_alloc/.test(message))
      return this.#tooSmall(`DuckDB needs more (${oneLine(message)})`);
    const what = oneLine(message);
    const code = /^IO Error: No files found/.test(message)
      ? 'MLML_NOT_FOUND'
      : /^(IO|Invalid|Invalid Input|Serialization|INTERNAL) Error/.test(message)
        ? 'MLML_BAD_FILE'
        : /^(Parser|Binder|Catalog|Syntax|Not implemented) Error/.test(message)
          ? 'MLML_USAGE'
          : 'MLML_BAD_DATA';
    return new MlmlError(code, `${name}: ${what}`);
  }

  #tooSmall(what: string): MlmlError {
    const { name, queryBytes } = this.#options;
    const size = (bytes: number) => formatBytes(bytes).replace(' ', '');
    return new MlmlError(
      'MLML_BUDGET_TOO_SMALL',
      `${name}: ${what}; --query-memory is ${size(queryBytes)}: give it more, or read fewer columns`,
    );
  }
}

/** What DuckDB says, without its drawing of where in the SQL, and without advice on settings that are not to be changed. */
export function oneLine(message: string): string {
  const lines = message.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => /^(LINE \d+:|Possible solutions)/.test(line));
  return (
    lines
      .slice(0, end < 0 ? undefined : end)
      .filter((line) => line !== '')
      .join('; ')
      // Of damaged files DuckDB quotes bytes as they are.
      .replace(/\p{Cc}/gu, '?')
      .slice(0, 500)
  );
}
