import type { Dataset } from '../../data/dataset.js';
import { Arena } from '../../memory/arena.js';
import type { Plan } from '../../memory/plan.js';
import { generateKernel } from '../job/generateKernel.js';
import { trainNystrom } from '../job/trainNystrom.js';
import { trainSystem } from '../job/trainSystem.js';
import type { KernelContext, KernelTrainResult } from '../jobs.js';
import type { KernelTrainOptions } from '../options.js';
import { requireKernelDescription } from '../store/kernelDescription.js';
import { type Choice, choose } from './choose.js';

/** What krr would do, the reasons among its notes. */
export async function planKrr(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<Plan> {
  return planOf(await choose(dataset, options, context, Arena.memory(options.bufferBytes)));
}

/** Picks the quickest solver that fits, says why, and runs it. */
export async function trainKrr(
  dataset: Dataset,
  options: KernelTrainOptions,
  context: KernelContext,
): Promise<KernelTrainResult> {
  const start = performance.now();
  // One memory for all that follows, so that no part adds to another's.
  const memory = Arena.memory(options.bufferBytes);
  const choice = await choose(dataset, options, context, memory);
  const { chosen, reasons } = choice;
  context.onEvent?.({ type: 'plan', plan: planOf(choice) });
  if (chosen.solver === 'nystrom') {
    const { evaluation, bytesBefore } = chosen.source;
    const result = await trainNystrom(dataset, evaluation, options, context, memory, bytesBefore);
    return { ...result, reasons, seconds: (performance.now() - start) / 1000 };
  }
  const { kernel } = chosen.source.evaluation;
  let bytesRead = 0;
  let bytesWritten = 0;
  if (choice.missingBytes > 0) {
    const made = await generateKernel(dataset, options, context, { kernel, memory });
    ({ bytesRead, bytesWritten } = made);
  }
  const { stored } = chosen.source;
  const source =
    stored === undefined
      ? chosen.source
      : {
          ...chosen.source,
          stored: await requireKernelDescription(context.storage, options.kernels, stored.memId),
        };
  const result = await trainSystem(chosen.solver, dataset, options, context, source, memory);
  return {
    ...result,
    reasons,
    seconds: (performance.now() - start) / 1000,
    bytesRead: bytesRead + result.bytesRead,
    bytesWritten: bytesWritten + result.bytesWritten,
  };
}

/** The plan of the solver, with the passes and bytes of generating the kernel and the reasons of the choice. */
function planOf({ chosen, missingBytes, missingRead, kernelBytes, reasons }: Choice): Plan {
  const { plan } = chosen;
  return {
    ...plan,
    job: plan.job.replace(/^[a-z]+/, `krr by ${chosen.solver}`),
    bytesRead: plan.bytesRead + missingRead,
    bytesWritten: plan.bytesWritten + missingBytes,
    scratchBytes: plan.scratchBytes + (chosen.solver !== 'nystrom' && chosen.stored ? kernelBytes : 0),
    notes: [...reasons, ...plan.notes],
  };
}
