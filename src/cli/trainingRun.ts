import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { DESCRIPTION_FILE, type Task } from '../data/format.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { shownSource } from '../data/table/databaseKind.js';
import { MlmlError } from '../errors.js';
import type { Plan } from '../memory/plan.js';
import { resumeCommand } from '../run/commandWords.js';
import {
  beginAnew,
  checkSameCommand,
  checkSameData,
  type EarlierRun,
  removeHalfMade,
  runMark,
} from '../run/earlierRun.js';
import { planFields } from '../run/planText.js';
import { ProgressReporter } from '../run/progressReporter.js';
import {
  claimCsv,
  makeRunFolder,
  RUN_VERSION,
  type RunDescription,
  type RunPaths,
  runsFolder,
  writeRun,
} from '../run/runFolder.js';
import { type ExtraColumn, type LogMark, RunLog } from '../run/runLog.js';
import { hasSaved } from '../run/savedProgress.js';
import type { CheckpointOptions } from '../storage/checkpoint.js';
import { type Lock, lockFolder } from '../storage/lock.js';
import { missingFolders, removeEmptyFolders } from '../storage/madeFolders.js';
import { parseInterval } from '../storage/savingInterval.js';
import { requireScratch } from '../storage/scratch.js';
import type { CommandContext } from './commandContext.js';
import { dataWords } from './dataWords.js';
import { importGivenFile } from './givenFile.js';
import type { CommandName } from './optionSpec.js';
import type { Arguments } from './parseArguments.js';
import type { Services } from './services.js';
import { clearUp, refusal, requireModel, takeUpRun } from './takenUpRun.js';
import { usedInstead } from './usedInstead.js';
import { version } from './version.js';

/** A command line that trains. */
export interface TrainingCommand {
  readonly verb: CommandName;
  readonly given: Arguments;
  /** The words after `mlml`. */
  readonly words: readonly string[];
}

/** Data that something trains on. */
type AnyData = Dataset | SparseDataset;

/** What a training job works with while it runs. */
export interface TrainingRun<Data extends AnyData = Dataset> {
  readonly dataset: Data;
  readonly paths: RunPaths;
  readonly log: RunLog;
  readonly reporter: ProgressReporter;
  readonly scratchFolder: string;
  readonly baselineBytes: number;
  /** How states are saved: with the places of the logs, and kept until the run is done. */
  readonly checkpoint: Omit<CheckpointOptions, 'signal'>;
}

/** What linear and kernel training differ in. */
export interface TrainingJob<Summary extends object, Data extends AnyData = Dataset> {
  /** After defaults; kept in run.json. */
  readonly options: { readonly seed: number };
  /** Bytes it may take with so many threads beyond what the process has when it starts. */
  readonly allowedBytes: (threads: number) => number;
  /** Options that were given and change nothing, a sentence each. */
  readonly warnings: readonly string[];
  /** Default: beside the run. */
  readonly scratch: string | undefined;
  /** Keeps a CSV log. */
  readonly csv: boolean;
  /** Columns of the CSV log beside those of 2016. */
  readonly csvColumns?: readonly ExtraColumn[];
  /** `folder`: the data set that was made of a file, where one is given. */
  open(reporter: ProgressReporter, folder: string | undefined): Promise<Data>;
  /** `earlier`: the run that is gone on with, in `folder`. */
  plan(
    dataset: Data,
    scratchFolder: string,
    earlier?: { readonly run: RunDescription; readonly folder: string },
  ): Plan | Promise<Plan>;
  /** What the plan picked by measured speeds; kept in run.json. */
  pick?(): object | undefined;
  /** Hash of the model that training starts from, once there is a plan; kept in run.json. */
  init?(): string | undefined;
  /** Trains and saves the model at `run.paths.model`. */
  work(run: TrainingRun<Data>): Promise<Summary>;
  /** The result in words; `task`: of the data. */
  text(summary: Summary, csv: string | undefined, task: Task): string;
}

/**
 * Trains a model and leaves a run folder, or goes on with the one at --out. `prepare` loads all that the job needs: what
 * comes after it counts as the job's memory.
 */
