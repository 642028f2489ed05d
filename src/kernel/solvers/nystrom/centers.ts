import { Random } from '../../../memory/random.js';
import { selectionSample } from '../../../memory/selectionSample.js';

/** Number of the random stream of the centres. */
const CENTERS_STREAM = 0x6e7973;

/** m of n rows, every choice equally likely, rising. */
export function chooseCenters(n: number, m: number, seed: number): Uint32Array {
  return Uint32Array.from(selectionSample(n, m, Random.of(seed, CENTERS_STREAM)));
}
