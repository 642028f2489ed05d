import { MlmlError } from '../../errors.js';
import { classNameOf, missingWords } from '../columns/cells.js';
import type { Cell } from '../columns/columnMapping.js';
import { missingText } from '../columns/rowEncoder.js';
import { BlockProfiler, type ProfiledColumn } from './blockProfiler.js';
import { ColumnProfile } from './columnProfile.js';
import type { ColumnRoles } from './columnRoles.js';
import { LabelProfiles } from './profileLabels.js';
import type { TableSettings } from './tableImportOptions.js';
import type { TableBatch, TableSource } from './tableSource.js';

/** Classes at most. */
export const MOST_CLASSES = 100_000;
/** Whole numbers of no more different values than this are classes, unless `task` says otherwise. */
export const MOST_NUMBERED_CLASSES = 20;
/** Rows whose numbers are looked at together. */
const BLOCK_ROWS = 1024;

/** What the first pass over a table found. */
export interface TableProfile {
  /** One, or several that are all to be numbers. */
  readonly labels: readonly ColumnProfile[];
  /** Rows that have all of them. */
  readonly labelled: number;
  /** One for each of the features of `ColumnRoles`. */
  readonly features: readonly ColumnProfile[];
}

/**
 * Reads a table once, and once more where columns hold numbers among other things. A missing label is `MLML_BAD_DATA` with its
 * place unless such rows are left out (`onNan` skip).
 */
export async function profileTable(
  source: TableSource,
  roles: ColumnRoles,
  settings: TableSettings,
): Promise<TableProfile> {
  const room = { bytes: settings.bufferBytes / 4 };
  const missing = missingWords(settings);
  const [labelColumn] = roles.labels as [number];
  const several =
    roles.labels.length > 1
      ? new LabelProfiles(source.columns, roles.labels, BLOCK_ROWS, missing)
      : undefined;
  const makeLabel = () =>
    new ColumnProfile(source.columns[labelColumn]!, MOST_CLASSES, room, missing, classNameOf);
  const makeFeature = (column: number) =>
    new ColumnProfile(source.columns[column]!, settings.categories, room, missing);
  const label = { profile: makeLabel(), column: labelColumn, exact: true };
  const isExact = (column: number) => settings.types?.[source.columns[column]!] === 'category';
  const features = roles.features.map((column) => ({
    profile: makeFeature(column),
    column,
    exact: isExact(column),
  }));
  const onMissingLabel = (place: () => string, cell: Cell, column = labelColumn) => {
    if (settings.onNan !== 'skip') throw missingLabel(place(), source.columns[column]!, cell);
  };
  const passOver = async (
    columns: readonly ProfiledColumn[],
    beforeBlock: (batch: TableBatch, from: number, count: number) => void,
  ) => {
    const profiler = new BlockProfiler(BLOCK_ROWS);
    for await (const batch of source.batches(settings.signal)) {
      for (let from = 0; from < batch.rows; from += BLOCK_ROWS) {
        const count = Math.min(BLOCK_ROWS, batch.rows - from);
        beforeBlock(batch, from, count);
        for (const column of columns)
          profiler.add(batch, from, count, column, column === label ? onMissingLabel : undefined);
      }
    }
  };
  if (several !== undefined)
    await passOver(features, (batch, from, count) => several.add(batch, from, count, onMissingLabel));
  else
    await passOver([label, ...features], () => {
      label.exact &&= !decidesByNumbers(label.profile, settings);
    });
  // Of these numbers and dates were only counted, but they are names of categories or classes.
  const again = features.filter(({ profile }) => isMixed(profile) && !areDates(profile));
  for (const column of again) column.profile = makeFeature(column.column);
  if (isMixed(label.profile)) {
    label.profile = makeLabel();
    again.unshift(label);
  }
  for (const column of again) column.exact = true;
  if (again.length > 0) await passOver(again, () => {});
  const found = features.map(({ profile }) => profile);
  if (several !== undefined) return { labels: several.profiles, labelled: several.labelled, features: found };
  const labelled = label.profile.rows - label.profile.missing;
  return { labels: [label.profile], labelled, features: found };
}

/** Whether some values were only counted, and not all are numbers. */
const isMixed = ({ counted, numbers, missing, rows }: ColumnProfile) =>
  counted > 0 && numbers + missing < rows;

const areDates = ({ dates, missing, rows }: ColumnProfile) => dates + missing === rows;

/** Whether the values of the label are no classes if they are numbers to the end, so that counting them will do. */
function decidesByNumbers(label: ColumnProfile, { task }: TableSettings): boolean {
  if (task === 'classification' || label.firstOther !== undefined) return false;
  return (
    task === 'regression' || label.wholes < label.numbers || (label.values?.size ?? 0) > MOST_NUMBERED_CLASSES
  );
}

export function missingLabel(place: string, column: string, cell: Cell): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `${place}, column ${column}: the label ${missingText(cell)}; --on-nan=skip leaves such rows out`,
  );
}
