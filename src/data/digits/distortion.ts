import type { PenPath } from './penPath.js';
import type { SampleRandom } from './sampleRandom.js';

/** Standard deviations (or largest deviations, where said) of what distinguishes one hand from another. */
const spread = {
  /** Radians. */
  rotation: 0.13,
  /** x displacement per unit of y. */
  slant: 0.2,
  /** Of the digit's height, relative. */
  size: 0.065,
  /** Of width against height, relative. */
  aspect: 0.16,
  /** Pixels. */
  position: 0.5,
  /** Coefficients of the elastic field, in units of half the digit's height. */
  elastic: 0.085,
} as const;

/** Mean height of the ink, pixels. */
const HEIGHT = 18.5;
/** Mean lean to the right of handwriting. */
const LEAN = 0.12;
/** Terms u², uv, v², u³, u²v, uv², v³ for each direction. */
const TERMS = 7;

/** Moves the points of a pen path from glyph units to pixels, each sample in its own way. Reused for every sample. */
export class Distortion {
  readonly #elastic = new Float64Array(2 * TERMS);

  /**
   * Elastic field (times `carelessness`), then slant, size, aspect, rotation; last the ink's bounding box is put
   * near `centre` (pixels).
   */
  apply(path: PenPath, random: SampleRandom, carelessness: number, centre: number): void {
    const field = this.#elastic;
    for (let i = 0; i < field.length; i++) field[i] = spread.elastic * carelessness * random.bell();
    const slant = LEAN + spread.slant * random.bell();
    const half = 0.5 * HEIGHT * (1 + spread.size * random.bell());
    const aspect = 1 + spread.aspect * random.bell();
    const angle = spread.rotation * random.bell();
    // Taylor polynomials: below 1e-4 off at the largest angle, and the same bits everywhere.
    const square = angle * angle;
    const sine = angle * (1 - square * (1 / 6 - square / 120));
    const cosine = 1 - square * (0.5 - square / 24);
    let left = Infinity;
    let right = -Infinity;
    let top = Infinity;
    let bottom = -Infinity;
    for (let i = 0; i < path.length; i++) {
      const u = path.x[i]! * 0.02 - 1;
      const v = path.y[i]! * 0.02 - 1;
      const uu = u * u;
      const uv = u * v;
      const vv = v * v;
      const dx =
        field[0]! * uu +
        field[1]! * uv +
        field[2]! * vv +
        u * (field[3]! * uu + field[4]! * uv + field[5]! * vv) +
        field[6]! * vv * v;
      const dy =
        field[7]! * uu +
        field[8]! * uv +
        field[9]! * vv +
        u * (field[10]! * uu + field[11]! * uv + field[12]! * vv) +
        field[13]! * vv * v;
      const height = half * (v + dy);
      const width = half * aspect * (u + dx) - slant * height;
      const x = cosine * width - sine * height;
      const y = sine * width + cosine * height;
      path.x[i] = x;
      path.y[i] = y;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const shiftX = centre - 0.5 * (left + right) + spread.position * random.bell();
    const shiftY = centre - 0.5 * (top + bottom) + spread.position * random.bell();
    for (let i = 0; i < path.length; i++) {
      path.x[i]! += shiftX;
      path.y[i]! += shiftY;
    }
  }
}
