import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import { pruneModel } from '../model/pruneModel.js';
import { isKernelModel, saveModel } from '../model/saveModel.js';
import { formatCount, formatLoss, formatShare } from '../run/numbers.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

/** `mlml prune`: a kernel model without the rows whose coefficients are negligible. */
export async function pruneVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { storage } = context.services;
  const [path, ...rest] = given.positionals;
  if (path === undefined || rest.length > 0) {
    throw new MlmlError('MLML_USAGE', 'prune takes one model; see mlml prune --help');
  }
  const out = given.text('out');
  if (out === undefined) throw new MlmlError('MLML_USAGE', 'prune: needs --out=<folder> for the new model');
  const keep = given.number('keep');
  const tolerance = given.number('tol');
  if ((keep === undefined) === (tolerance === undefined)) {
    throw new MlmlError('MLML_USAGE', 'prune: give --keep=<share> of the rows or --tol=<size>, one of them');
  }
  const model = await loadModel(storage, path);
  if (!isKernelModel(model)) {
    throw new MlmlError('MLML_USAGE', `${path}: is a linear model; only kernel models have rows to drop`);
  }
  const {
    model: pruned,
    largestDropped,
    keptShare,
  } = pruneModel(model, keep === undefined ? { tolerance: tolerance! } : { keep });
  await saveModel(storage, out, pruned);
  const result = { model: out, from: path, rows: pruned.n, rowsBefore: model.n, largestDropped, keptShare };
  const text =
    `${out}: ${formatCount(pruned.n)} of ${formatCount(model.n)} rows, with ${formatShare(keptShare)} of the squared ` +
    `coefficients; the largest dropped is ${formatLoss(largestDropped)}\n`;
  await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
}
