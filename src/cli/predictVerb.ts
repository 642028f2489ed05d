import { MlmlError } from '../errors.js';
import { type ByteSink, fileSink } from '../model/byteSink.js';
import { type PredictionFormat, predictionFormat } from '../model/predictionFormat.js';
import { probabilityColumns } from '../model/probabilities.js';
import { writePredictions } from '../model/writePredictions.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { defaultOptions } from '../ssgd/options.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import type { CommandContext } from './commandContext.js';
import { openModelAndData } from './modelAndData.js';
import { type ModelAndTable, openModelAndTable } from './modelAndTable.js';
import type { Arguments } from './parseArguments.js';

/** Where predictions go and in which format, from --out and --format. */
export function predictionTarget(given: Arguments): { out: string; format: PredictionFormat } {
  const out = given.text('out') ?? '-';
  const format = given.text('format') as PredictionFormat | undefined;
  if (out !== '-') return { out, format: format ?? predictionFormat(out) };
  if (given.flag('json')) {
    throw new MlmlError('MLML_USAGE', '--json: stdout cannot hold the predictions too; give --out=<file>');
  }
  return { out, format: format ?? 'csv' };
}

/** `mlml predict`: streams the predictions of a model for a part of a data set. */
export async function predictVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock, services, signal } = context;
  const { out, format } = predictionTarget(given);
  const proba = given.flag('proba') ?? false;
  // A bar would be drawn into the predictions when both go to one terminal.
  const quiet = (given.flag('quiet') ?? false) || (out === '-' && context.stdout.isTTY);
  const reporter = new ProgressReporter({ stream, clock, quiet });
  try {
    const table = await openModelAndTable(context, given, reporter);
    if (table !== undefined) return await predictRows(context, given, table, reporter);
    const { modelPath, model, dataset, part, rows } = await openModelAndData(
      context,
      'predict',
      given,
      reporter,
    );
    try {
      if (proba) probabilityColumns(model);
      const { scoreRows } = await services.scoring();
      const started = clock();
      const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
      const nthreads = given.number('nthreads') ?? defaultThreads();
      const sink = out === '-' ? stdoutSink(context) : await fileSink(services.storage, out);
      await writePredictions(
        model,
        rows.rows,
        scoreRows(model, rows, { bufferBytes, signal, storage: services.storage, nthreads }),
        sink,
        {
          format,
          proba,
          file: rows,
          signal,
          onProgress: (done) => {
            const bytesRead = done * rows.rowBytes;
            reporter.progress({
              phase: 'predict',
              done,
              total: rows.rows,
              bytesRead,
              bytesWritten: 0,
            });
          },
        },
      );
      if (out === '-') return;
      const seconds = (clock() - started) / 1000;
      const result = {
        model: modelPath,
        dataset: dataset.description.name,
        part,
        rows: rows.rows,
        out,
        seconds,
      };
      const text = `${out}: ${formatCount(rows.rows)} predictions for part ${part} of ${dataset.description.name}\n`;
      await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}

function stdoutSink({ stdout }: CommandContext): ByteSink {
  return {
    write: (bytes) => stdout.write(bytes),
    finish: async () => {},
    discard: async () => {},
  };
}

/** Predictions of a table: of files, or of rows that come on stdin and are answered as they do. */
async function predictRows(
  context: CommandContext,
  given: Arguments,
  { modelPath, model, source, bufferBytes }: ModelAndTable,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services, signal } = context;
  const { out, format } = predictionTarget(given);
  try {
    if (out === '-' && format === 'npy')
      throw new MlmlError(
        'MLML_USAGE',
        '--format=npy: begins with the number of rows, which a table tells in the end; give --out=<file>',
      );
    const { predictTable } = await services.tables();
    const started = clock();
    const id = given.text('id');
    const rows = await predictTable(
      services.storage,
      model,
      source,
      out === '-' ? stdoutSink(context) : out,
      {
        bufferBytes,
        nthreads: given.number('nthreads') ?? defaultThreads(),
        signal,
        format,
        proba: given.flag('proba') ?? false,
        ...(id === undefined ? {} : { id }),
        onProgress: (done) =>
          reporter.progress({ phase: 'predict', done, total: 0, bytesRead: 0, bytesWritten: 0 }),
      },
    );
    if (out === '-') return;
    const seconds = (clock() - started) / 1000;
    const result = { model: modelPath, table: source.name, rows, out, seconds };
    const text = `${out}: ${formatCount(rows)} predictions for ${source.name}\n`;
    await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
  } finally {
    await source.close();
  }
}
