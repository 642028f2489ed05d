import { dirname, join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import {
  importNumericRows,
  type NumericRow,
  type NumericRowOptions,
  type NumericRows,
} from '../arrays/importNumericRows.js';
import { Spool } from '../arrays/spool.js';
import type { Cell } from '../columns/columnMapping.js';
import type { DatasetDescription } from '../format.js';
import { importTable } from '../table/importTable.js';
import { openTable } from '../table/openTable.js';
import { type TableImportOptions, tableDefaults } from '../table/tableImportOptions.js';
import type { TableSource } from '../table/tableSource.js';

/** A row with names: its values by column. What a row lacks is missing. */
export type NamedRow = Readonly<Record<string, Cell>>;
/** Rows with names, from anywhere. */
export type NamedRows = Iterable<NamedRow> | AsyncIterable<NamedRow>;

/** Options of `importRows` for rows with names. */
export interface NamedRowOptions extends Omit<TableImportOptions, 'test'> {
  /** Test rows, as the others. Default: a share of the rows, see `percentage`. */
  readonly test?: NamedRows;
}

/**
 * Makes a data set of any rows that a program has, from an iterable or async iterable, in bounded memory. Arrays and typed arrays of
 * numbers are features and a label (`labelColumn`); objects are rows of a table, whose columns become features as those of a CSV file
 * do (`label` names the column to predict). Each row is taken once, in order, and kept in a scratch file beside `out` until the
 * data set is made. What is wrong with a row is `MLML_BAD_DATA` and tells which it is.
 */
export async function importRows(
  storage: Storage,
  rows: NumericRows,
  options: NumericRowOptions,
): Promise<DatasetDescription>;
export async function importRows(
  storage: Storage,
  rows: NamedRows,
  options: NamedRowOptions,
): Promise<DatasetDescription>;
export async function importRows(
  storage: Storage,
  rows: NumericRows | NamedRows,
  options: NumericRowOptions | NamedRowOptions,
): Promise<DatasetDescription> {
  if ('label' in options) return await importNamedRows(storage, rows as NamedRows, options);
  return await importNumericRows(storage, namelessRows(rows), options as NumericRowOptions);
}

/** Objects without `label` cannot be a table, and are no arrays either. */
async function* namelessRows(rows: NumericRows | NamedRows): AsyncGenerator<NumericRow> {
  for await (const row of rows) {
    const isArray = Array.isArray(row) || ArrayBuffer.isView(row);
    if (typeof row === 'object' && row !== null && !isArray)
      throw new MlmlError('MLML_USAGE', 'label: rows that are objects need it, the column to be predicted');
    yield row as NumericRow;
  }
}

async function importNamedRows(
  storage: Storage,
  rows: NamedRows,
  { test, ...options }: NamedRowOptions,
): Promise<DatasetDescription> {
  const { out, name = 'rows', bufferBytes = tableDefaults.bufferBytes, signal } = options;
  await requireNew(storage, out, 'out');
  const scratch = await Scratch.open(storage, dirname(out), 0);
  const opened: TableSource[] = [];
  try {
    const table = async (source: NamedRows, title: string) => {
      await keepRows(scratch, source, title, signal);
      const reading = {
        format: 'jsonl',
        name: title,
        bufferBytes,
        ...(signal === undefined ? {} : { signal }),
      };
      const found = await openTable(storage, join(scratch.path, title), reading);
      opened.push(found);
      // The scratch file is no source that anyone has.
      return { ...found, name: title, records: async () => [] };
    };
    const train = await table(rows, 'rows');
    const held = test === undefined ? {} : { test: await table(test, 'test rows') };
    return await importTable(storage, train, { ...options, name, ...held });
  } finally {
    for (const each of opened) await each.close();
    await scratch.close();
  }
}

/** Writes rows as lines of JSON, so that line i is row i − 1. */
async function keepRows(
  scratch: Scratch,
  rows: NamedRows,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const spool = new Spool(await scratch.create(name, {}));
  const utf8 = new TextEncoder();
  let count = 0;
  for await (const row of rows) {
    signal?.throwIfAborted();
    if (typeof row !== 'object' || row === null || Array.isArray(row) || ArrayBuffer.isView(row))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${name}: line ${count + 1}: is no object with the values of its columns`,
      );
    await spool.append(utf8.encode(`${JSON.stringify(row, (_, value: unknown) => kept(value))}\n`));
    count++;
  }
  if (count === 0) throw new MlmlError('MLML_BAD_DATA', `${name}: there is no row`);
  await spool.finish({ name, unit: '', origin: 0 });
}

/** What JSON has no word for: infinite numbers and whole numbers beyond 2^53 as the texts that are read as such. */
function kept(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY ? String(value) : value;
}
