import { MlmlError } from '../errors.js';
import type { ByteSink } from '../model/byteSink.js';
import { type PredictionFormat, predictionFormat } from '../model/predictionFormat.js';
import { predictionSink } from '../model/predictionSink.js';
import { probabilityColumns } from '../model/probabilities.js';
import { writePredictions } from '../model/writePredictions.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import { type ModelAndData, openModelAndData } from './modelAndData.js';
import { type ModelAndTable, openModelAndTable } from './modelAndTable.js';
import type { Arguments } from './parseArguments.js';
import { scoringSettings } from './scoringSettings.js';

/** Where predictions go, `-` being stdout, and in which format. */
interface PredictionTarget {
  readonly out: string;
  readonly format: PredictionFormat;
}

/** From --out and --format. */
function predictionTarget(given: Arguments): PredictionTarget {
  const out = given.text('out') ?? '-';
  const format = given.text('format') as PredictionFormat | undefined;
  if (out !== '-') return { out, format: format ?? predictionFormat(out) };
  if (given.flag('json')) {
    throw new MlmlError('MLML_USAGE', '--json: stdout cannot hold the predictions too; give --out=<file>');
  }
  if (format === 'parquet')
    throw new MlmlError(
      'MLML_USAGE',
      '--format=parquet: ends with what is known in the end; give --out=<file>',
    );
  return { out, format: format ?? 'csv' };
}

/** `mlml predict`: streams the predictions of a model for a part of a data set, or for a table. */
export async function predictVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock } = context;
  const target = predictionTarget(given);
  // A bar would be drawn into the predictions when both go to one terminal.
  const quiet = (given.flag('quiet') ?? false) || (target.out === '-' && context.stdout.isTTY);
  const reporter = new ProgressReporter({ stream, clock, quiet });
  try {
    const table = await openModelAndTable(context, given, reporter);
    if (table !== undefined) return await predictRows(context, given, target, table, reporter);
    const data = await openModelAndData(context, 'predict', given, reporter);
    await predictPart(context, given, target, data, reporter);
  } finally {
    reporter.end();
  }
}

/** Predictions of a part of a data set. */
async function predictPart(
  context: CommandContext,
  given: Arguments,
  { out, format }: PredictionTarget,
  { modelPath, model, dataset, part, rows }: ModelAndData,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services, signal } = context;
  const proba = given.flag('proba') ?? false;
  try {
    if (proba) probabilityColumns(model);
    const { scoreRows } = await services.scoring();
    const started = clock();
    const { onProgress, ...scoring } = scoringSettings(context, given, reporter, 'predict', rows);
    const file = { format, model, proba, signal, ...queryMemory(given) };
    const sink = out === '-' ? stdoutSink(context) : await predictionSink(services.storage, out, file);
    await writePredictions(
      model,
      rows.rows,
      scoreRows(model, rows, { ...scoring, storage: services.storage }),
      sink,
      { format, proba, file: rows, signal, onProgress },
    );
    if (out === '-') return;
    const seconds = (clock() - started) / 1000;
    const { name } = dataset.description;
    const result = { model: modelPath, dataset: name, part, rows: rows.rows, out, seconds };
    const text = `${out}: ${formatCount(rows.rows)} predictions for part ${part} of ${name}\n`;
    await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
  } finally {
    await dataset.close();
  }
}

/** Predictions of a table: of files, or of rows that come on stdin and are answered as they do. */
async function predictRows(
  context: CommandContext,
  given: Arguments,
  { out, format }: PredictionTarget,
  { modelPath, model, source, bufferBytes }: ModelAndTable,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services } = context;
  try {
    if (out === '-' && format === 'npy')
      throw new MlmlError(
        'MLML_USAGE',
        '--format=npy: begins with the number of rows, which a table tells in the end; give --out=<file>',
      );
    const { predictTable } = await services.tables();
    const started = clock();
    const id = given.text('id');
    const sink = out === '-' ? stdoutSink(context) : out;
    const rows = await predictTable(services.storage, model, source, sink, {
      ...scoringSettings(context, given, reporter, 'predict'),
      bufferBytes,
      format,
      proba: given.flag('proba') ?? false,
      ...queryMemory(given),
      ...(id === undefined ? {} : { id }),
    });
    if (out === '-') return;
    const seconds = (clock() - started) / 1000;
    const result = { model: modelPath, table: source.name, rows, out, seconds };
    const text = `${out}: ${formatCount(rows)} predictions for ${source.name}\n`;
    await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
  } finally {
    await source.close();
  }
}

/** Of the process that writes Parquet. */
function queryMemory(given: Arguments): { readonly queryBytes?: number } {
  const queryBytes = given.number('query-memory');
  return queryBytes === undefined ? {} : { queryBytes };
}

function stdoutSink({ stdout }: CommandContext): ByteSink {
  return {
    write: (bytes) => stdout.write(bytes),
    finish: async () => {},
    discard: async () => {},
  };
}
