import type { ScoreMeaning } from '../ssgd/linearModel.js';

/** Whether the classes have names that say more than their numbers. */
export function hasNames({ classNames }: Pick<ScoreMeaning, 'classNames'>): boolean {
  return classNames.some((name, c) => name !== String(c));
}
