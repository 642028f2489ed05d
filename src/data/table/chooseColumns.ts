import { MlmlError } from '../../errors.js';
import type { ColumnMapping, FeatureColumn } from '../columns/columnMapping.js';
import { columnOption } from '../columns/optionText.js';
import type { Task } from '../format.js';
import type { ColumnProfile } from './columnProfile.js';
import type { ColumnRoles } from './columnRoles.js';
import { MOST_NUMBERED_CLASSES, type TableProfile } from './profileTable.js';
import { type ColumnKind, labelsOf, type TableSettings } from './tableImportOptions.js';
import type { ColumnType, TableSource } from './tableSource.js';

/** Values of so many words on average are texts, not names. */
const WORDS_OF_TEXT = 4;

/** How a table is read, but for the means that stand for missing values. */
export interface ChosenColumns {
  readonly task: Task;
  readonly mapping: ColumnMapping;
  readonly classNames: readonly string[];
  /** Rows of each class; in regression all rows that have their labels. */
  readonly strata: readonly number[];
  /** Columns of numbers and truth values in which values are missing. */
  readonly incomplete: ReadonlySet<string>;
}

/** Decides what each column is, from its values and the options. Pure but for what is told. */
export function chooseColumns(
  source: TableSource,
  roles: ColumnRoles,
  { labels, labelled, features }: TableProfile,
  settings: TableSettings,
): ChosenColumns {
  const [label] = labels as [ColumnProfile];
  const task = labels.length > 1 ? taskOfSeveral(labels, labelled, settings) : taskOf(label, settings);
  const chosen = roles.features.flatMap((column, i) =>
    featureOf(features[i]!, source.types[column]!, settings),
  );
  if (chosen.length === 0) throw new MlmlError('MLML_BAD_DATA', `${source.name}: no column has any values`);
  const incomplete = new Set(features.filter(({ missing }) => missing > 0).map(({ name }) => name));
  const classNames = task === 'classification' ? [...(label.values?.keys() ?? [])].sort(byNumberOrText) : [];
  const [column, ...others] = labelsOf(settings) as [string, ...string[]];
  return {
    task,
    mapping: {
      features: chosen,
      label: {
        column,
        kind: task === 'classification' ? 'class' : 'number',
        ...(others.length === 0 ? {} : { others }),
      },
      ...(settings.id === undefined ? {} : { id: settings.id }),
      ...(settings.missingValues === undefined ? {} : { missingValues: settings.missingValues }),
    },
    classNames,
    strata: task === 'classification' ? classNames.map((name) => label.values!.get(name)!) : [labelled],
    incomplete,
  };
}

/** Numbers by their size when both are, else texts by their letters. */
function byNumberOrText(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (a !== '' && b !== '' && difference !== 0 && !Number.isNaN(difference)) return difference;
  return a < b ? -1 : a > b ? 1 : 0;
}

