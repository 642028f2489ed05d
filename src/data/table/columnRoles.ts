import { MlmlError } from '../../errors.js';
import { nearest } from '../suggest.js';
import { labelsOf, type TableImportOptions } from './tableImportOptions.js';
import type { TableSource } from './tableSource.js';

/** What the columns of a table are for, by their numbers. */
export interface ColumnRoles {
  /** One, or several of a regression. */
  readonly labels: readonly number[];
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
  const { id, splitColumn, keep, drop = [], text = [], types = {} } = options;
  const names = labelsOf(options);
  const labels = names.map((name) => find('label', name));
  const twice = names.find((name, c) => names.indexOf(name) !== c);
  if (names.length === 0 || twice !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      names.length === 0
        ? '--label: give at least one column'
        : `--label=${names.join(',')}: ${twice} is there twice`,
    );
  const splitting = splitColumn === undefined ? undefined : find('split-column', splitColumn);
  if (splitting !== undefined && labels.includes(splitting))
    throw new MlmlError('MLML_USAGE', `--split-column=${splitColumn}: is the label too`);
  const dropped = new Set(drop.map((name) => find('drop', name)));
  const lost = names.find((_, c) => dropped.has(labels[c]!));
  if (lost !== undefined) throw new MlmlError('MLML_USAGE', `--drop=${lost}: is the label too`);
  const others = new Set([...labels, splitting, id === undefined ? undefined : find('id', id)]);
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
  return { labels, features, ...(splitting === undefined ? {} : { split: splitting }) };
}
