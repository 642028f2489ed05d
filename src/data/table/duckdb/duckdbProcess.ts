/**
 * What the process that runs DuckDB runs. Loaded by its path (see queryProcess.ts): in the bundle a file of its own. Requests come
 * as lines of JSON on the standard input, answers go as frames through a pipe of their own; see messages.ts. It ends with its input,
 * which ends with the process that started it.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DataChunk, Result } from '@duckdb/node-bindings';
import { collectGarbage } from '../../../memory/collectGarbage.js';
import {
  ANSWER,
  type AskRequest,
  END,
  FAILED,
  FRAME_HEADER,
  type OpenRequest,
  type RowsRequest,
  TOO_LARGE,
} from './messages.js';
import { type ChunkAccess, LongRow, RowPacker } from './packRows.js';

type Bindings = ChunkAccess & { fetch_chunk(result: Result): Promise<DataChunk | null> };

/** Milliseconds between two looks at the memory. */
const LOOK_MS = 20;
/** Chunks are freed by the collector alone, which does not know how large they are. */
const COLLECT_BYTES = 4e6;

const output = new Socket({ fd: 3 });
// An orderly end would wait for the query.
const end = () => process.kill(process.pid, 'SIGKILL');
// The other side is gone.
output.on('error', end);
// The terminal sends it to all processes: the one that started this one ends it.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});

const write = (bytes: Uint8Array) =>
  new Promise<void>((resolve, reject) => output.write(bytes, (error) => (error ? reject(error) : resolve())));

async function writeJson(kind: number, value: unknown): Promise<void> {
  const payload = Buffer.from(JSON.stringify(value));
  const frame = Buffer.alloc(FRAME_HEADER + payload.length);
  frame.writeUInt32LE(kind, 0);
  frame.writeUInt32LE(payload.length, 4);
  payload.copy(frame, FRAME_HEADER);
  await write(frame);
}

function watchMemory(limit: number): void {
  setInterval(() => {
    const bytes = process.memoryUsage.rss();
    if (bytes <= limit) return;
    process.stderr.write(`${TOO_LARGE}${bytes}\n`);
    end();
  }, LOOK_MS).unref();
}

async function open(request: OpenRequest): Promise<{ connection: DuckDBConnection; bindings: Bindings }> {
  watchMemory(request.residentLimit);
  const require = createRequire(import.meta.url);
  const api = require('@duckdb/node-api') as typeof import('@duckdb/node-api');
  const bindings = createRequire(require.resolve('@duckdb/node-api'))('@duckdb/node-bindings') as Bindings;
  const instance = await api.DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${Math.floor(request.memoryLimit / 1000)}KB`,
    temp_directory: request.temporaryFolder,
    // Rows come in the same order each time.
    preserve_insertion_order: 'true',
    // By itself DuckDB keeps what it has read of files, and downloads what it has not got.
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  for (const statement of request.setup) await connection.run(statement);
  return { connection, bindings };
}

async function answer(connection: DuckDBConnection, { ask }: AskRequest): Promise<void> {
  const rows = (await connection.runAndReadAll(ask)).getRows();
  await writeJson(
    ANSWER,
    rows.map((row) => row.map((value) => (value === null ? null : String(value)))),
  );
}

async function sendRows(
  connection: DuckDBConnection,
  bindings: Bindings,
  request: RowsRequest,
  longestRow: number,
): Promise<void> {
  const result = (await connection.stream(request.rows)) as unknown as { readonly result: Result };
  const packer = new RowPacker(bindings, request.columns, longestRow);
  const hash = createHash('sha256');
  let rows = 0;
  let collectAt = COLLECT_BYTES;
  for (;;) {
    const chunk = await bindings.fetch_chunk(result.result);
    const count = chunk === null ? 0 : bindings.data_chunk_get_size(chunk);
    if (chunk === null || count === 0) break;
    try {
      for (const frame of packer.frames(chunk)) {
        hash.update(frame);
        await write(frame);
      }
    } catch (error) {
      if (!(error instanceof LongRow)) throw error;
      return await writeJson(FAILED, { row: rows + error.row, bytes: error.bytes });
    }
    rows += count;
    if (packer.packed >= collectAt) {
      collectGarbage('minor');
      collectAt = packer.packed + COLLECT_BYTES;
    }
  }
  await writeJson(END, { rows, sha256: hash.digest('hex') });
}

async function serve(): Promise<void> {
  let longestRow = 0;
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const request = JSON.parse(line) as OpenRequest | AskRequest | RowsRequest;
      if ('setup' in request) {
        longestRow = request.longestRow;
        opened = await open(request);
        await writeJson(ANSWER, []);
      } else if ('ask' in request) await answer(opened!.connection, request);
      else await sendRows(opened!.connection, opened!.bindings, request, longestRow);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      await writeJson(FAILED, { message: error instanceof Error ? error.message : String(error), code });
    }
  }
}

// Not after the last request has been answered: a query may be long, and nobody waits for it any more.
process.stdin.on('end', end);
process.stdin.on('close', end);
await serve();
