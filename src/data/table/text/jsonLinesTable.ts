import { MlmlError } from '../../../errors.js';
import type { Cell } from '../../columns/columnMapping.js';
import { columnOption } from '../../columns/optionText.js';

import { listed, trimmedKeys } from '../columnNames.js';
import type { TableBatch, TableSource } from '../tableSource.js';
import type { TableText } from './tableText.js';
import { type TextLines, textLines } from './textLines.js';

/** Columns at most: their names are kept. */
const MOST_COLUMNS = 100_000;
/** The share of the budget that a line may take: parsed, it takes several times as much. */
const LINE_SHARE = 1 / 32;

type Row = Readonly<Record<string, unknown>>;

export interface JsonLinesOptions {
  readonly bufferBytes: number;
  readonly signal?: AbortSignal;
  /** The columns, where it is known which matter: others are passed over. A pipe needs them. */
  readonly columns?: readonly string[];
  /** A line that has none of these is refused. */
  readonly oneOf?: readonly string[];
}

/**
 * JSON lines, an object each, as a table. The columns are all names that occur, in the order in which they do; so the file is read
 * once when it is opened, unless the columns of interest are given. A name that a line lacks is a missing value there.
 */
export async function openJsonLinesTable(
  file: TableText,
  { bufferBytes, signal, columns: known, oneOf }: JsonLinesOptions,
): Promise<TableSource> {
  const longest = Math.floor(bufferBytes * LINE_SHARE);
  const names = new Set<string>(known);
  for await (const lines of known === undefined ? textLines(file, longest, signal) : []) {
    for (const { row, line } of rowsOf(file.name, lines)) {
      for (const name of Object.keys(row)) names.add(name);
      if (names.size > MOST_COLUMNS)
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${file.name}: line ${line}: there are more than ${MOST_COLUMNS} different names up to here`,
        );
    }
  }
  if (names.size === 0) throw new MlmlError('MLML_BAD_DATA', `${file.name}: is empty; a pipe is read as -`);
  const columns = [...names];
  return {
    name: file.name,
    columns,
    types: columns.map(() => 'text'),
    repeatable: file.repeatable,
    async *batches(given) {
      for await (const lines of textLines(file, longest, given))
        yield batchOf(file.name, columns, rowsOf(file.name, lines, oneOf));
    },
    records: async () => [await file.record()],
    close: async () => {},
  };
}

function batchOf(
  name: string,
  columns: readonly string[],
  rows: readonly { readonly row: Row; readonly line: number }[],
): TableBatch {
  return {
    rows: rows.length,
    cell(number, column): Cell {
      const { row, line } = rows[number]!;
      const key = columns[column]!;
      // What every object inherits is no value of it.
      const value = Object.hasOwn(row, key) ? row[key] : undefined;
      if (typeof value === 'object' && value !== null)
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${name}: line ${line}, column ${key}: is a list or an object; a table holds numbers, texts, true, false and null (${columnOption('drop', key)} leaves it out)`,
        );
      return value as Cell;
    },
    place: (number) => `${name}: line ${rows[number]!.line}`,
  };
}

function rowsOf(
  name: string,
  { first, lines }: TextLines,
  oneOf?: readonly string[],
): { row: Row; line: number }[] {
  const rows: { row: Row; line: number }[] = [];
  for (const [i, text] of lines.entries()) {
    const line = first + i;
    const json = (line === 1 ? text.replace(/^\ufeff/, '') : text).trim();
    if (json === '') continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(json);
    } catch (error) {
      throw new MlmlError('MLML_BAD_DATA', `${name}: line ${line}: is not JSON (${reasonOf(error)})`, {
        cause: error,
      });
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${name}: line ${line}: is ${Array.isArray(parsed) ? 'a list' : `${parsed}`.slice(0, 40)}; an object is needed, such as {"size": 3, "price": 10}`,
      );
    const row = trimmedKeys(parsed as Row);
    if (row === undefined)
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${name}: line ${line}: two names differ in nothing but blanks around them; rename one`,
      );
    if (oneOf !== undefined && !oneOf.some((column) => Object.hasOwn(row, column)))
      throw new MlmlError(
        'MLML_BAD_DATA',
        `${name}: line ${line}: has none of the columns of the model: ${listed(oneOf)}; it has ${listed(Object.keys(row)) || 'no columns'}`,
      );
    rows.push({ row, line });
  }
  return rows;
}

/** The engine repeats the text, which may be long. */
const reasonOf = (error: unknown) => (error as Error).message.replace(/, ?(\.\.\.)?".*/s, '').slice(0, 100);
