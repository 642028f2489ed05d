import type { SigmoidCurve } from '../../ssgd/scoreCalibration.js';

/** Goes through the different scores, with the rows of the class and of the rest that have each. */
export type ScoreWalk = (
  visit: (score: number, positives: number, negatives: number) => void,
) => Promise<void>;

const MOST_STEPS = 100;
/** Half steps before it is clear that rounding, not the step, is in the way. */
const MOST_HALVINGS = 40;

/**
 * Platt's probabilities (Platt 1999, with the steps of Lin, Lin and Weng 2007): the sigmoid of least log loss against
 * targets that lie off 0 and 1 as if one row of each kind had been seen besides. Newton steps on the scores divided by their
 * largest size, each of which is a walk.
 */
export async function fitSigmoid(walk: ScoreWalk): Promise<SigmoidCurve> {
  let [positives, negatives, largest] = [0, 0, 0];
  await walk((score, own, others) => {
    positives += own;
    negatives += others;
    largest = Math.max(largest, Math.abs(score));
  });
  const scale = largest > 0 ? 1 / largest : 1;
  const targets = [(positives + 1) / (positives + 2), 1 / (negatives + 2)] as const;
  /** Objective and its derivatives at a point. */
  const at = async (a: number, b: number) => {
    let [loss, ga, gb, haa, hab, hbb] = [0, 0, 0, 0, 0, 0];
    await walk((raw, own, others) => {
      const score = raw * scale;
      const z = a * score + b;
      const power = Math.exp(-Math.abs(z));
      const p = (z >= 0 ? power : 1) / (1 + power);
      const soft = Math.log1p(power);
      const curvature = p * (1 - p) * (own + others);
      // −t·log p − (1 − t)·log(1 − p), with log p = −z − log(1 + e^−z) and so on.
      for (const [rows, target] of [
        [own, targets[0]],
        [others, targets[1]],
      ] as const) {
        if (rows === 0) continue;
        loss += rows * (z >= 0 ? target * z + soft : (target - 1) * z + soft);
        const slope = rows * (target - p);
        ga += slope * score;
        gb += slope;
      }
      haa += curvature * score * score;
      hab += curvature * score;
      hbb += curvature;
    });
    return { loss, ga, gb, haa, hab, hbb };
  };
  let [a, b] = [0, Math.log((negatives + 1) / (positives + 1))];
  let here = await at(a, b);
  for (let step = 0; step < MOST_STEPS; step++) {
    const { ga, gb, hab } = here;
    if (Math.hypot(ga, gb) <= 1e-12 * (positives + negatives)) break;
    // Where all scores are equal the matrix is singular.
    const [haa, hbb] = [here.haa + 1e-12, here.hbb + 1e-12];
    const determinant = haa * hbb - hab * hab;
    const da = -(hbb * ga - hab * gb) / determinant;
    const db = -(haa * gb - hab * ga) / determinant;
    const descent = ga * da + gb * db;
    let size = 1;
    let next = await at(a + da, b + db);
    for (let halvings = 0; next.loss > here.loss + 1e-4 * size * descent; halvings++) {
      if (halvings === MOST_HALVINGS) return { slope: a * scale, intercept: b };
      size /= 2;
      next = await at(a + size * da, b + size * db);
    }
    [a, b] = [a + size * da, b + size * db];
    if (here.loss - next.loss <= 1e-15 * here.loss) break;
    here = next;
  }
  return { slope: a * scale, intercept: b };
}
