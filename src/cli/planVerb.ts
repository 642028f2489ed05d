import type { Dataset } from '../data/dataset.js';
import { DIGIT_ROW_BYTES } from '../data/digits/sample.js';
import type { SparseDataset } from '../data/sparse/sparseDataset.js';
import { nearest } from '../data/suggest.js';
import { databaseKind, shownSource } from '../data/table/databaseKind.js';
import { MlmlError } from '../errors.js';
import type { SolverName } from '../kernel/options.js';
import { formatBytes } from '../memory/byteSize.js';
import type { Plan } from '../memory/plan.js';
import { planFields, planText } from '../run/planText.js';
import { ProgressReporter } from '../run/progressReporter.js';
import { runsFolder } from '../run/runFolder.js';
import { verbs as trainingVerbs, type Verb } from '../ssgd/options.js';
import type { CommandContext } from './commandContext.js';
import { givenFile, importGivenFile } from './givenFile.js';
import { importTarget } from './importVerb.js';
import { generateOptions, solverOptions, uselessKernelOptions } from './kernelSettings.js';
import { openAnyTrainingData } from './openData.js';
import { type CommandName, kernelVerbs } from './optionSpec.js';
import { type Arguments, parseArguments } from './parseArguments.js';
import { trainOptions, uselessOptions } from './trainSettings.js';
import { usedInstead } from './usedInstead.js';

const plannable = ['import', ...trainingVerbs, ...kernelVerbs];
const DIGITS_TRAIN = 60_000;
const DIGITS_TEST = 10_000;

/** `mlml plan <any verb line>`: what that line would do, without doing it. */
export async function planVerb(context: CommandContext, words: readonly string[]): Promise<void> {
  // The verb may come after options of plan itself: `mlml plan --json ssgd mnist`.
  const at = words.findIndex((word) => !word.startsWith('-'));
  const verb = words[at];
  if (verb === undefined || !plannable.includes(verb)) {
    const suggestion = verb === undefined ? undefined : nearest(verb, plannable);
    const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    throw new MlmlError(
      'MLML_USAGE',
      `plan ${verb ?? ''}: needs a command to plan, one of ${plannable.join(', ')}${hint}`.replace(' :', ':'),
    );
  }
  const rest = [...words.slice(0, at), ...words.slice(at + 1)];
  if (verb === 'import') return await planImport(context, parseArguments('import', rest));
  const given = parseArguments(verb as CommandName, rest);
  if (given.kind === 'linear') return await planTrainingVerb(context, verb as Verb, given);
  await planKernelVerb(context, verb as SolverName | 'generate', given);
}

async function planTrainingVerb(context: CommandContext, verb: Verb, given: Arguments): Promise<void> {
  const options = trainOptions(given);
  const { planTraining } = await context.services.training();
  await tellPlan(
    context,
    verb,
    given,
    (isFile) => uselessOptions(verb, given, isFile),
    (dataset) => planTraining(verb, dataset.description, options),
  );
}

async function planKernelVerb(
  context: CommandContext,
  verb: SolverName | 'generate',
  given: Arguments,
): Promise<void> {
  const { storage } = context.services;
  const jobs = await context.services.kernels();
  const plan = async (dataset: Dataset | SparseDataset) => {
    const scratchFolder = given.text('scratch') ?? runsFolder(given.text('out'));
    const job = { storage, scratchFolder, signal: context.signal };
    if (verb === 'generate') return await jobs.planGenerate(dataset, generateOptions(given), job);
    const options = await solverOptions(jobs, storage, verb, given);
    return await jobs.planKernelTraining(verb, dataset, options, job);
  };
  await tellPlan(context, verb, given, (isFile) => uselessKernelOptions(verb, given, isFile), plan);
}

/** Opens the data, prints what `makePlan` makes of it. */
async function tellPlan(
  context: CommandContext,
  verb: CommandName,
  given: Arguments,
  useless: (isFile: boolean) => readonly string[],
  makePlan: (dataset: Dataset | SparseDataset) => Plan | Promise<Plan>,
): Promise<void> {
  const reporter = new ProgressReporter({
    stream: context.stderr,
    quiet: given.flag('quiet') ?? false,
    clock: context.clock,
  });
  const isFile = (await givenFile(context.services.storage, verb, given)) !== undefined;
  for (const warning of useless(isFile)) reporter.warn(warning);
  try {
    const folder = await importGivenFile(context, verb, given, reporter);
    const dataset = await openAnyTrainingData(context, verb, given, reporter, folder);
    try {
      const plan = await makePlan(dataset);
      for (const warning of usedInstead(given, plan, dataset.description.parts.train.n))
        reporter.warn(warning);
      reporter.end();
      await context.stdout.write(
        given.flag('json') ? `${JSON.stringify(planFields(plan))}\n` : planText(plan),
      );
    } finally {
      await dataset.close();
    }
  } finally {
    reporter.end();
  }
}

/** An import streams whatever the size; what can be told before it starts is where from, where to, and how much. */
async function planImport(context: CommandContext, given: Arguments): Promise<void> {
  const { source, out } = await importTarget(context.services, given);
  const { storage } = context.services;
  const notes: string[] = [];
  let bytesRead: number | null = null;
  let bytesWritten: number | null = null;
  const kind = databaseKind(source);
  const isFile = kind !== 'sql' && kind !== 'postgres';
  const status = isFile ? await storage.status(source) : undefined;
  if (!isFile) {
    notes.push('how much a query or a database gives is not known before it is read');
  } else if (source === 'digits') {
    bytesRead = 0;
    const rows = (given.number('n') ?? DIGITS_TRAIN) + (given.number('nt') ?? DIGITS_TEST);
    bytesWritten = rows * DIGIT_ROW_BYTES;
    notes.push('rows are generated, nothing is read');
  } else if (status !== undefined && !status.isFolder) {
    bytesRead = status.byteLength;
    if (given.has('d')) bytesWritten = status.byteLength;
  } else {
    notes.push('original files are looked for in the data folders and downloaded when they are nowhere');
  }
  if ((await storage.status(out)) !== undefined) notes.push(`${out} exists already: the import would refuse`);
  const free = await storage.freeBytes(out);
  const plan = {
    job: `import ${shownSource(source)} into ${out}`,
    source: shownSource(source),
    out,
    bytesRead,
    bytesWritten,
    freeBytes: free,
    notes,
  };
  const known = (bytes: number | null) =>
    bytes === null ? 'an unknown number of bytes' : formatBytes(bytes);
  const text = [
    plan.job,
    '',
    '  memory   constant, whatever the number of rows',
    `  disk     reads ${known(bytesRead)}, writes ${known(bytesWritten)}; ${formatBytes(free)} are free`,
    ...(notes.length > 0 ? ['', ...notes.map((note) => `  - ${note}`)] : []),
  ];
  await context.stdout.write(given.flag('json') ? `${JSON.stringify(plan)}\n` : `${text.join('\n')}\n`);
}
