import type { Dtype } from '../arithmetic/dtype.js';
import type { Dataset } from '../data/dataset.js';
import type { OpenOptions } from '../data/import/openByName.js';
import type { OnNan } from '../data/onNan.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { MlmlError } from '../errors.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import type { CommandName } from './optionSpec.js';
import { optionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';
import { rawRequest } from './rawRows.js';

/** Options of opening and importing that were given, with progress going to the terminal. */
export function openRequest(
  context: CommandContext,
  given: Arguments,
  reporter: ProgressReporter,
): OpenOptions {
  const request: Record<string, unknown> = {};
  // --dtype of verbs that work on kernels is that of kernel entries.
  const names = ['n', 'nt', 'seed', 'percentage', ...(given.kind === 'linear' ? ['dtype'] : [])];
  for (const name of names) {
    if (given.has(name)) request[name] = given.text(name);
  }
  const dataDir = given.text('data-dir');
  const onNan = given.text('on-nan') as OnNan | undefined;
  let downloading = '';
  return {
    ...(request as { readonly dtype?: Dtype }),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(onNan === undefined ? {} : { onNan }),
    signal: context.signal,
    onNotice: (message) => reporter.line(message),
    onWarning: (message) => reporter.warn(message),
    onProgress: ({ phase, what, done, total }) => {
      if (phase === 'download' && what !== downloading) reporter.line(`downloading ${what}`);
      downloading = what;
      reporter.progress({ phase, done, total, bytesRead: done, bytesWritten: 0 });
    },
  };
}

/**
 * Opens what a training verb names: raw row files, a data set folder, or a known name (imported first). `folder`: the data set that
 * was made of it, see `importGivenFile`.
 */
export async function openAnyTrainingData(
  context: CommandContext,
  verb: CommandName,
  given: Arguments,
  reporter: ProgressReporter,
  folder?: string,
): Promise<Dataset | SparseDataset> {
  const { services } = context;
  const [source] = given.positionals;
  if (folder !== undefined) {
    const { openAnyByName } = await services.importing();
    return await openAnyByName(services.storage, folder, {});
  }
  const raw = await rawRequest(services.storage, verb, given);
  if (raw !== undefined && source !== undefined) {
    throw new MlmlError('MLML_USAGE', `${source}: give a data set or --train, not both`);
  }
  const importing = await services.importing();
  if (raw !== undefined) {
    const { onNan, signal, onWarning } = openRequest(context, given, reporter);
    return await importing.openRawRows(services.storage, raw, {
      ...(onNan === undefined ? {} : { onNan }),
      ...(signal === undefined ? {} : { signal }),
      ...(onWarning === undefined ? {} : { onWarning }),
    });
  }
  if (source === undefined) {
    const rawRows = optionsOf(verb, given.kind).some(({ name }) => name === 'train')
      ? ', or --train=<path> with --n and --d'
      : '';
    throw new MlmlError(
      'MLML_USAGE',
      `${verb} needs data: a file with --label=<column>, mnist, spam, cifar-10, digits${rawRows === '' ? ' or' : ','} a data set folder${rawRows}`,
    );
  }
  // The seed of a run decides its order of rows, not which data a name stands for.
  const { seed: _, ...request } = { seed: 0, ...openRequest(context, given, reporter) };
  const dataset = await importing.openAnyByName(services.storage, source, request);
  for (const [name, part] of [
    ['n', 'train'],
    ['nt', 'test'],
  ] as const) {
    const rows = dataset.description.parts[part].n;
    if ((given.number(name) ?? rows) === rows) continue;
    const hint = name === 'n' ? '; use --subset for fewer, or --data-dir for another copy' : '';
    reporter.warn(
      `--${name}=${given.number(name)} has no effect: ${dataset.path} has ${rows} ${part} rows${hint}`,
    );
  }
  return dataset;
}
