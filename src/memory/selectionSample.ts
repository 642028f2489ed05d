import type { Random } from './random.js';

/** m of the numbers 0 to n − 1, every choice equally likely, rising: Knuth, TAOCP vol. 2, 3.4.2, algorithm S. */
export function* selectionSample(n: number, m: number, random: Random): Generator<number> {
  let wanted = m;
  for (let i = 0; wanted > 0; i++) {
    if (random.below(n - i) >= wanted) continue;
    wanted--;
    yield i;
  }
}
