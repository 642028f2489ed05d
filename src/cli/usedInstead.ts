import type { Plan } from '../memory/plan.js';
import type { Arguments } from './parseArguments.js';

/** A sentence for each number that was asked for where another is used; `rows`: of the training part. */
export function usedInstead(given: Arguments, plan: Plan, rows: number): string[] {
  const [subset, asked] = [given.number('subset') ?? 0, given.number('nthreads')];
  const { threads = asked } = plan;
  const warnings: string[] = [];
  if (subset > rows) warnings.push(`--subset=${subset}: there are only ${rows} training rows; all are used`);
  if (asked !== undefined && threads !== asked) {
    const used = threads === 1 ? '1 thread is used' : `${threads} threads are used`;
    warnings.push(`--nthreads=${asked}: ${used}; more would not help, or have no room in --buffer`);
  }
  return warnings;
}
