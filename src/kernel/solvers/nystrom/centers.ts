import { Random } from '../../../memory/random.js';

/** Number of the random stream of the centres. */
const CENTERS_STREAM = 0x6e7973;

/** m of n rows, every choice equally likely, rising: selection sampling (Knuth, TAOCP vol. 2, 3.4.2, algorithm S). */
export function chooseCenters(n: number, m: number, seed: number): Uint32Array {
  const random = Random.of(seed, CENTERS_STREAM);
  const centers = new Uint32Array(m);
  let chosen = 0;
  for (let row = 0; chosen < m; row++) if (random.below(n - row) < m - chosen) centers[chosen++] = row;
  return centers;
}
