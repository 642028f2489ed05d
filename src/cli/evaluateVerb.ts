import { evaluationText } from '../run/evaluationText.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { scoreOf } from '../run/summary.js';
import { defaultOptions } from '../ssgd/options.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import type { CommandContext } from './commandContext.js';
import { openModelAndData } from './modelAndData.js';
import type { Arguments } from './parseArguments.js';

/** `mlml evaluate`: all that can be said of a model's quality on a part of a data set. */
export async function evaluateVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock, services, signal } = context;
  const reporter = new ProgressReporter({ stream, clock, quiet: given.flag('quiet') ?? false });
  try {
    const { modelPath, model, dataset, part, rows } = await openModelAndData(
      context,
      'evaluate',
      given,
      reporter,
    );
    try {
      const { evaluateModel } = await services.scoring();
      const started = clock();
      const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
      const nthreads = given.number('nthreads') ?? defaultThreads();
      const evaluation = await evaluateModel(model, rows, {
        bufferBytes,
        signal,
        storage: services.storage,
        nthreads,
        scratchFolder: given.text('scratch') ?? '.',
        onProgress: (done) => {
          const bytesRead = done * rows.rowBytes;
          reporter.progress({ phase: 'evaluate', done, total: rows.rows, bytesRead, bytesWritten: 0 });
        },
      });
      reporter.end();
      const seconds = (clock() - started) / 1000;
      const { name } = dataset.description;
      const result = {
        model: modelPath,
        dataset: name,
        part,
        rows: evaluation.rows,
        ...scoreOf(evaluation),
        ...(evaluation.mae === undefined ? {} : { mae: evaluation.mae }),
        ...evaluation.classification,
        seconds,
      };
      const title = `${name}, ${formatCount(evaluation.rows)} rows of part ${part}`;
      const text = evaluationText(title, evaluation);
      await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}
