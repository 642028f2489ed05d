import { labelColumns, neededColumns } from '../../data/columns/columnMapping.js';
import { type OpenTableOptions, openTable } from '../../data/table/openTable.js';
import { tableFormatOf } from '../../data/table/tableFormats.js';
import { tablePaths } from '../../data/table/tablePaths.js';
import type { TableSource } from '../../data/table/tableSource.js';
import { openDelimitedTable } from '../../data/table/text/delimitedTable.js';
import { openJsonLinesTable } from '../../data/table/text/jsonLinesTable.js';
import { PipedText } from '../../data/table/text/pipedText.js';
import { TableFile } from '../../data/table/text/tableFile.js';
import { uncompressed } from '../../data/table/text/uncompressed.js';
import { MlmlError } from '../../errors.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import type { Storage } from '../../storage/storage.js';

/** How a table is read for a model. */
export interface ModelTableOptions extends OpenTableOptions {
  /** What the source `-` stands for. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** The column that names rows, where it is not that of the training table. */
  readonly id?: string;
}

/**
 * Opens what a model is to score: files of CSV, TSV or JSON lines, or `-` for `input`, whose rows are given as they come. A first line of
 * nothing but numbers is a row when the model was trained on rows without names of columns.
 */
export async function openModelTable(
  storage: Storage,
  model: ScoreMeaning,
  source: string,
  options: ModelTableOptions,
): Promise<TableSource> {
  const { columns } = model;
  const forModel = {
    oneColumn: model.d === 1 || columns?.features.length === 1,
    ...(columns && { oneOf: neededColumns(columns) }),
  };
  if (source !== '-') {
    const header = options.header ?? (await firstLineNames(storage, model, source, options.format));
    return await openTable(storage, source, {
      ...options,
      ...forModel,
      ...(header === undefined ? {} : { header }),
    });
  }
  if (options.input === undefined) throw new MlmlError('MLML_USAGE', '-: there is no standard input here');
  const text = new PipedText(uncompressed(options.input, 'stdin'), 'stdin');
  const head = await text.head(options.signal);
  const format = options.format ?? (firstLine(head).startsWith('{') ? 'jsonl' : 'csv');
  if (format === 'jsonl')
    return await openJsonLinesTable(text, {
      ...options,
      ...forModel,
      columns: jsonColumns(model, head, options.id),
    });
  const header = options.header ?? !(model.columns === undefined && isNumbers(head));
  return await openDelimitedTable(text.headFirst(), {
    ...(format === 'tsv' ? { delimiter: '\t' } : {}),
    ...options,
    ...forModel,
    header,
  });
}

/** The first line with anything in it, without a byte order mark. */
function firstLine(head: Uint8Array): string {
  const text = new TextDecoder().decode(head.subarray(0, 1 << 16)).trimStart();
  return text.slice(0, text.indexOf('\n') >>> 0);
}

const isNumbers = (head: Uint8Array) => /^[-+\d.eE,;|\t "]*\d[-+\d.eE,;|\t "]*\r?$/.test(firstLine(head));

/** Whether the first line of a file names the columns, where that is to be found out; undefined leaves it to the reader. */
async function firstLineNames(
  storage: Storage,
  model: ScoreMeaning,
  source: string,
  given: string | undefined,
): Promise<boolean | undefined> {
  const format = given ?? tableFormatOf(source);
  if (model.columns !== undefined || (format !== 'csv' && format !== 'tsv')) return undefined;
  const [path] = await tablePaths(storage, source);
  if ((await storage.status(path!)) === undefined) return undefined;
  for await (const bytes of new TableFile(storage, path!).bytes()) return !isNumbers(bytes);
  return undefined;
}

/** The names that matter in JSON lines from a pipe: of a trained table, and of ids and labels when the first line has them. */
function jsonColumns(model: ScoreMeaning, head: Uint8Array, id: string | undefined): string[] {
  let names: string[] = [];
  try {
    names = Object.keys(JSON.parse(firstLine(head))).map((name) => name.trim());
  } catch {
    // The reader says what is wrong with the line, and where.
  }
  const { columns } = model;
  if (columns === undefined) return names;
  const others = [id, columns.id, 'id', ...labelColumns(columns)];
  return [...new Set([...neededColumns(columns), ...names.filter((name) => others.includes(name))])];
}
