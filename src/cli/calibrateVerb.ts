import { saveCalibration } from '../model/calibration/saveCalibration.js';
import { saveModel } from '../model/saveModel.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CalibrationMethod } from '../ssgd/scoreCalibration.js';
import type { CommandContext } from './commandContext.js';
import { openModelAndData } from './modelAndData.js';
import type { Arguments } from './parseArguments.js';
import { scoringSettings } from './scoringSettings.js';

/** `mlml calibrate`: fits probabilities to the scores of a model and keeps them with it. */
export async function calibrateVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock, services } = context;
  const { storage } = services;
  const reporter = new ProgressReporter({ stream, clock, quiet: given.flag('quiet') ?? false });
  try {
    const opened = await openModelAndData(context, 'calibrate', given, reporter);
    const { modelPath, model, dataset, part, rows } = opened;
    try {
      const { calibrateModel } = await services.scoring();
      const started = clock();
      const calibration = await calibrateModel(model, rows, {
        method: (given.text('method') ?? 'sigmoid') as CalibrationMethod,
        ...scoringSettings(context, given, reporter, 'calibrate', rows),
        storage,
        scratchFolder: given.text('scratch') ?? '.',
        fingerprint: dataset.description.fingerprint,
      });
      const out = given.text('out');
      if (out === undefined) await saveCalibration(storage, modelPath, calibration);
      else await saveModel(storage, out, { ...model, calibration });
      reporter.end();
      const { name, fingerprint } = dataset.description;
      if (part === 'train' && fingerprint === model.fingerprint)
        reporter.warn(
          'these are the rows the model was trained on, of whose classes it is surer than of others: probabilities will be too near 0 and 1',
        );
      const seconds = (clock() - started) / 1000;
      const target = out ?? modelPath;
      const result = {
        model: target,
        dataset: name,
        part,
        rows: rows.rows,
        method: calibration.method,
        seconds,
      };
      const text = `${target}: gives probabilities, by ${calibration.method} curves fitted on ${formatCount(rows.rows)} rows of part ${part} of ${name}\n`;
      await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}
