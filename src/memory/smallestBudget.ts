/** Budgets are named in steps of 10 kB. */
const STEP = 1e4;

/**
 * A budget that works, no more than a twentieth and a step above the smallest. `needed` says what a plan made for a budget
 * takes; `tooSmall` is a budget whose plan takes more.
 */
export function smallestBudget(needed: (budget: number) => number, tooSmall: number): number {
  let [low, high] = [tooSmall, needed(tooSmall)];
  while (needed(high) > high) [low, high] = [high, 2 * high];
  while (high > 1.05 * low) {
    const middle = (low + high) / 2;
    if (needed(middle) <= middle) high = middle;
    else low = middle;
  }
  // A larger budget makes larger blocks, so that the next step may need more than it is.
  let steps = Math.ceil(high / STEP);
  while (needed(steps * STEP) > steps * STEP) steps++;
  return steps * STEP;
}
