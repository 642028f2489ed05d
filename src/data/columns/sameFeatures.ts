import { type ColumnMapping, type FeatureColumn, featureNames } from './columnMapping.js';

/** What decides which features a column makes; not what stands for its missing values. */
function meaningOf(feature: FeatureColumn): string {
  if (!('missing' in feature)) return JSON.stringify(feature);
  const { missing, ...rest } = feature;
  return JSON.stringify({ ...rest, indicator: missing.indicator });
}

/**
 * How the features of `found` differ from those of `wanted`, in words; undefined when they mean the same. Nothing is known to differ
 * where either is no table.
 */
export function featureDifference(
  found: ColumnMapping | undefined,
  wanted: ColumnMapping | undefined,
): string | undefined {
  if (found === undefined || wanted === undefined) return undefined;
  const same =
    found.features.length === wanted.features.length &&
    found.features.every((feature, i) => meaningOf(feature) === meaningOf(wanted.features[i]!));
  if (same) return undefined;
  const [names, others] = [featureNames(found), featureNames(wanted)];
  const at = names.findIndex((name, j) => name !== others[j]);
  return at < 0
    ? 'the columns are read in another way'
    : `feature ${at} is ${JSON.stringify(names[at])}, not ${JSON.stringify(others[at])}`;
}
