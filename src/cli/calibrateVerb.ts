import { saveCalibration } from '../model/calibration/saveCalibration.js';
import { type Model, saveModel } from '../model/saveModel.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CalibrationMethod, ScoreCalibration } from '../ssgd/scoreCalibration.js';
import type { CommandContext } from './commandContext.js';
import { type ModelAndData, openModelAndData } from './modelAndData.js';
import { type ModelAndTable, openModelAndTable } from './modelAndTable.js';
import type { Arguments } from './parseArguments.js';
import { scoringSettings } from './scoringSettings.js';

/** `mlml calibrate`: fits probabilities to the scores of a model on a part of a data set, or on a table, and keeps them with it. */
export async function calibrateVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock } = context;
  const reporter = new ProgressReporter({ stream, clock, quiet: given.flag('quiet') ?? false });
  try {
    const table = await openModelAndTable(context, given, reporter, true);
    if (table !== undefined) return await calibrateOnTable(context, given, table, reporter);
    const data = await openModelAndData(context, 'calibrate', given, reporter);
    await calibrateOnPart(context, given, data, reporter);
  } finally {
    reporter.end();
  }
}

/** What says how curves are fitted. */
function curveSettings({ services }: CommandContext, given: Arguments) {
  return {
    method: (given.text('method') ?? 'sigmoid') as CalibrationMethod,
    storage: services.storage,
    scratchFolder: given.text('scratch') ?? '.',
  };
}

async function calibrateOnPart(
  context: CommandContext,
  given: Arguments,
  { modelPath, model, dataset, part, rows }: ModelAndData,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services } = context;
  try {
    const { calibrateModel } = await services.scoring();
    const started = clock();
    const { name, fingerprint } = dataset.description;
    const calibration = await calibrateModel(model, rows, {
      ...curveSettings(context, given),
      ...scoringSettings(context, given, reporter, 'calibrate', rows),
      fingerprint,
    });
    const target = await keep(context, given, modelPath, model, calibration);
    reporter.end();
    if (part === 'train' && fingerprint === model.fingerprint)
      reporter.warn(
        'these are the rows the model was trained on, of whose classes it is surer than of others: probabilities will be too near 0 and 1',
      );
    const seconds = (clock() - started) / 1000;
    await tell(
      context,
      given,
      target,
      { dataset: name, part },
      `part ${part} of ${name}`,
      calibration,
      seconds,
    );
  } finally {
    await dataset.close();
  }
}

async function calibrateOnTable(
  context: CommandContext,
  given: Arguments,
  { modelPath, model, saved, source, bufferBytes }: ModelAndTable,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services } = context;
  try {
    const { calibrateTable } = await services.tables();
    const started = clock();
    const calibration = await calibrateTable(services.storage, model, source, {
      ...curveSettings(context, given),
      ...scoringSettings(context, given, reporter, 'calibrate'),
      bufferBytes,
    });
    const target = await keep(context, given, modelPath, saved, calibration);
    reporter.end();
    const seconds = (clock() - started) / 1000;
    await tell(context, given, target, { table: source.name }, source.name, calibration, seconds);
  } finally {
    await source.close();
  }
}

/** Keeps a calibration with its model, or in a copy at --out; says where. */
async function keep(
  { services: { storage } }: CommandContext,
  given: Arguments,
  modelPath: string,
  model: Model,
  calibration: ScoreCalibration,
): Promise<string> {
  const out = given.text('out');
  if (out === undefined) await saveCalibration(storage, modelPath, calibration);
  else await saveModel(storage, out, { ...model, calibration });
  return out ?? modelPath;
}

async function tell(
  { stdout }: CommandContext,
  given: Arguments,
  target: string,
  what: object,
  where: string,
  { method, rows }: ScoreCalibration,
  seconds: number,
): Promise<void> {
  const result = { model: target, ...what, rows, method, seconds };
  const text = `${target}: gives probabilities, by ${method} curves fitted on ${formatCount(rows)} rows of ${where}\n`;
  await stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
}
