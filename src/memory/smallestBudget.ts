/** Budgets are named in steps of 10 kB. */
const STEP = 1e4;

/**
 * The smallest budget that works, in whole steps of 10 kB: with one step less it does not. `needed` says what a plan made for a
 * budget takes; `tooSmall` is a budget whose plan takes more.
 */
export function smallestBudget(needed: (budget: number) => number, tooSmall: number): number {
  const works = (steps: number) => needed(steps * STEP) <= steps * STEP;
  let low = Math.floor(tooSmall / STEP);
  let high = Math.max(low + 1, Math.ceil(needed(tooSmall) / STEP));
  while (!works(high)) [low, high] = [high, 2 * high];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (works(middle)) high = middle;
    else low = middle;
  }
  return high * STEP;
}
