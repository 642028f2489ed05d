import type { EvaluationReport } from '../model/evaluation/evaluationReport.js';
import { crossValidationOfRun } from '../run/crossValidationOfRun.js';
import { crossValidationWords } from '../run/crossValidationTable.js';
import { evaluationText } from '../run/evaluationText.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { scoreOf } from '../run/summary.js';
import type { CommandContext } from './commandContext.js';
import { type ModelAndData, openModelAndData } from './modelAndData.js';
import { type ModelAndTable, openModelAndTable } from './modelAndTable.js';
import type { Arguments } from './parseArguments.js';
import { scoringSettings } from './scoringSettings.js';

/** `mlml evaluate`: all that can be said of a model's quality on a part of a data set, or on a table. */
export async function evaluateVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { stderr: stream, clock } = context;
  const reporter = new ProgressReporter({ stream, clock, quiet: given.flag('quiet') ?? false });
  try {
    const table = await openModelAndTable(context, given, reporter, true);
    if (table !== undefined) return await evaluateRows(context, given, table, reporter);
    const data = await openModelAndData(context, 'evaluate', given, reporter);
    await evaluatePart(context, given, data, reporter);
  } finally {
    reporter.end();
  }
}

async function evaluatePart(
  context: CommandContext,
  given: Arguments,
  { modelPath, model, dataset, part, rows }: ModelAndData,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services } = context;
  try {
    const { evaluateModel } = await services.scoring();
    const started = clock();
    const evaluation = await evaluateModel(model, rows, {
      ...scoringSettings(context, given, reporter, 'evaluate', rows),
      storage: services.storage,
      scratchFolder: given.text('scratch') ?? '.',
    });
    reporter.end();
    const seconds = (clock() - started) / 1000;
    const { name } = dataset.description;
    const title = `${name}, ${formatCount(evaluation.rows)} rows of part ${part}`;
    await tell(context, given, title, { model: modelPath, dataset: name, part }, evaluation, seconds);
  } finally {
    await dataset.close();
  }
}

async function evaluateRows(
  context: CommandContext,
  given: Arguments,
  { modelPath, model, source, bufferBytes }: ModelAndTable,
  reporter: ProgressReporter,
): Promise<void> {
  const { clock, services } = context;
  try {
    const { evaluateTable } = await services.tables();
    const started = clock();
    const evaluation = await evaluateTable(services.storage, model, source, {
      ...scoringSettings(context, given, reporter, 'evaluate'),
      bufferBytes,
      scratchFolder: given.text('scratch') ?? '.',
    });
    reporter.end();
    const seconds = (clock() - started) / 1000;
    const title = `${source.name}, ${formatCount(evaluation.rows)} rows`;
    await tell(context, given, title, { model: modelPath, table: source.name }, evaluation, seconds);
  } finally {
    await source.close();
  }
}

async function tell(
  { stdout, services }: CommandContext,
  given: Arguments,
  title: string,
  what: { readonly model: string } & Readonly<Record<string, string>>,
  evaluation: EvaluationReport,
  seconds: number,
): Promise<void> {
  const { rows, mae, classification } = evaluation;
  const crossValidation = await crossValidationOfRun(services.storage, what.model);
  const result = {
    ...what,
    rows,
    ...scoreOf(evaluation),
    ...(mae === undefined ? {} : { mae }),
    ...classification,
    ...(crossValidation === undefined ? {} : { crossValidation }),
    seconds,
  };
  if (given.flag('json')) return await stdout.write(`${JSON.stringify(result)}\n`);
  const trained =
    crossValidation === undefined ? '' : `\nwhen it was trained, ${crossValidationWords(crossValidation)}\n`;
  await stdout.write(`${evaluationText(title, evaluation)}${trained}`);
}
