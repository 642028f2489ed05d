import { featureDifference } from '../data/columns/sameFeatures.js';
import type { DatasetDescription } from '../data/format.js';
import { labelDifference } from '../data/labelNames.js';
import { MlmlError } from '../errors.js';
import type { ScoreMeaning } from '../ssgd/linearModel.js';

/**
 * `MLML_BAD_DATA` unless rows of this data set can be given to this model, `MLML_MISMATCH` when its features or classes are known to
 * mean something else.
 */
export function checkFit(model: ScoreMeaning, description: DatasetDescription): void {
  const { name, d, k, task } = description;
  if (model.d !== d) {
    throw new MlmlError('MLML_BAD_DATA', `${name}: has ${d} features, the model was trained on ${model.d}`);
  }
  if (model.task !== task) {
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${name}: is a data set of ${task}, the model is one of ${model.task}`,
    );
  }
  const classes = Math.max(model.k, 2);
  if (task === 'classification' && k > classes) {
    throw new MlmlError('MLML_BAD_DATA', `${name}: has ${k} classes, the model knows ${classes}`);
  }
  const { classNames } = description;
  const other =
    model.classNames.length === 0 ? -1 : classNames.findIndex((own, c) => own !== model.classNames[c]);
  const difference =
    featureDifference(description.columns, model.columns) ??
    labelDifference(description, model) ??
    (other < 0
      ? undefined
      : `class ${other} is ${JSON.stringify(classNames[other])}, not ${JSON.stringify(model.classNames[other])}`);
  if (difference !== undefined)
    throw new MlmlError(
      'MLML_MISMATCH',
      `${name}: ${difference} as in the data that the model was trained on; give the table itself, which is read as that model needs it`,
    );
}
