import type { ScoreMeaning } from '../../ssgd/linearModel.js';
import { hasNames } from '../classNames.js';

/** Classes that a model tells apart; 0 for a regression. */
export function classCount({ task, k }: ScoreMeaning): number {
  return task === 'classification' ? Math.max(k, 2) : 0;
}

/** Names of the classes where they have other names than their numbers, else undefined. */
export function classLabels(model: ScoreMeaning): string[] | undefined {
  if (model.task !== 'classification' || !hasNames(model)) return undefined;
  return Array.from({ length: classCount(model) }, (_, c) => model.classNames[c] ?? String(c));
}
