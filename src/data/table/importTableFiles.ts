import { dirname } from 'node:path';
import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { DatasetDescription } from '../format.js';
import type { ImportProgress } from '../import/importOptions.js';
import { databaseKind, hasTables } from './databaseKind.js';
import { importTable } from './importTable.js';
import { type OpenTableOptions, openTable } from './openTable.js';
import { type TableImportOptions, tableDefaults } from './tableImportOptions.js';
import { tableName } from './tableName.js';

/** How files become a data set: what `importTable` takes, and how the files are read. */
export interface TableFileImport
  extends Omit<TableImportOptions, 'test' | 'name'>,
    Pick<OpenTableOptions, 'format' | 'delimiter' | 'header' | 'table' | 'query' | 'queryBytes'> {
  /** File or pattern whose rows are the test rows; read like the other. */
  readonly testFile?: string;
  /** What the source `-` stands for. It is copied to a scratch file beside `out`, as a table is read more than once. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Is told now and then how far it is. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Makes a data set folder of files of a table: a path, a pattern such as `trips/*.csv`, or `-` for `options.input`. */
export async function importTableFiles(
  storage: Storage,
  source: string,
  options: TableFileImport,
): Promise<DatasetDescription> {
  const { testFile, bufferBytes = tableDefaults.bufferBytes, input, out } = options;
  await requireNew(storage, out);
  if (source !== '-' && testFile !== '-')
    return await importOpened(storage, source, { ...options, bufferBytes });
  if (testFile === '-')
    throw new MlmlError('MLML_USAGE', '--test-file=-: only the first table may come from a pipe');
  if (input === undefined) throw new MlmlError('MLML_USAGE', '-: there is no standard input here');
  const scratch = await Scratch.open(storage, dirname(out), 0);
  try {
    const path = await spool(scratch, input, options.signal);
    const format = options.format ?? (await formatOfText(storage, path));
    return await importOpened(storage, path, { ...options, bufferBytes, format }, 'stdin');
  } finally {
    await scratch.close();
  }
}

async function importOpened(
  storage: Storage,
  path: string,
  options: TableFileImport & { readonly bufferBytes: number },
  name?: string,
): Promise<DatasetDescription> {
  const { testFile, table, query, ...others } = { scratchFolder: dirname(options.out), ...options };
  const ofDatabase = { ...(table === undefined ? {} : { table }), ...(query === undefined ? {} : { query }) };
  const named = name === undefined ? {} : { name };
  const source = await openTable(storage, path, { ...others, ...ofDatabase, ...named });
  try {
    const test =
      testFile === undefined
        ? undefined
        : await openTable(storage, testFile, {
            ...others,
            // The same table of another database, or rows from elsewhere.
            ...(hasTables(databaseKind(testFile, options.format)) ? ofDatabase : {}),
          });
    try {
      return await importTable(storage, source, {
        ...options,
        name: tableName(name ?? path, table),
        ...(test === undefined ? {} : { test }),
      });
    } finally {
      await test?.close();
    }
  } finally {
    await source.close();
  }
}

/** Copies a stream to a scratch file. */
async function spool(
  scratch: Scratch,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const file = await scratch.create('stdin', { exclusive: true });
  let position = 0;
  for await (const chunk of input) {
    if (signal?.aborted)
      throw new MlmlError('MLML_INTERRUPTED', 'the import of standard input was interrupted');
    await file.write(chunk, position);
    position += chunk.length;
  }
  return file.path;
}

/** JSON lines begin with a brace; everything else is taken for CSV. */
async function formatOfText(storage: Storage, path: string): Promise<string> {
  const file = await storage.openRead(path);
  try {
    const head = new Uint8Array(Math.min(100, file.byteLength));
    await file.readInto(head, 0);
    return /^\ufeff?\s*\{/.test(new TextDecoder().decode(head)) ? 'jsonl' : 'csv';
  } finally {
    await file.close();
  }
}
