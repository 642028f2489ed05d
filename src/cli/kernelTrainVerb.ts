import type { Dataset } from '../data/dataset.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { kernelName } from '../kernel/functions/kernelName.js';
import type { KernelJobs, KrrPick } from '../kernel/jobs.js';
import type { KernelTrainOptions, SolverName } from '../kernel/options.js';
import { saveModel } from '../model/saveModel.js';
import { KernelCsv } from '../run/kernelCsv.js';
import { KernelReporter } from '../run/kernelReporter.js';
import { type KernelSummary, kernelSummaryText } from '../run/kernelSummary.js';
import { allowedBytes, scoreOf } from '../run/summary.js';
import type { CommandContext } from './commandContext.js';
import { givenFile } from './givenFile.js';
import { solverOptions, uselessKernelOptions } from './kernelSettings.js';
import { openAnyTrainingData } from './openData.js';
import type { Arguments } from './parseArguments.js';
import { runTraining, type TrainingRun } from './trainingRun.js';

/** cg, bcd, nystrom, krr, and closed and ssgd with --memId: trains a kernel model and leaves a run folder. */
export async function kernelTrainVerb(
  context: CommandContext,
  solver: SolverName,
  given: Arguments,
  words: readonly string[],
): Promise<void> {
  const { storage } = context.services;
  await runTraining<KernelSummary, Dataset | SparseDataset>(
    context,
    { verb: solver, given, words },
    async () => {
      const jobs = await context.services.kernels();
      const options = await solverOptions(jobs, storage, solver, given);
      const file = await givenFile(storage, solver, given);
      const scratch = given.text('scratch');
      const logfreq = given.number('logfreq') ?? 1;
      const copyRows = given.flag('copy-rows') ?? false;
      let pick: KrrPick | undefined;
      return {
        options: { ...options, logfreq, copyRows, ...(scratch === undefined ? {} : { scratch }) },
        allowedBytes: () => allowedBytes(options.bufferBytes, options.nthreads),
        warnings: uselessKernelOptions(solver, given, file !== undefined),
        scratch,
        csv: logfreq > 0,
        open: (reporter, folder) => openAnyTrainingData(context, solver, given, reporter, folder),
        plan: (dataset, scratchFolder, earlier) =>
          jobs.planKernelTraining(solver, dataset, options, {
            storage,
            scratchFolder,
            signal: context.signal,
            ...(earlier?.run.pick === undefined ? {} : { pick: earlier.run.pick as KrrPick }),
            onPick: (picked) => {
              pick = picked;
            },
          }),
        pick: () => pick,
        work: (run) => trainAndSave(context, jobs, solver, options, given, run, pick),
        text: (summary, csv, task) =>
          kernelSummaryText(summary, kernelName(summary.kernel), task === 'classification', csv),
      };
    },
  );
}

async function trainAndSave(
  context: CommandContext,
  jobs: KernelJobs,
  solver: SolverName,
  options: KernelTrainOptions,
  given: Arguments,
  {
    dataset,
    paths,
    log,
    reporter,
    scratchFolder,
    baselineBytes,
    checkpoint,
  }: TrainingRun<Dataset | SparseDataset>,
  pick: KrrPick | undefined,
): Promise<KernelSummary> {
  const { storage } = context.services;
  const { name, task, d, k, parts } = dataset.description;
  const classification = task === 'classification';
  const csv = new KernelCsv(log, given.number('logfreq') ?? 1, classification);
  const kernelReporter = new KernelReporter(reporter, {
    kernelName,
    classification,
    regularizations: options.reg,
    notes: solver === 'krr',
  });
  const result = await jobs.trainKernel(solver, dataset, options, {
    storage,
    scratchFolder,
    signal: context.signal,
    checkpoint,
    ...(pick === undefined ? {} : { pick }),
    onEvent: (event) => {
      log.record(event);
      csv.event(event);
      kernelReporter.event(event);
    },
  });
  csv.end(result.passes, result.residual);
  const { model } = result;
  await saveModel(storage, paths.model, model, { copyRows: given.flag('copy-rows') ?? false });
  return {
    verb: solver,
    solver: result.solver,
    dataset: name,
    n: options.subset > 0 ? Math.min(options.subset, parts.train.n) : parts.train.n,
    d,
    k,
    memId: result.memId ?? null,
    kernel: model.kernel,
    regularization: model.regularization,
    regularizations: result.regularizations,
    leaveOneOut: result.leaveOneOut ?? null,
    passes: result.passes,
    residual: result.residual,
    stopped: result.stopped,
    reasons: result.reasons,
    train: scoreOf(result.train),
    test: scoreOf(result.test),
    seconds: result.seconds,
    bytesRead: result.bytesRead,
    bytesWritten: result.bytesWritten,
    bufferBytes: options.bufferBytes,
    nthreads: options.nthreads,
    plannedPeakBytes: result.plan.plannedPeakBytes,
    peakRssBytes: context.peakBytes(),
    baselineRssBytes: baselineBytes,
    run: paths.folder,
    model: paths.model,
  };
}