export async function runTraining<Summary extends object, Data extends AnyData = Dataset>(
  context: CommandContext,
  command: TrainingCommand,
  prepare: () => Promise<TrainingJob<Summary, Data>>,
): Promise<void> {
  const { services } = context;
  const { storage } = services;
  const { given, verb } = command;
  // The address of a database may have a password in it, which is not written down.
  const words = command.words.map(shownSource);
  const every = given.text('checkpoint-every');
  const interval = every === undefined ? {} : { every: parseInterval(every, '--checkpoint-every') };
  const out = given.text('out');
  const resume = given.flag('resume') ?? false;
  if (resume && out === undefined) {
    throw new MlmlError('MLML_USAGE', '--resume: needs --out=<run folder>, the run to go on with');
  }
  const occupied = out !== undefined && (await storage.status(out)) !== undefined;
  if (occupied && !resume && given.kind === 'linear') throw await refusal(storage, out, words);
  const job = await prepare();
  const earlier = occupied ? await takeUpRun(storage, out, words, resume) : undefined;
  try {
    const { run } = earlier ?? {};
    if (out !== undefined && run !== undefined) {
      checkSameCommand(out, run, { verb, data: dataWords(given, verb), options: job.options });
      if (run.status === 'done') {
        const { paths } = earlier!;
        await requireModel(storage, paths);
        await clearUp(storage, run, paths);
        const { task } = run.dataset as { readonly task: Task };
        return await context.stdout.write(told(given, job, run.result as Summary, run.log, task));
      }
    }
    // More when data have been imported, whose memory is not that of the job.
    let baselineBytes = context.residentBytes();
    // More when there is a plan.
    const running = { threads: 1 };
    const reporter = new ProgressReporter({
      stream: context.stderr,
      quiet: given.flag('quiet') ?? false,
      clock: context.clock,
      memory: () => ({
        usedBytes: context.residentBytes() - baselineBytes,
        allowedBytes: job.allowedBytes(running.threads),
      }),
    });
    for (const warning of job.warnings) reporter.warn(warning);
    try {
      const folder = await importGivenFile(context, verb, given, reporter, run);
      if (folder === undefined) await loadReaders(services, given);
      baselineBytes = context.residentBytes();
      const dataset = await job.open(reporter, folder);
      try {
        const state = { dataset, reporter, baselineBytes, checkpoint: interval };
        const { summary, csv } = await runInFolder(
          context,
          { ...command, words },
          job,
          running,
          state,
          earlier,
        );
        reporter.end();
        await context.stdout.write(told(given, job, summary, csv, dataset.description.task));
      } finally {
        await dataset.close();
      }
    } finally {
      reporter.end();
    }
  } finally {
    await earlier?.lock.release();
  }
}

/** A result, as the command wants it. */
function told<Summary extends object, Data extends AnyData>(
  given: Arguments,
  job: TrainingJob<Summary, Data>,
  summary: Summary,
  csv: string | undefined,
  task: Task,
): string {
  return given.flag('json') ? `${JSON.stringify(summary)}\n` : job.text(summary, csv, task);
}

/** Loads the readers of original files if this run will need them: a name that has not been imported yet. */
async function loadReaders(services: Services, given: Arguments): Promise<void> {
  const { datasetFolder } = await services.importing();
  const source = given.positionals[0];
  if (source === undefined) return;
  const folder = await datasetFolder(services.storage, source, given.text('data-dir'), given.number('n'));
  for (const path of [source, folder]) {
    if ((await services.storage.status(join(path, DESCRIPTION_FILE))) !== undefined) return;
  }
  await services.readers();
}

/** Does the job; folders that are made for its scratch files and end up empty go again. */
async function runInFolder<Summary extends object, Data extends AnyData>(
  context: CommandContext,
  command: TrainingCommand,
  job: TrainingJob<Summary, Data>,
  running: { threads: number },
  state: Pick<TrainingRun<Data>, 'dataset' | 'reporter' | 'baselineBytes' | 'checkpoint'>,
  earlier: EarlierRun | undefined,
): Promise<{ summary: Summary; csv: string | undefined }> {
  const { storage } = context.services;
  // Beside the run, not in it: the next run there finds, or removes, what a killed one left.
  const scratchFolder = job.scratch ?? runsFolder(command.given.text('out'));
  const missing = await missingFolders(storage, scratchFolder);
  const made = [...(earlier?.run?.made ?? []), ...missing];
  try {
    return await recordedRun(context, command, job, running, { ...state, scratchFolder, made }, earlier);
  } finally {
    await removeEmptyFolders(storage, made);
  }
}

