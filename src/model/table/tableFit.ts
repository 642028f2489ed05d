import { type ColumnMapping, type FeatureColumn, labelColumns } from '../../data/columns/columnMapping.js';
import { RowEncoder } from '../../data/columns/rowEncoder.js';
import { listed } from '../../data/table/columnNames.js';
import type { TableSource } from '../../data/table/tableSource.js';
import { MlmlError } from '../../errors.js';
import type { ScoreMeaning } from '../../ssgd/linearModel.js';

/** How the columns of a table are taken by a model. */
export interface TableFit {
  readonly encoder: RowEncoder;
  /** Number of the column that names rows. */
  readonly id?: number;
  /** Numbers of the columns of the labels; absent unless the table has them all. */
  readonly labels?: readonly number[];
}

type Columns = Pick<TableSource, 'name' | 'columns'>;

/**
 * Finds the columns a model needs. A model of a table finds them by name, any other takes as many columns of numbers as it has features, in
 * their order. `id`: the column that names rows; by default that of the training table, or one called `id` that is no feature.
 *
 * @throws MlmlError `MLML_BAD_DATA` naming all columns that are missing; `MLML_USAGE` when there is no column `id`
 */
export function fitTable(model: ScoreMeaning, source: Columns, given?: string): TableFit {
  const { name } = source;
  // As everywhere, blanks around names mean nothing.
  const columns = source.columns.map((column) => column.trim());
  if (given !== undefined && !columns.includes(given)) {
    throw new MlmlError('MLML_USAGE', `--id=${given}: ${name} has no such column; it has ${listed(columns)}`);
  }
  const mapping = model.columns ?? numbersInOrder(model, { name, columns }, given);
  const features = new Set(mapping.features.map(({ column }) => column));
  const missing = [...features].filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${name}: lacks ${missing.length === 1 ? 'a column' : `${missing.length} columns`} of the model: ${listed(missing)}; it has ${listed(columns)}`,
    );
  }
  const named =
    given ??
    [mapping.id, 'id'].find(
      (column) => column !== undefined && columns.includes(column) && !features.has(column),
    );
  const labels =
    model.columns === undefined ? [-1] : labelColumns(mapping).map((label) => columns.indexOf(label));
  return {
    encoder: new RowEncoder(mapping, columns, model.classNames),
    ...(named === undefined ? {} : { id: columns.indexOf(named) }),
    ...(labels.some((label) => label < 0) ? {} : { labels }),
  };
}

/**
 * The same, of a table that has the label of the training table too.
 *
 * @throws MlmlError `MLML_BAD_DATA` when it has not, or the model does not know which it is
 */
export function fitLabelledTable(model: ScoreMeaning, source: Columns): TableFit {
  const fit = fitTable(model, source);
  if (fit.labels !== undefined) return fit;
  const labels = model.columns === undefined ? [] : labelColumns(model.columns);
  const label = labels.find((column) => !source.columns.includes(column));
  const which = labels.length > 1 ? `one of the ${labels.length} labels` : 'the label';
  throw new MlmlError(
    'MLML_BAD_DATA',
    label === undefined
      ? `${source.name}: the model does not know which column is the label: it was trained on rows without names of columns; import the table first: mlml import ${source.name} --label=<column> --out=<folder>`
      : `${source.name}: has no column ${JSON.stringify(label)}, ${which}; mlml predict does without`,
  );
}

/** A mapping that takes the columns as they stand. A missing value has no number that could stand for it. */
function numbersInOrder({ d, task }: ScoreMeaning, { columns, name }: Columns, id?: string): ColumnMapping {
  const others = columns.filter((column) => column !== id && (column !== 'id' || columns.length <= d));
  if (others.length !== d) {
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${name}: has ${others.length} columns${others.length < columns.length ? ' beside that of the ids' : ''}, the model takes ${d} features: ` +
        'it was trained on rows without names of columns, so a table must have just its features, in their order',
    );
  }
  const missing = { fill: Number.NaN, indicator: false };
  const features: FeatureColumn[] = others.map((column) => ({ column, kind: 'number', missing }));
  const mapping: ColumnMapping = {
    features,
    label: { column: '', kind: task === 'classification' ? 'class' : 'number' },
  };
  return mapping;
}
