import type { DatePart } from '../data/columns/columnMapping.js';
import type { Task } from '../data/format.js';
import type { TableFileImport } from '../data/table/importTableFiles.js';
import type { ColumnKind, MissingName } from '../data/table/tableImportOptions.js';
import { MlmlError } from '../errors.js';
import { arrayOptionTable, imageOptionTable } from './arrayOptionTable.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';
import { tableOptionTable } from './tableOptionTable.js';

/** How a table is read, as far as the command line says it. */
type TableRequest = Omit<
  TableFileImport,
  | 'out'
  | 'signal'
  | 'onProgress'
  | 'onWarning'
  | 'onNotice'
  | 'input'
  | 'n'
  | 'percentage'
  | 'seed'
  | 'dtype'
  | 'onNan'
>;

/** What of it is said of new tables, too. */
type ReadingRequest = Pick<TableRequest, 'id' | 'delimiter' | 'header' | 'table' | 'query' | 'queryBytes'>;

/** Names between commas; one with a comma in it is written in quotes, a quote in it twice, as in CSV. */
function listOf(given: Arguments, option: string): string[] | undefined {
  const text = given.text(option);
  if (text === undefined) return undefined;
  const names = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"(:[^,]*)?|([^,]*))/g)].map(
    ([, quoted, rest = '', plain]) => (quoted === undefined ? plain! : quoted.replaceAll('""', '"') + rest),
  );
  if (names.some((name) => name === ''))
    throw new MlmlError('MLML_USAGE', `--${option}=${text}: must be names with commas between them`);
  return names;
}

function typesOf(given: Arguments): Record<string, ColumnKind> | undefined {
  const types = listOf(given, 'types')?.map((text): [string, ColumnKind] => {
    const colon = text.lastIndexOf(':');
    if (colon < 1)
      throw new MlmlError(
        'MLML_USAGE',
        `--types=${given.text('types')}: must be <column>:<kind>, such as zip:category`,
      );
    return [text.slice(0, colon), text.slice(colon + 1) as ColumnKind];
  });
  // Names such as __proto__ are names like others.
  return types === undefined ? undefined : Object.fromEntries(types);
}

/** The options of `tableOptionTable` that say how rows of new tables are read, too. */
export function readingRequest(given: Arguments): ReadingRequest {
  return present<ReadingRequest>({
    id: given.text('id'),
    delimiter: given.text('delimiter'),
    header: given.flag('header'),
    table: given.text('table'),
    query: given.text('query'),
    queryBytes: given.number('query-memory'),
  });
}

/** What the source `-` stands for. The standard input is not to be touched when nobody reads it. */
export function inputOf(
  context: CommandContext,
  source: string,
): { readonly input?: AsyncIterable<Uint8Array> } {
  const input = source === '-' ? context.stdin : undefined;
  return input === undefined ? {} : { input };
}

/** What was given of some options. */
function present<Request>(
  options: { [Name in keyof Required<Request>]: Request[Name] | undefined },
): Request {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Request;
}

/** The table that an invocation describes, or undefined without --label. */
export function tableRequest(given: Arguments): TableRequest | undefined {
  const label = given.text('label');
  const labels = listOf(given, 'label');
  if (labels === undefined) {
    const alone = tableOptionTable.find(({ name }) => name !== 'task' && given.has(name));
    if (alone === undefined) return undefined;
    throw new MlmlError(
      'MLML_USAGE',
      `--${alone.name}: is for tables; give --label=<column> too, the column to be predicted`,
    );
  }
  if (given.has('d'))
    throw new MlmlError(
      'MLML_USAGE',
      `--label=${label}: raw rows, as --d says these are, have no columns with names`,
    );
  const strange = [...arrayOptionTable, ...imageOptionTable].find(
    ({ name }) => name !== 'task' && given.has(name),
  );
  if (strange !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `--${strange.name}: is for ${imageOptionTable.includes(strange) ? 'images' : 'arrays'}, and --label=${label} says that this is a table`,
    );
  return {
    ...readingRequest(given),
    ...present<Omit<TableRequest, keyof ReadingRequest>>({
      label: labels.length === 1 ? labels[0]! : labels,
      format: given.text('format'),
      task: given.text('task') as Task | undefined,
      keep: listOf(given, 'keep'),
      drop: listOf(given, 'drop'),
      types: typesOf(given),
      text: listOf(given, 'text'),
      ngrams: given.number('ngrams'),
      categories: given.number('categories'),
      hashBits: given.number('hash-bits'),
      dateParts: listOf(given, 'date-parts') as DatePart[] | undefined,
      missing: given.text('missing') as MissingName | undefined,
      missingValues: given.text('missing-values') === '' ? [] : listOf(given, 'missing-values'),
      testFile: given.text('test-file'),
      splitColumn: given.text('split-column'),
      bufferBytes: given.number('buffer'),
    }),
  };
}
