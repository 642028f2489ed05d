import type { DatasetDescription } from '../data/format.js';
import { MOST_FOLDS } from '../data/rowFolds.js';
import { MlmlError } from '../errors.js';
import type { TrainOptions, Verb } from './options.js';

/** Throws `MLML_USAGE` for a cross-validation that a verb cannot do, or that does not go with the other options. */
export function checkFolds(
  verb: Verb,
  { parts, sparse, name }: Pick<DatasetDescription, 'parts' | 'sparse' | 'name'>,
  options: TrainOptions,
): void {
  const { folds, holdout, patience, halving, init, subset } = options;
  if (folds === 0) return;
  const refuse = (message: string) => {
    throw new MlmlError('MLML_USAGE', message);
  };
  if (!Number.isInteger(folds) || folds < 2 || folds > MOST_FOLDS)
    refuse(`--folds=${folds}: must be a whole number from 2 to ${MOST_FOLDS}, or 0 for no cross-validation`);
  if (verb === 'hsgd' || verb === 'gd')
    refuse(`--folds=${folds}: ${verb} trains one model at a time; ssgd, sgd and closed cross-validate`);
  if (verb === 'closed' && sparse !== undefined)
    refuse(
      `--folds=${folds}: closed cross-validates on dense rows, and ${name} is a data set of sparse rows; use ssgd, or import the rows with --dense`,
    );
  if (holdout !== 'auto' && holdout > 0)
    refuse(`--holdout=${holdout}: with --folds every row is held out once, from one model; leave it out`);
  if (patience > 0)
    refuse(
      `--patience=${patience}: stops by rows held out from all models, which --folds has not; leave one out`,
    );
  if (halving)
    refuse('--halving: drops models while they train; those of --folds are judged at the end; leave one out');
  if (init !== undefined && verb !== 'closed')
    refuse(`--init=${init}: has learnt from rows that would judge the models of --folds; leave one out`);
  const rows = parts.train.n;
  const used = subset > 0 ? Math.min(subset, rows) : rows;
  if (used < folds) refuse(`--folds=${folds}: there are only ${used} training rows; give at most that many`);
}
