import { type ColumnMapping, datePartNames, featureCount } from './columnMapping.js';

/** Features of hashed columns are at most 2^24 each. */
export const MOST_HASH_BITS = 24;
export const MOST_NGRAMS = 5;

type BadField = (field: string, found: unknown, wanted: string) => never;
type Fields = Readonly<Record<string, unknown>>;

const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= 1000;
const isIn = (value: unknown, least: number, most: number) =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

/**
 * Checks the `columns` of a parsed description, whose rows have `d` features, and k classes or labels. Undefined is fine: the rows
 * are no table.
 */
export function checkMapping(
  value: unknown,
  d: number,
  { task, k }: { readonly task: string; readonly k: number },
  bad: BadField,
): void {
  if (value === undefined) return;
  const { features, label, id, missingValues } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Fields;
  const { column, kind, others } = (typeof label === 'object' && label !== null ? label : {}) as Fields;
  const wanted = task === 'classification' ? 'class' : 'number';
  if (!isName(column) || kind !== wanted)
    bad('columns.label', label, `a column with kind ${JSON.stringify(wanted)}`);
  const more = task === 'classification' ? 0 : k - 1;
  const hasMore = Array.isArray(others) && others.length === more && others.every(isName);
  if (more === 0 ? others !== undefined : !hasMore)
    bad('columns.label.others', others, more === 0 ? 'nothing' : `the names of ${more} columns`);
  if (id !== undefined && !isName(id)) bad('columns.id', id, 'the name of a column');
  if (missingValues !== undefined && !(Array.isArray(missingValues) && missingValues.every(isName)))
    bad('columns.missingValues', missingValues, 'a list of words');
  if (!Array.isArray(features)) return bad('columns.features', features, 'a list');
  for (const feature of features) checkFeature(feature, bad);
  const count = featureCount(value as ColumnMapping);
  if (count !== d) bad('columns.features', `[${features.length} columns]`, `${d} features, not ${count}`);
}

function checkFeature(value: unknown, bad: BadField): void {
  const feature = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const wrong = (wanted: string) => bad('columns.features', value, wanted);
  if (!isName(feature['column'])) wrong('the name of a column');
  const { kind, values, bits, ngrams, parts, missing } = feature;
  if (kind === 'category') {
    const isList = Array.isArray(values) && values.every((name) => typeof name === 'string');
    if (!isList || new Set(values as string[]).size !== (values as string[]).length)
      wrong('different values, as strings');
    return;
  }
  if (kind === 'hash' || kind === 'text') {
    if (!isIn(bits, 1, MOST_HASH_BITS)) wrong(`bits from 1 to ${MOST_HASH_BITS}`);
    if (kind === 'text' && !isIn(ngrams, 1, MOST_NGRAMS)) wrong(`ngrams from 1 to ${MOST_NGRAMS}`);
    return;
  }
  if (kind !== 'number' && kind !== 'boolean' && kind !== 'date')
    wrong('a kind: number, boolean, date, category, hash or text');
  const { fill, fills, indicator } = (
    typeof missing === 'object' && missing !== null ? missing : {}
  ) as Fields;
  if (typeof fill !== 'number' || !Number.isFinite(fill) || typeof indicator !== 'boolean')
    wrong('missing with a finite fill and an indicator');
  if (kind !== 'date') {
    if (fills !== undefined) wrong('missing with one fill: only dates have more');
    return;
  }
  const known: readonly unknown[] = datePartNames;
  if (!Array.isArray(parts) || parts.length === 0 || !parts.every((part) => known.includes(part)))
    return wrong(`parts of ${datePartNames.join(', ')}`);
  const isFull = Array.isArray(fills) && fills.length === parts.length && fills.every(Number.isFinite);
  if (fills !== undefined && !isFull) wrong('missing with a finite number in fills for each part');
}
