import { tmpdir } from 'node:os';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { ImportProgress } from '../import/importOptions.js';
import { withTrimmedNames } from './columnNames.js';
import { databaseKind } from './databaseKind.js';
import { joinedTable } from './joinedTable.js';
import { type FileFormatName, tableFormatNames, tableFormatOf } from './tableFormats.js';
import { tablePaths } from './tablePaths.js';
import type { TableSource } from './tableSource.js';
import type { ReaderMemory } from './text/delimitedTable.js';

/** How the files of a table are read. */
export interface OpenTableOptions {
  /** Default: by the ending of the name, without .gz and .zst. */
  readonly format?: string;
  /** Of delimited text. Default: found out. */
  readonly delimiter?: string;
  /** Whether the first line of delimited text names the columns. Default true. */
  readonly header?: boolean;
  /** Whether delimited text may have a single column. Default false: then its delimiter is not what was found. */
  readonly oneColumn?: boolean;
  /** Of JSON lines: a line that has none of these columns is refused. */
  readonly oneOf?: readonly string[];
  /** What messages call the source. Default: its path. */
  readonly name?: string;
  readonly bufferBytes: number;
  /** Of a database: the table, or a query over its tables. */
  readonly table?: string;
  readonly query?: string;
  /** Resident memory of the process that DuckDB runs in. */
  readonly queryBytes?: number;
  /** Where it may write what does not fit. Default: the system's folder of temporary files. */
  readonly scratchFolder?: string;
  readonly signal?: AbortSignal;
  /** Is told now and then how far it is. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Is told of what is odd and no error. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens a file of a format. `shared` is the same object for all files of a table: what one file's reader leaves there, the next finds.
 */
type OpenFile = (
  storage: Storage,
  path: string,
  options: OpenTableOptions,
  shared: { memory?: ReaderMemory },
) => Promise<TableSource>;

const delimited: OpenFile = async (storage, path, options, shared) => {
  const { openDelimitedTable, ReaderMemory } = await import('./text/delimitedTable.js');
  const { TableFile } = await import('./text/tableFile.js');
  shared.memory ??= new ReaderMemory();
  const { memory } = shared;
  return await openDelimitedTable(new TableFile(storage, path, options), { ...options, memory });
};

/** Every format, each of which loads its reader when it is used. A new one is one entry here, and one in `tableFormats.ts`. */
const formats: Readonly<Record<FileFormatName, OpenFile>> = {
  csv: delimited,
  tsv: (storage, path, options, shared) => delimited(storage, path, { delimiter: '\t', ...options }, shared),
  async jsonl(storage, path, options) {
    const { openJsonLinesTable } = await import('./text/jsonLinesTable.js');
    const { TableFile } = await import('./text/tableFile.js');
    return await openJsonLinesTable(new TableFile(storage, path, options), options);
  },
  async arrow(storage, path, options) {
    const { openArrowTable } = await import('./arrow/arrowTable.js');
    const { TableFile } = await import('./text/tableFile.js');
    return await openArrowTable(storage, new TableFile(storage, path, options), options);
  },
};

/**
 * Opens the files that a path or pattern names as one table; all must be of one format. Or what a library of its own reads: Parquet
 * files, a query over files, a table of a database.
 */
export async function openTable(
  storage: Storage,
  source: string,
  options: OpenTableOptions,
): Promise<TableSource> {
  const kind = databaseKind(source, options.format);
  if (kind !== undefined) {
    const { openDatabaseTable } = await import('./openDatabaseTable.js');
    return withTrimmedNames(
      await openDatabaseTable(storage, source, kind, { scratchFolder: tmpdir(), ...options }),
    );
  }
  if (options.table !== undefined || options.query !== undefined)
    (await import('./openDatabaseTable.js')).refuseTableOptions(source, options);
  const paths = await tablePaths(storage, source);
  const tables: TableSource[] = [];
  const shared = {};
  try {
    for (const path of paths) {
      const status = await storage.status(path);
      if (status === undefined) throw new MlmlError('MLML_NOT_FOUND', `${path}: no such file`);
      const name = options.format ?? tableFormatOf(path) ?? '';
      if (!Object.hasOwn(formats, name))
        throw new MlmlError(
          'MLML_USAGE',
          `${path}: give --format, one of ${tableFormatNames.join(', ')}; the ending tells of none`,
        );
      tables.push(withTrimmedNames(await formats[name as FileFormatName](storage, path, options, shared)));
    }
  } catch (error) {
    for (const table of tables) await table.close();
    throw error;
  }
  return tables.length === 1 ? tables[0]! : joinedTable(options.name ?? source, tables);
}
