import { MlmlError } from '../../errors.js';
import type { ImportOptions } from '../import/importOptions.js';
import type { LabelMeaning } from './labelCensus.js';
import type { LabelledRows } from './labelledRows.js';

/** What several labels in each row mean: the targets of a regression with as many outputs. Reads the labels of the training rows. */
export async function severalTargets(
  train: LabelledRows,
  test: LabelledRows | undefined,
  { task, signal }: Pick<ImportOptions, 'task' | 'signal'>,
): Promise<LabelMeaning> {
  const { labels } = train.layout;
  if (test !== undefined && test.layout.labels !== labels)
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${test.labelName}: has ${test.layout.labels} labels in a row, ${train.labelName} has ${labels}`,
    );
  if (task === 'classification')
    throw new MlmlError(
      'MLML_USAGE',
      `--task=classification: ${train.labelName} has ${labels} numbers in a row, and a class is one (of one-hot labels, argmax)`,
    );
  let rows = 0;
  for await (const piece of train.labels(signal)) {
    for (let at = 0; at < piece.length; at += labels) {
      let finite = true;
      for (let c = at; c < at + labels; c++) finite &&= Number.isFinite(piece[c]!);
      if (finite) rows++;
    }
  }
  if (rows === 0)
    throw new MlmlError('MLML_BAD_DATA', `${train.labelName}: no row has labels that are finite numbers`);
  return {
    task: 'regression',
    k: labels,
    classNames: [],
    strata: [rows],
    valueOf: (label) => label,
    notice: `${labels} labels in each row are taken for as many numbers to be predicted; one-hot labels would be classes as one number a row (argmax)`,
  };
}
