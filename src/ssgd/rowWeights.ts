import { dtypeBytes } from '../arithmetic/dtype.js';
import { type GatherKernels, labelDtypeCodes } from '../arithmetic/gather.js';
import type { DatasetDescription } from '../data/format.js';
import type { RowLayout } from '../data/rowLayout.js';
import { MlmlError } from '../errors.js';
import type { TrainOptions } from './options.js';

/** What decides the weight of a row in Σ weight·loss. */
export interface RowWeighting {
  /** Factor of each class; undefined: 1 for all, and in regression. */
  readonly classWeights: Float64Array | undefined;
  /** The feature that holds the weight of its row, and is no feature of the model; undefined: every row counts once. */
  readonly column: number | undefined;
  /** The weight is a double behind the label of each row instead. */
  readonly behindLabel?: boolean;
}

type WeightOptions = Pick<TrainOptions, 'classWeight' | 'weightColumn'>;

/** Whether rows count differently. */
export function isWeighted({ classWeight, weightColumn }: WeightOptions): boolean {
  return classWeight !== 'none' || weightColumn >= 0;
}

/**
 * The weighting that options ask for; undefined when all rows count once. Depends on the description alone.
 *
 * @throws MlmlError `MLML_USAGE` for a class or a column that does not exist, or a weight that cannot be used
 */
export function weightingOf(
  description: DatasetDescription,
  options: WeightOptions,
): RowWeighting | undefined {
  if (!isWeighted(options)) return undefined;
  const { classWeight, weightColumn } = options;
  return {
    classWeights: classWeight === 'none' ? undefined : classWeightsOf(description, classWeight),
    column: weightColumn < 0 ? undefined : checkedColumn(description, weightColumn),
  };
}

function checkedColumn({ d, name, statistics }: DatasetDescription, column: number): number {
  const usage = (message: string) => new MlmlError('MLML_USAGE', `--weight-column=${column}: ${message}`);
  if (!Number.isInteger(column) || column >= d)
    throw usage(`${name} has the features 0 to ${d - 1}; give the number of one of them`);
  if (d === 1) throw usage(`${name} has no other feature to learn from`);
  const [least, most] = [statistics.min[column]!, statistics.max[column]!];
  if (least < 0) throw usage(`feature ${column} goes down to ${least}; weights are at least 0`);
  if (most === 0) throw usage(`feature ${column} is 0 in every row, so that no row counts`);
  return column;
}

/** `balanced`, or classes (names or numbers) and their weights: `0:1,spam:5`. A class that is not named has weight 1. */
function classWeightsOf(description: DatasetDescription, text: string): Float64Array {
  const { task, k, classCounts, classNames, name } = description;
  if (typeof text !== 'string') {
    const given = JSON.stringify(text);
    throw new MlmlError(
      'MLML_USAGE',
      `classWeight ${given}: must be text: balanced, or 0:1,1:5 for each class`,
    );
  }
  const usage = (message: string) => new MlmlError('MLML_USAGE', `--class-weight=${text}: ${message}`);
  if (task !== 'classification') throw usage(`${name} is a data set of regression, which has no classes`);
  const weights = new Float64Array(k).fill(1);
  if (text === 'balanced') {
    const present = classCounts.filter((count) => count > 0);
    const rows = present.reduce((sum, count) => sum + count, 0);
    for (let c = 0; c < k; c++) {
      // Classes without a row never ask for their weight.
      if (classCounts[c]! > 0) weights[c] = rows / (present.length * classCounts[c]!);
    }
    return weights;
  }
  const seen = new Set<number>();
  for (const part of text.split(',')) {
    // Names may hold colons.
    const colon = part.lastIndexOf(':');
    const [key, value] = [part.slice(0, Math.max(colon, 0)).trim(), part.slice(colon + 1).trim()];
    if (colon < 1 || value === '')
      throw usage(`'${part}' is not <class>:<weight>; write balanced or 0:1,1:5`);
    const c = classNames.includes(key) ? classNames.indexOf(key) : /^\d+$/.test(key) ? Number(key) : -1;
    if (!(c >= 0 && c < k)) {
      const known = classNames.length > 0 ? `the classes ${classNames.join(', ')}` : `classes 0 to ${k - 1}`;
      throw usage(`there is no class '${key}'; ${name} has ${known}`);
    }
    if (seen.has(c)) throw usage(`class '${key}' has two weights`);
    seen.add(c);
    const weight = Number(value);
    if (!(weight >= 0 && weight <= 1e30))
      throw usage(`'${value}' is no weight; give a number from 0 to 1e30`);
    weights[c] = weight;
  }
  if (!classCounts.some((count, c) => count > 0 && weights[c]! > 0))
    throw usage('no training row would count');
  return weights;
}

/** Share of each class in the sum of the weights of `counts` rows, by the weights of classes alone. */
export function classSharesOf(
  counts: readonly number[],
  weighting: Pick<RowWeighting, 'classWeights'> | undefined,
): number[] {
  const weighted = counts.map((count, c) => count * (weighting?.classWeights?.[c] ?? 1));
  const total = weighted.reduce((sum, weight) => sum + weight, 0);
  return weighted.map((weight) => weight / total);
}

/** The field of the model. */
export function weightColumnOf({ weightColumn }: WeightOptions): { readonly weightColumn?: number } {
  return weightColumn < 0 ? {} : { weightColumn };
}

/** `MLML_BAD_DATA` when the weights of all rows used are 0. */
export function requireWeight(total: number): void {
  if (total === 0) throw new MlmlError('MLML_BAD_DATA', 'the weight of every training row used is 0');
}

/** Rows of a block whose weights are wanted: `order[from …]`, as for the gather kernels. */
export interface WeightedRows {
  readonly base: number;
  readonly order: number;
}

/** Writes the weights of `count` rows from position `from` to weights[at …], given labels[at …]; `weights` lies in the arena. */
export function readRowWeights(
  kernels: GatherKernels,
  { classWeights, column, behindLabel }: RowWeighting,
  { dtype, labelDtype, labels: labelsOfRow, labelOffset, rowBytes }: RowLayout,
  { base, order }: WeightedRows,
  from: number,
  count: number,
  labels: Float64Array,
  weights: Float64Array,
  at = 0,
): void {
  if (column !== undefined || behindLabel) {
    const code = labelDtypeCodes.indexOf(behindLabel ? 'float64' : dtype);
    const behind = labelOffset + labelsOfRow * dtypeBytes[labelDtype];
    const offset = column === undefined ? behind : column * dtypeBytes[dtype];
    const target = weights.byteOffset + 8 * at;
    kernels.gatherLabels(base, rowBytes, offset, code, 1, order, from, count, target);
  } else weights.fill(1, at, at + count);
  if (classWeights === undefined) return;
  for (let i = at; i < at + count; i++) weights[i]! *= classWeights[labels[i]!]!;
}
