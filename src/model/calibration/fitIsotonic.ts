import type { IsotonicCurve } from '../../ssgd/scoreCalibration.js';
import type { ScoreWalk } from './fitSigmoid.js';

/** Levels of a curve at most; more are joined in pairs. Of n rows there are about n^(1/3), hardly ever more than n^(2/3). */
export const MOST_LEVELS = 4096;

/** Scores that share one probability. */
interface Level {
  readonly highest: number;
  lowest: number;
  positives: number;
  rows: number;
}

/**
 * The rising step function of least squares against 0 and 1 (pool adjacent violators), in one walk from the highest score down.
 * It is kept as the two ends of each step, and is linear between them.
 */
export async function fitIsotonic(walk: ScoreWalk): Promise<IsotonicCurve> {
  let levels: Level[] = [];
  const join = (upper: Level, lower: Level) => {
    upper.lowest = lower.lowest;
    upper.positives += lower.positives;
    upper.rows += lower.rows;
  };
  await walk((score, positives, negatives) => {
    levels.push({ highest: score, lowest: score, positives, rows: positives + negatives });
    for (;;) {
      const last = levels.at(-1)!;
      const above = levels.at(-2);
      // Going down, shares must fall.
      if (above === undefined || above.positives * last.rows > last.positives * above.rows) break;
      levels.pop();
      join(above, last);
    }
    if (levels.length < 2 * MOST_LEVELS) return;
    for (let i = 0; i + 1 < levels.length; i += 2) join(levels[i]!, levels[i + 1]!);
    levels = levels.filter((_, i) => i % 2 === 0);
  });
  const scores: number[] = [];
  const probabilities: number[] = [];
  for (const { lowest, highest, positives, rows } of levels.reverse()) {
    scores.push(lowest);
    probabilities.push(positives / rows);
    if (highest === lowest) continue;
    scores.push(highest);
    probabilities.push(positives / rows);
  }
  return { scores, probabilities };
}
