import { dirname, join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { MlmlError } from '../errors.js';
import { saveModel } from '../model/saveModel.js';
import { planFields } from '../run/planText.js';
import { ProgressReporter } from '../run/progressReporter.js';
import {
  makeRunFolder,
  RUN_VERSION,
  type RunDescription,
  type RunPaths,
  writeRun,
} from '../run/runFolder.js';
import { RunLog } from '../run/runLog.js';
import { HEAP_ALLOWANCE, scoreOf, summaryText, type TrainSummary } from '../run/summary.js';
import type { TrainOptions, Verb } from '../ssgd/options.js';
import type { CommandContext } from './commandContext.js';
import { openTrainingData } from './openData.js';
import type { Arguments } from './parseArguments.js';
import type { Services, Training } from './services.js';
import { trainOptions, uselessOptions } from './trainSettings.js';
import { version } from './version.js';

/** closed, gd, sgd, ssgd, hsgd: trains a model and leaves a run folder. */
export async function trainVerb(
  context: CommandContext,
  verb: Verb,
  given: Arguments,
  command: readonly string[],
): Promise<void> {
  const { services } = context;
  const options = trainOptions(given);
  const out = given.text('out');
  if (out !== undefined && (await services.storage.status(out)) !== undefined) {
    throw new MlmlError('MLML_EXISTS', `${out}: exists already; remove it or give another --out`);
  }
  // Everything is loaded before the baseline is taken; what comes later is the job's.
  const training = await services.training();
  await loadReaders(services, given);
  const baselineBytes = context.residentBytes();
  const reporter = new ProgressReporter({
    stream: context.stderr,
    quiet: given.flag('quiet') ?? false,
    clock: context.clock,
    memory: () => ({
      usedBytes: context.residentBytes() - baselineBytes,
      allowedBytes: options.bufferBytes + HEAP_ALLOWANCE,
    }),
  });
  for (const warning of uselessOptions(verb, given, given.has('train'))) reporter.warn(warning);
  try {
    const dataset = await openTrainingData(context, verb, given, reporter);
    try {
      const job = { context, training, verb, options, dataset, reporter, baselineBytes, command, out };
      const { summary, csv } = await trainInFolder(job);
      reporter.end();
      await context.stdout.write(
        given.flag('json') ? `${JSON.stringify(summary)}\n` : summaryText(summary, options.simulated, csv),
      );
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}

/** Loads the readers of original files if this run will need them: a name that has not been imported yet. */
async function loadReaders(services: Services, given: Arguments): Promise<void> {
  const { datasetFolder } = await services.importing();
  const source = given.positionals[0];
  if (source === undefined) return;
  const folder = await datasetFolder(services.storage, source, given.text('data-dir'), given.number('n'));
  for (const path of [source, folder]) {
    if ((await services.storage.status(join(path, 'dataset.json'))) !== undefined) return;
  }
  await services.readers();
}

interface Job {
  readonly context: CommandContext;
  readonly training: Training;
  readonly verb: Verb;
  readonly options: TrainOptions;
  readonly dataset: Dataset;
  readonly reporter: ProgressReporter;
  readonly baselineBytes: number;
  readonly command: readonly string[];
  readonly out: string | undefined;
}

/** Trains, keeping `run.json` true at every moment. */
async function trainInFolder(job: Job): Promise<{ summary: TrainSummary; csv: string | undefined }> {
  const { context, training, verb, options, dataset, command } = job;
  const { storage } = context.services;
  const { description } = dataset;
  // Before anything is made: a budget that is too small leaves no trace.
  const plan = training.planTraining(verb, description, options);
  const started = context.now();
  const paths = await makeRunFolder(storage, verb, started, job.out);
  const csv = options.logfreq > 0 && verb !== 'closed' ? paths.csv : undefined;
  const run: RunDescription = {
    format: 'mlml-run',
    version: RUN_VERSION,
    status: 'running',
    verb,
    command,
    options,
    seed: options.seed,
    versions: { mlml: version, node: process.version, platform: `${process.platform}-${process.arch}` },
    dataset: {
      name: description.name,
      path: dataset.path,
      fingerprint: description.fingerprint,
      task: description.task,
      n: description.parts.train.n,
      nt: description.parts.test.n,
      d: description.d,
      k: description.k,
      dtype: description.dtype,
    },
    plan: planFields(plan),
    started: started.toISOString(),
    pid: process.pid,
    ...(csv === undefined ? {} : { log: csv }),
  };
  await writeRun(storage, paths, run);
  const log = await RunLog.create(storage, paths, {
    csv: csv !== undefined,
    clock: context.clock,
    memory: context.residentBytes,
  });
  const ended = () => ({ ended: context.now().toISOString() });
  try {
    log.record({ type: 'start', verb, dataset: description.name, command });
    const summary = await trainAndSave(job, paths, log);
    log.record({ type: 'end', status: 'done' });
    await log.close();
    await writeRun(storage, paths, { ...run, ...ended(), status: 'done', result: summary });
    return { summary, csv };
  } catch (error) {
    const code = error instanceof MlmlError ? error.code : 'MLML_INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    // The first failure is the one to tell; a disk that takes no more may refuse these too.
    try {
      log.record({ type: 'end', status: 'failed', error: code });
    } catch {}
    await log.close().catch(() => {});
    const failed: RunDescription = { ...run, ...ended(), status: 'failed', error: { code, message } };
    await writeRun(storage, paths, failed).catch(() => {});
    throw error;
  }
}

async function trainAndSave(job: Job, paths: RunPaths, log: RunLog): Promise<TrainSummary> {
  const { context, training, verb, options, dataset, reporter } = job;
  const { storage } = context.services;
  const result = await training.train(verb, dataset, options, {
    storage,
    // Beside the run, not in it: the next run there removes what a killed one left.
    scratchFolder: options.scratch ?? dirname(paths.folder),
    signal: context.signal,
    onEvent: (event) => {
      log.record(event);
      reporter.event(event);
    },
  });
  await saveModel(storage, paths.model, result.model);
  const { n } = dataset.description.parts.train;
  const { d, k, name } = dataset.description;
  return {
    verb,
    dataset: name,
    n: options.subset > 0 ? Math.min(options.subset, n) : n,
    d,
    k,
    epochs: result.epochs,
    train: scoreOf(result.train),
    test: scoreOf(result.test),
    seconds: result.seconds,
    samples: result.samples,
    samplesPerSecond: result.seconds > 0 ? result.samples / result.seconds : 0,
    bytesRead: result.bytesRead,
    bytesWritten: result.bytesWritten,
    bufferBytes: options.bufferBytes,
    plannedPeakBytes: result.plan.plannedPeakBytes,
    peakRssBytes: context.peakBytes(),
    baselineRssBytes: job.baselineBytes,
    run: paths.folder,
    model: paths.model,
  };
}