function taskOf(label: ColumnProfile, settings: TableSettings): Task {
  const rows = label.rows - label.missing;
  const { task, onNotice } = settings;
  const what = `--label=${label.name}`;
  if (rows === 0)
    throw new MlmlError(
      'MLML_BAD_DATA',
      label.rows === 0
        ? `${what}: the table has a header, but no rows`
        : `${what}: the column has no values; name another, or fill in its labels`,
    );
  const numeric = label.numbers === rows;
  const distinct = label.values?.size ?? Number.POSITIVE_INFINITY;
  if (task === 'regression') {
    if (numeric) return task;
    const { text, place } = label.firstOther!;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${place}, column ${label.name}: ${JSON.stringify(text)} is not a number, as the label of a regression must be; --task=classification takes it for a class`,
    );
  }
  // One stray cell must not make classes of thousands of numbers.
  if (task === undefined && !numeric && distinct > MOST_NUMBERED_CLASSES && 2 * label.numbers > rows) {
    const { text, place } = label.firstOther!;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${place}, column ${label.name}: ${JSON.stringify(text)} is not a number, as most values of the label are; mend it, or say --task=classification`,
    );
  }
  const whole = label.wholes === rows && distinct <= MOST_NUMBERED_CLASSES;
  if (task === undefined && numeric && !whole) return 'regression';
  if (distinct === Number.POSITIVE_INFINITY)
    throw new MlmlError('MLML_BAD_DATA', `${what}: has too many different values to be classes`);
  if (distinct < 2)
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${what}: is ${JSON.stringify([...label.values!.keys()][0])} in every row; classification needs at least two classes`,
    );
  if (task === undefined && numeric)
    onNotice?.(
      `${label.name} is taken for a class, having ${distinct} different whole numbers; --task=regression takes it for a number`,
    );
  return 'classification';
}

/** Several labels are targets of one regression. */
function taskOfSeveral(
  labels: readonly ColumnProfile[],
  labelled: number,
  settings: TableSettings,
): 'regression' {
  const what = `--label=${labels.map(({ name }) => name).join(',')}`;
  const instead = 'for classes import the table once for each label, and train a model of each';
  if (settings.task === 'classification')
    throw new MlmlError(
      'MLML_USAGE',
      `--task=classification: with ${what}, several labels, all are numbers; ${instead}`,
    );
  for (const { name, firstOther } of labels) {
    if (firstOther === undefined) continue;
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${firstOther.place}, column ${name}: ${JSON.stringify(firstOther.text)} is not a number, as each of several labels must be; ${instead}`,
    );
  }
  if (labelled === 0)
    throw new MlmlError('MLML_BAD_DATA', `${what}: no row has values in all of these columns`);
  return 'regression';
}

/** The feature column of a column; none when nothing is in it. */
function featureOf(profile: ColumnProfile, type: ColumnType, settings: TableSettings): FeatureColumn[] {
  const { name: column, rows, missing, times } = profile;
  const { hashBits: bits, ngrams, dateParts, onWarning } = settings;
  if (rows === missing) {
    onWarning?.(`column ${column} has no values and is left out`);
    return [];
  }
  const kind = kindOf(profile, type, settings);
  const indicator = settings.missing === 'indicator' && missing > 0;
  const filled = { fill: 0, indicator };
  switch (kind) {
    case 'number':
    case 'boolean':
      return [{ column, kind, missing: filled }];
    case 'date': {
      const ofDay = ['year', 'month', 'day', 'weekday'] as const;
      const parts = dateParts ?? (times > 0 ? ([...ofDay, 'hour', 'minute'] as const) : ofDay);
      // No number stands for all parts of a date: the indicator takes up what a missing date means.
      return [
        { column, kind, parts, missing: { fill: 0, indicator: settings.missing !== 'zero' && missing > 0 } },
      ];
    }
    case 'category':
      return [{ column, kind, values: [...profile.values!.keys()].sort(byNumberOrText) }];
    case 'hash':
      return [{ column, kind, bits }];
    case 'text':
      return [{ column, kind, bits, ngrams }];
  }
}

function kindOf(profile: ColumnProfile, type: ColumnType, settings: TableSettings): ColumnKind {
  const { name, numbers, booleans, dates } = profile;
  const { types, text, categories, onNotice } = settings;
  const rows = profile.rows - profile.missing;
  const given = types?.[name] ?? (text?.includes(name) ? 'text' : undefined);
  if (given !== undefined && given !== 'category') return given;
  if (given === undefined) {
    if (type !== 'text') return type;
    if (numbers === rows) return 'number';
    if (booleans === rows) return 'boolean';
    if (dates === rows) return 'date';
  }
  if (given === undefined && 2 * numbers > rows) {
    const { text, place: where } = profile.firstOther!;
    onNotice?.(
      `column ${name} is not taken for numbers, since ${where} holds ${JSON.stringify(text)}; mend that, or say ${columnOption('types', name, ':number')} to be told of each such place`,
    );
  }
  if (profile.values !== undefined) return 'category';
  const kind = given === undefined && profile.meanWords >= WORDS_OF_TEXT ? 'text' : 'hash';
  const features = 2 ** settings.hashBits;
  onNotice?.(
    kind === 'text'
      ? `column ${name} is read as text, ${features} counts of hashed words; ${columnOption('drop', name)} leaves it out`
      : `column ${name} has more than ${categories} different values, which are hashed to ${features} features; ${columnOption('drop', name)} leaves it out`,
  );
  return kind;
}
