import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { MlmlError } from '../errors.js';
import type { Plan } from '../memory/plan.js';
import {
  beginAnew,
  checkSameCommand,
  checkSameData,
  type EarlierRun,
  failureIn,
  holdRun,
  isStateOf,
  isUnfinishedRunOf,
  removeHalfMade,
  runMark,
} from '../run/earlierRun.js';
import { planFields } from '../run/planText.js';
import { ProgressReporter } from '../run/progressReporter.js';
import {
  makeRunFolder,
  RUN_VERSION,
  type RunDescription,
  type RunPaths,
  runsFolder,
  writeRun,
} from '../run/runFolder.js';
import { type ExtraColumn, type LogMark, RunLog } from '../run/runLog.js';
import { type CheckpointOptions, removeFinishedJob } from '../storage/checkpoint.js';
import { isReadOnly, type Lock, lockFolder } from '../storage/lock.js';
import { parseInterval } from '../storage/savingInterval.js';
import { requireScratch } from '../storage/scratch.js';
import type { CommandContext } from './commandContext.js';
import { dataWords } from './dataWords.js';
import type { Arguments } from './parseArguments.js';
import type { Services } from './services.js';
import { usedInstead } from './usedInstead.js';
import { version } from './version.js';

/** A command line that trains. */
export interface TrainingCommand {
  readonly verb: string;
  readonly given: Arguments;
  /** The words after `mlml`. */
  readonly words: readonly string[];
}

/** What a training job works with while it runs. */
export interface TrainingRun {
  readonly dataset: Dataset;
  readonly paths: RunPaths;
  readonly log: RunLog;
  readonly reporter: ProgressReporter;
  readonly scratchFolder: string;
  readonly baselineBytes: number;
  /** How states are saved: with the places of the logs, and kept until the run is done. */
  readonly checkpoint: Omit<CheckpointOptions, 'signal'>;
}

/** What linear and kernel training differ in. */
export interface TrainingJob<Summary extends object> {
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
  open(reporter: ProgressReporter): Promise<Dataset>;
  plan(dataset: Dataset, scratchFolder: string): Plan | Promise<Plan>;
  /** Trains and saves the model at `run.paths.model`. */
  work(run: TrainingRun): Promise<Summary>;
  /** The result in words. */
  text(summary: Summary, csv: string | undefined): string;
}

/**
 * Trains a model and leaves a run folder, or goes on with the one at --out. `prepare` loads all that the job needs: what
 * comes after it counts as the job's memory.
 */
