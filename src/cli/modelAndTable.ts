import { isTable } from '../data/table/tableFormats.js';
import type { TableSource } from '../data/table/tableSource.js';
import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/saveModel.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import { defaultOptions } from '../ssgd/options.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

export interface ModelAndTable {
  readonly modelPath: string;
  readonly model: Model;
  readonly source: TableSource;
  /** What is left of the budget beside the reader of the table. */
  readonly bufferBytes: number;
}

/** The share of the budget that reading a table takes. */
const READER_SHARE = 1 / 4;

/** Opens what predict and evaluate name when the data are a table; undefined when they are a data set. The caller closes the table. */
export async function openModelAndTable(
  context: CommandContext,
  given: Arguments,
  reporter: ProgressReporter,
): Promise<ModelAndTable | undefined> {
  const { services } = context;
  const { storage } = services;
  const [modelPath, path, ...rest] = given.positionals;
  if (modelPath === undefined || path === undefined || rest.length > 0) return undefined;
  const format = given.text('input-format');
  if (format === undefined && !(await isTable(storage, path))) {
    const alone = ['id', 'delimiter', 'header', 'table', 'query', 'query-memory'].find((name) =>
      given.has(name),
    );
    if (alone === undefined) return undefined;
    throw new MlmlError(
      'MLML_USAGE',
      `--${alone}: is for tables, and ${path} is a data set (or give --input-format)`,
    );
  }
  if (given.has('part'))
    throw new MlmlError('MLML_USAGE', `--part=${given.text('part')}: ${path} is a table, which has no parts`);
  const { openModelTable } = await services.tables();
  const model = await loadModel(storage, modelPath);
  const [delimiter, header, id] = [given.text('delimiter'), given.flag('header'), given.text('id')];
  const [table, query, queryBytes] = [given.text('table'), given.text('query'), given.number('query-memory')];
  const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
  const source = await openModelTable(storage, model, path, {
    signal: context.signal,
    onWarning: (message) => reporter.warn(message),
    bufferBytes,
    ...(format === undefined ? {} : { format }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(header === undefined ? {} : { header }),
    ...(id === undefined ? {} : { id }),
    ...(table === undefined ? {} : { table }),
    ...(query === undefined ? {} : { query }),
    ...(queryBytes === undefined ? {} : { queryBytes }),
    ...inputOf(context, path),
  });
  return { modelPath, model, source, bufferBytes: bufferBytes * (1 - READER_SHARE) };
}

/** The standard input, which is not to be touched when nobody reads it. */
function inputOf(context: CommandContext, path: string): { readonly input?: AsyncIterable<Uint8Array> } {
  const input = path === '-' ? context.stdin : undefined;
  return input === undefined ? {} : { input };
}
