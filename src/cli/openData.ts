import type { Dtype } from '../arithmetic/dtype.js';
import type { Dataset } from '../data/dataset.js';
import type { OpenOptions } from '../data/import/openByName.js';
import { MlmlError } from '../errors.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';
import { rawRequest } from './rawRows.js';

/** Options of opening and importing that were given, with progress going to the terminal. */
export function openRequest(
  context: CommandContext,
  given: Arguments,
  reporter: ProgressReporter,
): OpenOptions {
  const request: Record<string, unknown> = {};
  for (const name of ['n', 'nt', 'seed', 'dtype', 'percentage']) {
    if (given.has(name)) request[name] = given.text(name);
  }
  const dataDir = given.text('data-dir');
  let announced = '';
  return {
    ...(request as { readonly dtype?: Dtype }),
    ...(dataDir === undefined ? {} : { dataDir }),
    signal: context.signal,
    onNotice: (message) => reporter.line(message),
    onWarning: (message) => reporter.warn(message),
    onProgress: ({ phase, what, done, total }) => {
      const announcement = `${phase === 'download' ? 'downloading' : 'importing'} ${what}`;
      if (announcement !== announced) reporter.line(announcement);
      announced = announcement;
      reporter.progress({ phase, done, total, epoch: 0, bytesRead: done, bytesWritten: 0 });
    },
  };
}

/** Opens what a training verb names: raw row files, a data set folder, or a known name (imported first). */
export async function openTrainingData(
  context: CommandContext,
  verb: string,
  given: Arguments,
  reporter: ProgressReporter,
): Promise<Dataset> {
  const { services } = context;
  const [source, ...rest] = given.positionals;
  if (rest.length > 0) {
    throw new MlmlError('MLML_USAGE', `${rest[0]}: ${verb} takes one data set; see mlml ${verb} --help`);
  }
  const raw = await rawRequest(services.storage, verb, given);
  if (raw !== undefined && source !== undefined) {
    throw new MlmlError('MLML_USAGE', `${source}: give a data set or --train, not both`);
  }
  const importing = await services.importing();
  if (raw !== undefined) return await importing.openRawRows(services.storage, raw);
  if (source === undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `${verb} needs data: mnist, spam, cifar-10, digits, a data set folder, or --train=<path> with --n and --d`,
    );
  }
  // The seed of a run decides its order of rows, not which data a name stands for.
  const { seed: _, ...request } = { seed: 0, ...openRequest(context, given, reporter) };
  const dataset = await importing.openByName(services.storage, source, request);
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
