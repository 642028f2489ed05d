import { arrayFormat } from '../data/arrays/arrayFormat.js';
import { isTable } from '../data/table/tableFormats.js';
import type { TableSource } from '../data/table/tableSource.js';
import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/saveModel.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import { defaultOptions } from '../ssgd/options.js';
import { arrayOptionTable } from './arrayOptionTable.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';
import { tableOptionTable } from './tableOptionTable.js';
import { inputOf, readingRequest } from './tableRequest.js';

export interface ModelAndTable {
  readonly modelPath: string;
  readonly model: Model;
  /** The same as it was saved: that of arrays is given names for its features. */
  readonly saved: Model;
  readonly source: TableSource;
  /** What is left of the budget beside the reader of the table. */
  readonly bufferBytes: number;
}

/** The share of the budget that reading a table takes. */
const READER_SHARE = 1 / 4;

/** Opens what predict, evaluate and calibrate name when the data are a table; undefined when they are a data set. `labelled`: labels are needed. The caller closes the table. */
export async function openModelAndTable(
  context: CommandContext,
  given: Arguments,
  reporter: ProgressReporter,
  labelled = false,
): Promise<ModelAndTable | undefined> {
  const { services } = context;
  const { storage } = services;
  const [modelPath, path, ...rest] = given.positionals;
  if (modelPath === undefined || path === undefined || rest.length > 0) return undefined;
  const format = given.text('input-format');
  if (format === undefined) {
    const rows = await openRows(context, given, modelPath, path, reporter, labelled);
    if (rows !== undefined) return rows;
  }
  const strange = arrayOptionTable.find(({ name, verbs }) => verbs.includes('predict') && given.has(name));
  if (strange !== undefined && (format !== undefined || arrayFormat(path) === undefined))
    throw new MlmlError('MLML_USAGE', `--${strange.name}: is for arrays, and ${path} is none`);
  if (format === undefined && !(await isTable(storage, path))) {
    // --format is another option here, and Parquet is written in the memory of --query-memory, too.
    const alone = tableOptionTable.find(
      ({ name, verbs }) => verbs.includes('predict') && given.has(name) && name !== 'query-memory',
    );
    if (alone === undefined) return undefined;
    throw new MlmlError(
      'MLML_USAGE',
      `--${alone.name}: is for tables, and ${path} is a data set (or give --input-format)`,
    );
  }
  if (given.has('part'))
    throw new MlmlError('MLML_USAGE', `--part=${given.text('part')}: ${path} is a table, which has no parts`);
  const { openModelTable } = await services.tables();
  const model = await loadModel(storage, modelPath);
  const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
  const source = await openModelTable(storage, model, path, {
    signal: context.signal,
    onWarning: (message) => reporter.warn(message),
    bufferBytes,
    ...(format === undefined ? {} : { format }),
    ...readingRequest(given),
    ...inputOf(context, path),
  });
  return { modelPath, model, saved: model, source, bufferBytes: bufferBytes * (1 - READER_SHARE) };
}

/** A file of rows without names: of arrays, by its name, or LIBSVM text, by its first lines. A folder is a data set. */
async function openRows(
  context: CommandContext,
  given: Arguments,
  modelPath: string,
  path: string,
  reporter: ProgressReporter,
  labelled: boolean,
): Promise<ModelAndTable | undefined> {
  const { services, signal } = context;
  const { storage } = services;
  const status = await storage.status(path);
  if (status === undefined || status.isFolder) return undefined;
  const { openModelArrays, openModelLibsvm } = await services.tables();
  const { isLibsvmFile } = await services.importing();
  const isArrays = arrayFormat(path) !== undefined;
  if (!isArrays && !(await isLibsvmFile(storage, path))) return undefined;
  const others = [
    ...tableOptionTable.filter(({ verbs }) => verbs.includes('predict')),
    ...(isArrays ? [] : arrayOptionTable.filter(({ verbs }) => verbs.includes('predict'))),
    { name: 'part' },
  ];
  // Parquet is written in the memory of --query-memory, too.
  const wrong = others.find(({ name }) => given.has(name) && name !== 'query-memory');
  if (wrong !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `--${wrong.name}: is not for ${isArrays ? 'arrays' : 'LIBSVM text'}, and ${path} holds such`,
    );
  const saved = await loadModel(storage, modelPath);
  const [features, labels, labelColumn, scratchFolder] = [
    given.text('features'),
    given.text('labels'),
    given.number('label-column'),
    given.text('scratch'),
  ];
  const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
  if (!isArrays) {
    const opened = await openModelLibsvm(storage, saved, path, {
      ...(signal === undefined ? {} : { signal }),
      onWarning: (message) => reporter.warn(message),
    });
    return { modelPath, saved, bufferBytes, ...opened };
  }
  const { model, source } = await openModelArrays(storage, saved, path, {
    labelled,
    ...(signal === undefined ? {} : { signal }),
    ...(features === undefined ? {} : { features }),
    ...(labels === undefined ? {} : { labels }),
    ...(labelColumn === undefined ? {} : { labelColumn }),
    ...(scratchFolder === undefined ? {} : { scratchFolder }),
  });
  return {
    modelPath,
    model,
    saved,
    source,
    bufferBytes,
  };
}
