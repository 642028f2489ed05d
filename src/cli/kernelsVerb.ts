import { nearest } from '../data/suggest.js';
import { MlmlError } from '../errors.js';
import { kernelName } from '../kernel/functions/kernelName.js';
import type { StoredKernel } from '../kernel/jobs.js';
import { defaultKernelOptions } from '../kernel/options.js';
import { formatBytes } from '../memory/byteSize.js';
import { columnLines } from '../run/columnLines.js';
import { KernelReporter } from '../run/kernelReporter.js';
import { formatCount } from '../run/numbers.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import { requireMemId } from './kernelSettings.js';
import type { Arguments } from './parseArguments.js';

const actions = ['list', 'rm', 'verify'] as const;

/** `mlml kernels`, `mlml kernels rm <memId>`, `mlml kernels verify <memId>`. */
export async function kernelsVerb(context: CommandContext, given: Arguments): Promise<void> {
  const [word = 'list', memId, ...rest] = given.positionals;
  const action = actions.find((each) => each === word);
  if (action === undefined) {
    const meant = nearest(word, actions);
    const hint =
      meant === undefined ? 'write mlml kernels, or rm or verify and a memId' : `did you mean ${meant}?`;
    throw new MlmlError('MLML_USAGE', `kernels ${word}: there is no such action; ${hint}`);
  }
  const wanted = action === 'list' ? 0 : 1;
  const extra = [...(memId === undefined ? [] : [memId]), ...rest][wanted];
  if (extra !== undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `${extra}: kernels ${action} takes ${wanted === 0 ? 'no' : 'one'} memId`,
    );
  }
  if (action === 'list') return await listKernels(context, given);
  if (memId === undefined) {
    throw new MlmlError('MLML_USAGE', `kernels ${action}: needs a memId; mlml kernels lists them`);
  }
  const { storage } = context.services;
  const jobs = await context.services.kernels();
  const folder = given.text('kernels') ?? defaultKernelOptions.kernels;
  await requireMemId(storage, folder, memId);
  if (action === 'rm') {
    await jobs.removeKernel(storage, folder, memId);
    const text = `${memId}: removed\n`;
    const result = { memId, removed: true };
    return await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
  }
  await verify(context, given, folder, memId);
}

async function verify(
  context: CommandContext,
  given: Arguments,
  folder: string,
  memId: string,
): Promise<void> {
  const { services, clock, signal } = context;
  const jobs = await services.kernels();
  const reporter = new ProgressReporter({
    stream: context.stderr,
    quiet: given.flag('quiet') ?? false,
    clock,
  });
  const kernelReporter = new KernelReporter(reporter, {
    kernelName,
    classification: true,
    regularizations: [],
    notes: false,
  });
  try {
    const checked = await jobs.verifyKernel(services.storage, folder, memId, {
      bufferBytes: given.number('buffer') ?? defaultKernelOptions.bufferBytes,
      signal,
      onEvent: (event) => kernelReporter.event(event),
    });
    reporter.end();
    const { tilesDone, bytes, complete } = checked;
    const which = complete
      ? `all ${formatCount(tilesDone)} tiles`
      : `the ${formatCount(tilesDone)} tiles made so far`;
    const text = `${memId}: ${which}, ${formatBytes(bytes)}, were read and are as they were written\n`;
    await context.stdout.write(given.flag('json') ? `${JSON.stringify(checked)}\n` : text);
  } finally {
    reporter.end();
  }
}

/** `complete`, or how far it is and whether somebody is at it. */
function stateOf({ complete, busy, tiles, tilesDone }: StoredKernel): string {
  if (complete) return busy ? 'complete, in use' : 'complete';
  return `${Math.floor((100 * tilesDone) / tiles)} %${busy ? ', being made' : ', not finished'}`;
}

async function listKernels(context: CommandContext, given: Arguments): Promise<void> {
  const { services, stdout } = context;
  const jobs = await services.kernels();
  const folder = given.text('kernels') ?? defaultKernelOptions.kernels;
  const all = await jobs.listKernels(services.storage, folder);
  if (given.flag('json')) return await stdout.write(`${JSON.stringify(all)}\n`);
  if (all.length === 0) return await stdout.write(`${folder}: no kernels; mlml generate makes one\n`);
  const table = [
    ['memId', 'kernel', 'data set', 'rows', 'dtype', 'size', 'state'],
    ...all.map((each) => [
      each.memId,
      kernelName(each.kernel),
      each.dataset.name,
      formatCount(each.n),
      each.dtype,
      formatBytes(each.bytes),
      stateOf(each),
    ]),
  ];
  const numbers = new Set([3, 5]);
  const lines = columnLines(table, (column) => !numbers.has(column));
  await stdout.write(lines.map((line) => `${line}\n`).join(''));
}