export async function runTraining<Summary extends object>(
  context: CommandContext,
  command: TrainingCommand,
  prepare: () => Promise<TrainingJob<Summary>>,
): Promise<void> {
  const { services } = context;
  const { given, verb } = command;
  const every = given.text('checkpoint-every');
  const interval = every === undefined ? {} : { every: parseInterval(every, '--checkpoint-every') };
  const out = given.text('out');
  const resume = given.flag('resume') ?? false;
  if (resume && out === undefined) {
    throw new MlmlError('MLML_USAGE', '--resume: needs --out=<run folder>, the run to go on with');
  }
  const occupied = out !== undefined && (await services.storage.status(out)) !== undefined;
  if (occupied && !resume && given.kind === 'linear') throw await refusal(context, out, command);
  const job = await prepare();
  const earlier = occupied ? await takeUp(context, out, command, resume) : undefined;
  try {
    const { run } = earlier ?? {};
    if (out !== undefined && run !== undefined) {
      checkSameCommand(out, run, { verb, data: dataWords(given), options: job.options });
      if (run.status === 'done') return await reportAgain(context, given, job, run, earlier!.paths);
    }
    await loadReaders(services, given);
    const baselineBytes = context.residentBytes();
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
      const dataset = await job.open(reporter);
      try {
        const state = { dataset, reporter, baselineBytes, checkpoint: interval };
        const { summary, csv } = await runInFolder(context, command, job, running, state, earlier);
        reporter.end();
        await tell(context, given, job, summary, csv);
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

async function tell<Summary extends object>(
  context: CommandContext,
  given: Arguments,
  job: TrainingJob<Summary>,
  summary: Summary,
  csv: string | undefined,
): Promise<void> {
  await context.stdout.write(given.flag('json') ? `${JSON.stringify(summary)}\n` : job.text(summary, csv));
}

/** Tells the result of a run that is complete. A process that was killed right after its end may have left states. */
async function reportAgain<Summary extends object>(
  context: CommandContext,
  given: Arguments,
  job: TrainingJob<Summary>,
  run: RunDescription,
  paths: RunPaths,
): Promise<void> {
  const { storage } = context.services;
  // Where nothing may be written, nothing of it can be left to remove.
  try {
    await removeHalfMade(storage, paths, true);
    if (run.states !== undefined) await removeFinishedJob(storage, run.states, isStateOf(run, paths.folder));
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
  await tell(context, given, job, run.result as Summary, run.log);
}

async function refusal(context: CommandContext, out: string, command: TrainingCommand): Promise<MlmlError> {
  const { storage } = context.services;
  const failure = await failureIn(storage, out);
  const unfinished = await isUnfinishedRunOf(storage, out, command.words, isAlive);
  const advice = unfinished
    ? 'it is a run of this command that did not come to its end: add --resume to go on with it, or remove it'
    : failure !== undefined
      ? `it is a run that failed (${failure.code}): add --resume to begin anew in its place, or remove it`
      : 'remove it or give another --out';
  return new MlmlError('MLML_EXISTS', `${out}: exists already; ${advice}`);
}

/** Holds the run at `out`. Kernel jobs go on with an unfinished run of the same command also without --resume. */
async function takeUp(
  context: CommandContext,
  out: string,
  command: TrainingCommand,
  resume: boolean,
): Promise<EarlierRun> {
  const { storage } = context.services;
  const { verb, words } = command;
  if (resume || (await isUnfinishedRunOf(storage, out, words, isAlive))) {
    const earlier = await holdRun(storage, out, verb, context.now());
    if (earlier !== undefined) return earlier;
  }
  throw await refusal(context, out, command);
}

/** Whether a process runs; one with the number of this process died before it. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
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

/** Does the job, keeping `run.json` true at every moment. */
async function runInFolder<Summary extends object>(
  context: CommandContext,
  { verb, given, words }: TrainingCommand,
  job: TrainingJob<Summary>,
  running: { threads: number },
  state: Pick<TrainingRun, 'dataset' | 'reporter' | 'baselineBytes' | 'checkpoint'>,
  earlier: EarlierRun | undefined,
): Promise<{ summary: Summary; csv: string | undefined }> {
  const { storage } = context.services;
  const { description, path } = state.dataset;
  const out = given.text('out');
  // Beside the run, not in it: the next run there finds, or removes, what a killed one left.
  const scratchFolder = job.scratch ?? runsFolder(out);
  if (earlier?.run !== undefined) checkSameData(out!, earlier.run, description.fingerprint);
  // Before anything is made: a budget that is too small leaves no trace.
  const plan = await job.plan(state.dataset, scratchFolder);
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
  try {
    const csv = job.csv ? paths.csv : undefined;
    const run: RunDescription = {
      format: 'mlml-run',
      version: RUN_VERSION,
      status: 'running',
      verb,
      command: words,
      options: job.options,
      seed: job.options.seed,
      data: dataWords(given),
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
    };
    await writeRun(storage, paths, run);
    const logOptions = {
      csv: csv !== undefined,
      extraColumns: job.csvColumns ?? [],
      clock: context.clock,
      memory: context.residentBytes,
      run: runMark(run, paths.folder),
    };
    const log =
      earlier === undefined
        ? await RunLog.create(storage, paths, logOptions)
        : RunLog.waiting(storage, paths, logOptions);
    let endJob: ((states: 'remove' | 'keep') => Promise<void>) | undefined;
    let states: string | undefined;
    const checkpoint: TrainingRun['checkpoint'] = {
      ...state.checkpoint,
      onSave: () => log.mark(),
      onLoad: (mark) => log.goOn(mark as LogMark | undefined),
      onDone: (end, folder) => {
        endJob = end;
        if (folder !== paths.states) states = folder;
      },
    };
    const ended = () => ({ ended: context.now().toISOString() });
    try {
      log.record({ type: 'start', verb, dataset: description.name, command: words });
      const summary = await job.work({ ...state, paths, log, scratchFolder, checkpoint });
      log.record({ type: 'end', status: 'done' });
      await log.goOn(undefined);
      await log.close();
      const kept = states === undefined ? {} : { states };
      await writeRun(storage, paths, { ...run, ...ended(), ...kept, status: 'done', result: summary });
      await endJob?.('remove');
      return { summary, csv };
    } catch (error) {
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
      throw new MlmlError(code, `${message}; to go on: mlml resume ${paths.folder}`, { cause: error });
    }
  } finally {
    await lock?.release();
  }
}
