import { MlmlError } from '../errors.js';
import { kernelName } from '../kernel/functions/kernelName.js';
import { KernelReporter } from '../run/kernelReporter.js';
import { generateText } from '../run/kernelSummary.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { allowedBytes } from '../run/summary.js';
import type { CommandContext } from './commandContext.js';
import { givenFile, importGivenFile } from './givenFile.js';
import { generateOptions, uselessKernelOptions } from './kernelSettings.js';
import { openAnyTrainingData } from './openData.js';
import type { Arguments } from './parseArguments.js';

/** `mlml generate`: stores the kernel of a data set; the memId is the last line. */
export async function generateVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { services, clock, signal } = context;
  const options = generateOptions(given);
  const jobs = await services.kernels();
  let baselineBytes = context.residentBytes();
  const reporter = new ProgressReporter({
    stream: context.stderr,
    quiet: given.flag('quiet') ?? false,
    clock,
    memory: () => ({
      usedBytes: context.residentBytes() - baselineBytes,
      allowedBytes: allowedBytes(options.bufferBytes, options.nthreads),
    }),
  });
  const isFile = (await givenFile(services.storage, 'generate', given)) !== undefined;
  for (const warning of uselessKernelOptions('generate', given, isFile)) reporter.warn(warning);
  try {
    const made = await importGivenFile(context, 'generate', given, reporter);
    baselineBytes = context.residentBytes();
    const dataset = await openAnyTrainingData(context, 'generate', given, reporter, made);
    try {
      const { name, task } = dataset.description;
      const kernelReporter = new KernelReporter(reporter, {
        kernelName,
        classification: task === 'classification',
        regularizations: [],
        notes: false,
      });
      const result = await jobs.generateKernel(dataset, options, {
        storage: services.storage,
        scratchFolder: options.kernels,
        signal,
        onEvent: (event) => kernelReporter.event(event),
      });
      reporter.end();
      const { memId, folder, kernel, n, dtype, tileSize, tiles, tilesMade, bytes } = result;
      const { seconds, bytesRead, bytesWritten, plan } = result;
      const summary = {
        memId,
        folder,
        dataset: name,
        kernel,
        n,
        dtype,
        tileSize,
        tiles,
        tilesMade,
        bytes,
        seconds,
        bytesRead,
        bytesWritten,
        bufferBytes: options.bufferBytes,
        nthreads: options.nthreads,
        plannedPeakBytes: plan.plannedPeakBytes,
        peakRssBytes: context.peakBytes(),
        baselineRssBytes: baselineBytes,
      };
      await context.stdout.write(
        given.flag('json') ? `${JSON.stringify(summary)}\n` : generateText(summary, kernelName(kernel)),
      );
    } catch (error) {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_INTERRUPTED') throw error;
      const message = `${error.message}; the tiles made so far are kept: the same command goes on`;
      throw new MlmlError(error.code, message, { cause: error });
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}