/** Does the job, keeping `run.json` true at every moment. */
async function recordedRun<Summary extends object, Data extends AnyData>(
  context: CommandContext,
  { verb, given, words }: TrainingCommand,
  job: TrainingJob<Summary, Data>,
  running: { threads: number },
  state: Omit<TrainingRun<Data>, 'paths' | 'log'> & { readonly made: readonly string[] },
  earlier: EarlierRun | undefined,
): Promise<{ summary: Summary; csv: string | undefined }> {
  const { storage } = context.services;
  const { scratchFolder, made } = state;
  const { description, path } = state.dataset;
  const out = given.text('out');
  if (earlier?.run !== undefined) checkSameData(out!, earlier.run, description.fingerprint);
  // Before anything is made: a budget that is too small leaves no trace.
  const begun = earlier?.run && { run: earlier.run, folder: out! };
  const plan = await job.plan(state.dataset, scratchFolder, begun);
  const [pick, init] = [job.pick?.(), job.init?.()];
  running.threads = plan.threads ?? 1;
  for (const warning of usedInstead(given, plan, description.parts.train.n)) state.reporter.warn(warning);
  // Nor does a disk that is too small.
  if (earlier === undefined && (plan.neededScratchBytes ?? 0) > 0)
    await requireScratch(storage, scratchFolder, plan.neededScratchBytes!);
  const started = context.now();
  const paths = earlier?.paths ?? (await makeRunFolder(storage, verb, started, out));
  let lock: Lock | undefined;
  if (earlier === undefined) lock = await lockFolder(storage, paths.folder, 'writer');
  else if (earlier.run === undefined) await beginAnew(storage, paths);
  else await removeHalfMade(storage, paths);
  let claimed: string | undefined;
  try {
    const before = earlier?.run?.log;
    if (job.csv && before === undefined) claimed = await claimCsv(storage, verb, paths.folder, started);
    const csv = job.csv ? (before ?? claimed) : undefined;
    const run: RunDescription = {
      format: 'mlml-run',
      version: RUN_VERSION,
      status: 'running',
      verb,
      command: words,
      options: job.options,
      seed: job.options.seed,
      data: dataWords(given, verb),
      versions: { mlml: version, node: process.version, platform: `${process.platform}-${process.arch}` },
      dataset: {
        name: description.name,
        path,
        fingerprint: description.fingerprint,
        task: description.task,
        n: description.parts.train.n,
        nt: description.parts.test.n,
        d: description.d,
        k: description.k,
        dtype: description.dtype,
      },
      plan: planFields(plan),
      started: earlier?.run?.started ?? started.toISOString(),
      pid: process.pid,
      cwd: process.cwd(),
      ...(csv === undefined ? {} : { log: csv }),
      ...(made.length === 0 ? {} : { made }),
      ...(pick === undefined ? {} : { pick }),
      ...(init === undefined ? {} : { init }),
    };
    await writeRun(storage, paths, run);
    // From here on it is told of, and stays whatever happens.
    claimed = undefined;
    const logOptions = {
      csv,
      extraColumns: job.csvColumns ?? [],
      clock: context.clock,
      memory: context.residentBytes,
      run: runMark(run, paths.folder),
    };
    const log =
      earlier === undefined
        ? await RunLog.create(storage, paths, logOptions)
        : RunLog.waiting(storage, paths, logOptions);
    // Kernel jobs keep their states elsewhere.
    const savedBefore =
      earlier?.run !== undefined && given.kind === 'linear' && (await hasSaved(storage, paths.folder));
    let endJob: ((states: 'remove' | 'keep') => Promise<void>) | undefined;
    let states: string | undefined;
    let isComplete = false;
    const checkpoint: TrainingRun['checkpoint'] = {
      ...state.checkpoint,
      onSave: () => log.mark(),
      onLoad: async (mark, found) => {
        await log.goOn(mark as LogMark | undefined);
        if (found === 'some' || !savedBefore) return;
        const message = `${paths.states} holds no state, though one was saved: begins anew`;
        log.record({ type: 'warning', message });
        state.reporter.warn(message);
      },
      onDone: (end, folder) => {
        endJob = end;
        if (folder !== paths.states) states = folder;
      },
    };
    const ended = () => ({ ended: context.now().toISOString() });
    try {
      log.record({ type: 'start', verb, dataset: description.name, command: words });
      const summary = await job.work({ ...state, paths, log, checkpoint });
      log.record({ type: 'end', status: 'done' });
      await log.goOn(undefined);
      await log.close();
      const kept = states === undefined ? {} : { states };
      await writeRun(storage, paths, { ...run, ...ended(), ...kept, status: 'done', result: summary });
      isComplete = true;
      await endJob?.('remove');
      return { summary, csv };
    } catch (error) {
      // States that cannot be removed make no failure of a run that is complete; --resume removes them.
      if (isComplete) throw error;
      await endJob?.('keep').catch(() => {});
      const code = error instanceof MlmlError ? error.code : 'MLML_INTERNAL';
      const message = error instanceof Error ? error.message : String(error);
      // The first failure is the one to tell; a disk that takes no more may refuse these too.
      try {
        log.record({ type: 'end', status: 'failed', error: code });
      } catch {}
      await log.close().catch(() => {});
      const failed: RunDescription = { ...run, ...ended(), status: 'failed', error: { code, message } };
      await writeRun(storage, paths, failed).catch(() => {});
      if (code !== 'MLML_INTERRUPTED') throw error;
      throw new MlmlError(code, `${message}; to go on: ${resumeCommand(paths.folder)}`, { cause: error });
    }
  } finally {
    if (claimed !== undefined) await storage.remove(claimed).catch(() => {});
    await lock?.release();
  }
}
