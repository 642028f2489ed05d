import { neededColumns } from '../../../data/columns/columnMapping.js';
import type { ScoreMeaning } from '../../../ssgd/linearModel.js';
import { givesProbabilities } from '../../probabilities.js';
import { classLabels } from '../classLabels.js';

/** More names than this are just strings. */
const MOST_NAMES = 100;

/** The types of an exported module. */
export function declarationFile(model: ScoreMeaning): Uint8Array {
  const { task, d, columns, labelNames } = model;
  const names = classLabels(model);
  const isClass = task === 'classification';
  const named = names === undefined ? 'number' : names.length > MOST_NAMES ? 'string' : unionOf(names);
  const several = labelNames !== undefined;
  const what = isClass ? 'class' : several ? 'values' : 'value';
  const lines: string[] = [];
  if (columns === undefined) {
    lines.push(`/** ${d} features, as they were in the training data, before scaling. */`);
    lines.push('export type Row = ArrayLike<number>;');
  } else {
    lines.push('/** null and undefined are missing values. */');
    lines.push('export type Cell = string | number | bigint | boolean | Date | null | undefined;');
    lines.push('/** A row of the table: the columns that features are made of. Others may be there. */');
    lines.push('export interface Row {');
    for (const name of new Set(neededColumns(columns)))
      lines.push(`  readonly ${JSON.stringify(name)}: Cell;`);
    lines.push('}');
  }
  if (isClass) {
    lines.push(`export type Label = ${named};`);
    lines.push('/** In the order of scores and probabilities. */');
    lines.push('export declare const classes: readonly Label[];');
  }
  if (several) {
    lines.push('/** Names of the values of a row, in their order. */');
    lines.push('export declare const outputs: readonly string[];');
  }
  lines.push(`/** The ${what} of a row. Throws for a row that is not as it was in training. */`);
  lines.push(
    `export declare function predict(row: Row): ${isClass ? 'Label' : several ? 'Float64Array' : 'number'};`,
  );
  const scores = !isClass
    ? several
      ? 'its values'
      : 'the value alone'
    : model.k === 1
      ? 'one, whose sign decides'
      : 'one for each class';
  lines.push(`/** The scores of a row: ${scores}. */`);
  lines.push('export declare function predictScores(row: Row): Float64Array;');
  if (givesProbabilities(model)) {
    lines.push('/** The probabilities of the classes. */');
    lines.push('export declare function predictProbabilities(row: Row): Float64Array;');
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}

function unionOf(names: readonly string[]): string {
  return [...new Set(names)].map((name) => JSON.stringify(name)).join(' | ');
}
