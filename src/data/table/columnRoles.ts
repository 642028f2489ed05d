import { MlmlError } from '../../errors.js';
import { nearest } from '../suggest.js';
import type { TableImportOptions } from './tableImportOptions.js';
import type { TableSource } from './tableSource.js';

/** What the columns of a table are for, by their numbers. */
export interface ColumnRoles {
  readonly label: number;
  readonly split?: number;
  /** In the order of the table. */
  readonly features: readonly number[];
}

/** Finds the columns that options name; one that is not there is `MLML_USAGE`. */
export function columnRoles(source: TableSource, options: TableImportOptions): ColumnRoles {
  const { columns } = source;
  const find = (option: string, name: string): number => {
    const found = columns.indexOf(name);
    if (found >= 0) return found;
    const suggestion = nearest(name, columns);
    const some = `${columns.slice(0, 20).join(', ')}${columns.length > 20 ? ', …' : ''}`;
    throw new MlmlError(
      'MLML_USAGE',
      `--${option}=${name}: ${source.name} has no such column` +
        (suggestion === undefined ? `; its columns are ${some}` : `; did you mean ${suggestion}?`),
    );
  };
  const { label, id, splitColumn, keep, drop = [], text = [], types = {} } = options;
  const labelColumn = find('label', label);
  const splitting = splitColumn === undefined ? undefined : find('split-column', splitColumn);
  if (splitting === labelColumn)
    throw new MlmlError('MLML_USAGE', `--split-column=${splitColumn}: is the label too`);
  const dropped = new Set(drop.map((name) => find('drop', name)));
  if (dropped.has(labelColumn)) throw new MlmlError('MLML_USAGE', `--drop=${label}: is the label too`);
  const others = new Set([labelColumn, splitting, id === undefined ? undefined : find('id', id)]);
  const kept = keep === undefined ? undefined : new Set(keep.map((name) => find('keep', name)));
  for (const name of text) find('text', name);
  for (const name of Object.keys(types)) find('types', name);
  const features = columns
    .map((_, column) => column)
    .filter((column) => !others.has(column) && !dropped.has(column) && (kept?.has(column) ?? true));
  if (features.length === 0)
    throw new MlmlError(
      'MLML_USAGE',
      `${source.name}: no column is left to be a feature; check --keep and --drop`,
    );
  return { label: labelColumn, features, ...(splitting === undefined ? {} : { split: splitting }) };
}
