import { MlmlError } from '../errors.js';

/** Throws `MLML_BAD_DATA` when one of the first `rows` labels is not a class number: importers check, disks may not keep. */
export function checkLabels(labels: Float64Array, rows: number, classes: number): void {
  for (let i = 0; i < rows; i++) {
    const label = labels[i]!;
    if (label >= 0 && label < classes && Number.isInteger(label)) continue;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `a row has label ${label}, which is not a class number from 0 to ${classes - 1}; check the data set with mlml info --verify`,
    );
  }
}
