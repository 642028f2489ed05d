import { parse } from 'node:path';
import type { DatasetDescription } from '../data/format.js';
import { isPath } from '../data/table/databaseKind.js';
import { tableName } from '../data/table/tableName.js';
import { MlmlError } from '../errors.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import { importOrigin, importRequest } from './importRequest.js';
import { datasetText } from './infoText.js';
import type { Arguments } from './parseArguments.js';
import type { Services } from './services.js';

/** What an import reads and where its data set goes. */
export interface ImportTarget {
  readonly source: string;
  readonly out: string;
}

/** The data set folder is --out, or one named after the source in --data-dir or ./data. */
export async function importTarget(services: Services, given: Arguments): Promise<ImportTarget> {
  const [source, ...rest] = given.positionals;
  if (source === undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      'import needs mnist, spam, cifar-10, digits or a path; see mlml import --help',
    );
  }
  if (rest.length > 0) {
    throw new MlmlError('MLML_USAGE', `${rest[0]}: import takes one source; see mlml import --help`);
  }
  return { source, out: given.text('out') ?? (await importFolder(services, given, source)) };
}

/** The folder of the data set of a source, when nobody says which. */
export async function importFolder(services: Services, given: Arguments, source: string): Promise<string> {
  const { datasetFolder } = await services.importing();
  const isOfTable = given.has('label') || !isPath(source);
  const name = isOfTable ? tableName(source, given.text('table')) : parse(source).name;
  // With --d the source is a file of raw rows and --n describes it; else --n asks for a copy with so many rows.
  const rows = given.has('d') ? undefined : given.number('n');
  return await datasetFolder(services.storage, name, given.text('data-dir'), rows);
}

/** `mlml import`: makes a data set folder. */
export async function importVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { services } = context;
  const { source, out } = await importTarget(services, given);
  const reporter = new ProgressReporter({
    stream: context.stderr,
    quiet: given.flag('quiet') ?? false,
    clock: context.clock,
  });
  const importing = await services.importing();
  let description: DatasetDescription;
  try {
    const options = { ...(await importRequest(context, given, source, reporter)), out };
    const origin = await importOrigin(services.storage, given, source);
    description =
      origin === undefined
        ? await importing.importDataset(services.storage, source, options)
        : await importing.importWithOrigin(services.storage, source, options, origin);
  } finally {
    reporter.end();
  }
  const { name, task, d, k, dtype, labelNames, parts, fingerprint } = description;
  const result = {
    dataset: name,
    folder: out,
    task,
    n: parts.train.n,
    nt: parts.test.n,
    d,
    k,
    dtype,
    ...(labelNames && { labelNames }),
    fingerprint,
  };
  await context.stdout.write(
    given.flag('json') ? `${JSON.stringify(result)}\n` : datasetText(description, out),
  );
}
