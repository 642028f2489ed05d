import { MlmlError } from '../../errors.js';
import { classNameOf } from '../columns/cells.js';
import { ColumnProfile } from './columnProfile.js';
import type { ColumnRoles } from './columnRoles.js';
import { LabelProfiles } from './profileLabels.js';
import type { TableSettings } from './tableImportOptions.js';
import { numbersOf, type TableBatch, type TableSource } from './tableSource.js';

/** Classes at most. */
export const MOST_CLASSES = 100_000;
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
  const make = (column: number, mostValues: number) =>
    new ColumnProfile(source.columns[column]!, mostValues, room);
  const [labelColumn] = roles.labels;
  const label = new ColumnProfile(source.columns[labelColumn!]!, MOST_CLASSES, room, classNameOf);
  const several = roles.labels.length > 1 ? new LabelProfiles(source.columns, roles.labels) : undefined;
  const features = roles.features.map((column) => make(column, settings.categories));
  const isExact = (column: number) => {
    const name = source.columns[column]!;
    return settings.types?.[name] === 'category';
  };
  const skipsMissing = settings.onNan === 'skip';
  const onMissing = (batch: TableBatch, row: number, name: string) => {
    if (!skipsMissing) throw missingLabel(batch.place(row), name);
  };
  const labelAt = (batch: TableBatch, row: number) => {
    const missing = label.add(batch.cell(row, labelColumn!), () => batch.place(row));
    if (missing) onMissing(batch, row, label.name);
  };
  const passOver = async (
    columns: readonly (readonly [ColumnProfile, number, boolean])[],
    first: boolean,
  ) => {
    const numbers = new Float64Array(BLOCK_ROWS);
    for await (const batch of source.batches(settings.signal)) {
      for (let from = 0; from < batch.rows; from += BLOCK_ROWS) {
        const count = Math.min(BLOCK_ROWS, batch.rows - from);
        if (first && several !== undefined) several.add(batch, from, count, onMissing);
        else if (first) profileLabel(batch, from, count, label, labelColumn!, numbers, labelAt);
        for (const [profile, column, exact] of columns)
          profileColumn(batch, from, count, profile, column, numbers, exact);
      }
    }
  };
  await passOver(
    features.map((profile, i) => [profile, roles.features[i]!, isExact(roles.features[i]!)]),
    true,
  );
  // Of these the numbers were only counted, but they are names of categories.
  const mixed = features.flatMap((profile, i) =>
    profile.counted > 0 && profile.numbers + profile.missing < profile.rows ? [i] : [],
  );
  const again = mixed.map(
    (i) => [make(roles.features[i]!, settings.categories), roles.features[i]!, true] as const,
  );
  if (again.length > 0) await passOver(again, false);
  for (const [k, i] of mixed.entries()) features[i] = again[k]![0];
  if (several !== undefined) return { labels: several.profiles, labelled: several.labelled, features };
  return { labels: [label], labelled: label.rows - label.missing, features };
}

export function missingLabel(place: string, column: string): MlmlError {
  return new MlmlError(
    'MLML_BAD_DATA',
    `${place}, column ${column}: the label is missing; --on-nan=skip leaves such rows out`,
  );
}

/** The values of labels are all of interest, as classes, until they are too many. */
function profileLabel(
  batch: TableBatch,
  from: number,
  count: number,
  label: ColumnProfile,
  column: number,
  numbers: Float64Array,
  labelAt: (batch: TableBatch, row: number) => void,
): void {
  const counting = label.values === undefined;
  if (counting) numbersOf(batch, column, from, count, numbers);
  let counted = 0;
  for (let i = 0; i < count; i++) {
    if (counting && !Number.isNaN(numbers[i]!)) counted++;
    else labelAt(batch, from + i);
  }
  if (counted > 0) label.addNumbers(counted);
}

function profileColumn(
  batch: TableBatch,
  from: number,
  count: number,
  profile: ColumnProfile,
  column: number,
  numbers: Float64Array,
  exact: boolean,
): void {
  let row = from;
  const place = () => batch.place(row);
  if (exact) {
    for (; row < from + count; row++) profile.add(batch.cell(row, column), place);
    return;
  }
  numbersOf(batch, column, from, count, numbers);
  let counted = 0;
  for (let i = 0; i < count; i++) {
    if (!Number.isNaN(numbers[i]!)) {
      counted++;
      continue;
    }
    row = from + i;
    profile.add(batch.cell(row, column), place);
  }
  profile.addNumbers(counted);
}
