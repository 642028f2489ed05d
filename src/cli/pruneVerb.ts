import { MlmlError } from '../errors.js';
import { droppedShare, NEGLIGIBLE_SHARE, pruneModel } from '../kernel/prune.js';
import { loadModel } from '../model/loadModel.js';
import { isKernelModel, saveModel } from '../model/saveModel.js';
import { formatCount } from '../run/numbers.js';
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
  const tol = given.number('tol');
  if ((keep === undefined) === (tol === undefined)) {
    throw new MlmlError(
      'MLML_USAGE',
      'prune: give either --keep (a share of the rows) or --tol (a share of the largest coefficient)',
    );
  }
  const model = await loadModel(storage, path);
  if (!isKernelModel(model)) {
    throw new MlmlError('MLML_USAGE', `${path}: is a linear model; only kernel models have rows to drop`);
  }
  const pruned = pruneModel(model, keep === undefined ? { tol: tol! } : { keep });
  await saveModel(storage, out, pruned, { copyRows: given.flag('copy-rows') ?? false });
  const dropped = droppedShare(model, pruned);
  if (dropped > NEGLIGIBLE_SHARE) {
    await context.stderr.write(
      `warning: the rows dropped hold ${(100 * dropped).toPrecision(2)} % of the coefficients, which cancel each other: compare ` +
        '`mlml evaluate` of both models; a small model that scores well is what `mlml nystrom` trains\n',
    );
  }
  const result = { model: out, from: path, rows: pruned.n, rowsBefore: model.n, droppedShare: dropped };
  const text = `${out}: ${formatCount(pruned.n)} of ${formatCount(model.n)} rows kept\n`;
  await context.stdout.write(given.flag('json') ? `${JSON.stringify(result)}\n` : text);
}
