import { parse } from 'node:path';
import type { DatasetDescription } from '../data/format.js';
import type { ImportOptions } from '../data/import/importOptions.js';
import { tableName } from '../data/table/tableName.js';
import { MlmlError } from '../errors.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { arrayRequest } from './arrayRequest.js';
import type { CommandContext } from './commandContext.js';
import { datasetText } from './infoText.js';
import { openRequest } from './openData.js';
import type { Arguments } from './parseArguments.js';
import { rawRequest } from './rawRows.js';
import type { Services } from './services.js';
import { inputOf, tableRequest } from './tableRequest.js';

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
  const out = given.text('out');
  if (out !== undefined) return { source, out };
  const { datasetFolder } = await services.importing();
  const name = given.has('label') ? tableName(source, given.text('table')) : parse(source).name;
  // With --d the source is a file of raw rows and --n describes it; else --n asks for a copy with so many rows.
  const rows = given.has('d') ? undefined : given.number('n');
  return {
    source,
    out: await datasetFolder(services.storage, name, given.text('data-dir'), rows),
  };
}

/** Options of LIBSVM text. */
function textOptions(given: Arguments): Partial<ImportOptions> {
  const { d, k } = {
    d: given.number('d'),
    k: given.flag('one-hot') === false ? 1 : given.number('k'),
  };
  return {
    ...(d === undefined ? {} : { d }),
    ...(k === undefined ? {} : { k }),
    dense: given.flag('dense') ?? false,
  };
}

/** @throws MlmlError `MLML_USAGE` for options that only texts have */
function refuseTextOptions(given: Arguments, source: string): object {
  if (!given.has('dense')) return {};
  throw new MlmlError('MLML_USAGE', `--dense: is for LIBSVM text, and ${source} is none`);
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
  const table = tableRequest(given);
  const text = table === undefined && (await importing.isLibsvmFile(services.storage, source));
  // --d says that the path is a file of raw rows, unless it is a text.
  const raw =
    given.has('d') && !text ? await rawRequest(services.storage, 'import', given, source) : undefined;
  let description: DatasetDescription;
  try {
    description = await importing.importDataset(services.storage, source, {
      ...openRequest(context, given, reporter),
      ...(table === undefined ? arrayRequest(given) : { table: { ...table, ...inputOf(context, source) } }),
      out,
      ...(raw === undefined ? {} : { raw }),
      ...(text ? textOptions(given) : refuseTextOptions(given, source)),
    });
  } finally {
    reporter.end();
  }
  const { name, task, d, k, dtype, parts, fingerprint } = description;
  const result = {
    dataset: name,
    folder: out,
    task,
    n: parts.train.n,
    nt: parts.test.n,
    d,
    k,
    dtype,
    fingerprint,
  };
  await context.stdout.write(
    given.flag('json') ? `${JSON.stringify(result)}\n` : datasetText(description, out),
  );
}
