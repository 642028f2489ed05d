import type { Random } from '../../memory/random.js';

/**
 * Draws up to `count` different rows, each next one in proportion to its weight among the rows left, without replacement
 * (Efraimidis & Spirakis 2006: the rows with the smallest −log(u)/weight). Rows of weight 0 are never drawn; there may
 * be fewer rows than asked for. One random number is used for each row.
 */
export function samplePivots(weights: Float64Array, count: number, random: Random): Uint32Array {
  const rows = new Uint32Array(count);
  const keys = new Float64Array(count);
  let drawn = 0;
  for (let i = 0; i < weights.length; i++) {
    // 1 − u is never 0.
    const draw = -Math.log(1 - random.uniform());
    const weight = weights[i]!;
    if (!(weight > 0)) continue;
    const key = draw / weight;
    if (drawn === count && key >= keys[count - 1]!) continue;
    let place = drawn < count ? drawn++ : count - 1;
    for (; place > 0 && keys[place - 1]! > key; place--) {
      keys[place] = keys[place - 1]!;
      rows[place] = rows[place - 1]!;
    }
    keys[place] = key;
    rows[place] = i;
  }
  return rows.subarray(0, drawn);
}
