import { Distortion } from './distortion.js';
import { glyphs } from './glyphs.js';
import { PenPath } from './penPath.js';
import { type Pen, PIXELS, Rasteriser, SIDE } from './rasteriser.js';
import { SampleRandom } from './sampleRandom.js';

/** Bytes of one sample as a row: the image, then its label. */
export const DIGIT_ROW_BYTES = PIXELS + 1;

/** Standard deviation by which an ordinary hand misses the points of a glyph, hundredths of the digit's height. */
const WOBBLE = 4.5;

// Work space, reused by every call: a sample allocates nothing.
const random = new SampleRandom();
const path = new PenPath();
const distortion = new Distortion();
const rasteriser = new Rasteriser();
const pen: Pen = { radius: 1, taper: 0, softness: 1, ink: 255, grain: 0 };

/**
 * Writes the image of sample `index` of `seed`: 28 · 28 bytes, row by row, 0 is paper, from `offset` in `target`.
 * It depends on (seed, index) alone and on exactly rounded arithmetic only, so it has the same bytes on every machine.
 * @returns its label, 0 to 9, all equally likely
 */
export function writeDigit(target: Uint8Array, offset: number, seed: number, index: number): number {
  random.start(seed, index);
  const label = random.below(glyphs.length);
  const variants = glyphs[label]!;
  const variant = variants[random.below(variants.length)]!;
  // Most hands are tidy and a few scrawl: those make the hard samples.
  const scrawl = random.uniform();
  const carelessness = 0.65 + 1.05 * scrawl * scrawl;
  path.trace(variant, random, WOBBLE * carelessness);
  distortion.apply(path, random, carelessness, (SIDE - 1) / 2);
  pen.radius = 0.75 + 0.9 * random.uniform();
  pen.taper = 0.35 * random.signed();
  pen.softness = 0.9 + 0.7 * random.uniform();
  pen.ink = 255 - 35 * random.uniform();
  pen.grain = 25 * random.uniform();
  rasteriser.draw(target, offset, path, pen, random);
  return label;
}
