import type { Dtype } from '../../arithmetic/dtype.js';
import type { FeatureColumn } from '../columns/columnMapping.js';
import { labelDtypeFor } from '../convert.js';
import type { ChosenColumns } from './chooseColumns.js';
import type { TableProfile } from './profileTable.js';
import type { RoundingDtype, Spread } from './spread.js';
import type { TableSettings } from './tableImportOptions.js';

/** Number types of the rows of a table. */
export interface StoredTypes {
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
}

/**
 * float32, or float64 where that would round values together that differ: times in milliseconds, large numbers near each other. A type
 * that was asked for is taken, with a warning. Labels of a regression are floats, also beside features that are integers.
 */
export function storedTypes(
  { task, mapping, classNames }: ChosenColumns,
  { features, labels }: TableProfile,
  { dtype: asked, onNotice, onWarning }: TableSettings,
): StoredTypes {
  const spreads = new Map(features.map(({ name, spread }) => [name, spread]));
  const isRounding = asked === undefined || asked === 'float32' || asked === 'float16';
  const type: RoundingDtype = asked === 'float16' ? 'float16' : 'float32';
  const tooFine = !isRounding
    ? []
    : mapping.features
        .filter((feature) => isNumeric(feature) && spreads.get(feature.column)!.isTooFineFor(type))
        .map(({ column }) => column);
  const [first] = tooFine;
  if (first !== undefined) {
    const others = tooFine.length === 1 ? '' : ` (and ${tooFine.length - 1} more)`;
    const why = `column ${first}${others}: ${roundingText(spreads.get(first)!, type)}`;
    if (asked === undefined)
      onNotice?.(`rows are stored as float64, since of ${why}; --dtype=float32 takes half the room`);
    else onWarning?.(`--dtype=${asked}: of ${why}; --dtype=float64 keeps them apart`);
  }
  const dtype = asked ?? (first === undefined ? 'float32' : 'float64');
  if (task === 'classification') return { dtype, labelDtype: labelDtypeFor(dtype, classNames.length) };
  if (dtype === 'float64') return { dtype, labelDtype: dtype };
  const label = labels.find(({ spread }) => spread.isTooFineFor('float32'));
  if (label === undefined) return { dtype, labelDtype: 'float32' };
  onNotice?.(`labels are stored as float64: of ${label.name}, ${roundingText(label.spread, 'float32')}`);
  return { dtype, labelDtype: 'float64' };
}

/** Whether the numbers of a column are stored as they are. Parts of dates are small, but for the seconds since 1970. */
function isNumeric(feature: FeatureColumn): boolean {
  return feature.kind === 'number' || (feature.kind === 'date' && feature.parts.includes('epoch'));
}

function roundingText(spread: Spread, dtype: RoundingDtype): string {
  const digits = (value: number) => String(Number(value.toPrecision(3)));
  return `${dtype} would round values to multiples of ${digits(spread.stepOf(dtype))}, which have a standard deviation of ${digits(spread.deviation)}`;
}
