import type { DatePart } from '../data/columns/columnMapping.js';
import { databaseKind } from '../data/table/databaseKind.js';
import type { TableFileImport } from '../data/table/importTableFiles.js';
import type { ColumnKind } from '../data/table/tableImportOptions.js';
import { MlmlError } from '../errors.js';
import { arrayOptionTable, imageOptionTable } from './arrayOptionTable.js';
import type { Arguments } from './parseArguments.js';
import { tableOptionTable } from './tableOptionTable.js';

/** How a table is read, as far as the command line says it. */
export type TableRequest = Omit<
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

/** The table that an invocation describes, or undefined without --label. */
export function tableRequest(given: Arguments): TableRequest | undefined {
  const label = given.text('label');
  if (label === undefined) {
    const alone = tableOptionTable.find(({ name }) => name !== 'task' && given.has(name));
    const kind = databaseKind(given.positionals[0] ?? '');
    if (alone === undefined && (kind === 'sql' || kind === 'postgres'))
      throw new MlmlError(
        'MLML_USAGE',
        'of a query or a database, --label=<column> has to say which column is to be predicted; see mlml import --help',
      );
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
  const request: Record<string, unknown> = {
    label,
    format: given.text('format'),
    task: given.text('task'),
    keep: listOf(given, 'keep'),
    drop: listOf(given, 'drop'),
    id: given.text('id'),
    types: typesOf(given),
    text: listOf(given, 'text'),
    ngrams: given.number('ngrams'),
    categories: given.number('categories'),
    hashBits: given.number('hash-bits'),
    dateParts: listOf(given, 'date-parts') as DatePart[] | undefined,
    missing: given.text('missing'),
    delimiter: given.text('delimiter'),
    header: given.flag('header'),
    table: given.text('table'),
    query: given.text('query'),
    queryBytes: given.number('query-memory'),
    testFile: given.text('test-file'),
    splitColumn: given.text('split-column'),
    bufferBytes: given.number('buffer'),
  };
  for (const name of Object.keys(request)) if (request[name] === undefined) delete request[name];
  return request as unknown as TableRequest;
}
