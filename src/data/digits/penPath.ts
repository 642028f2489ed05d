import type { Glyph } from './glyphs.js';
import type { SampleRandom } from './sampleRandom.js';

/** Straight pieces one curved span between two glyph points becomes. */
const PIECES = 5;
/** Room for the longest glyph, with every span cut into pieces. */
const LARGEST_GLYPH = 32;

/** The fine polyline a pen follows: `length` points, of which those with `lift` end a stroke. Reused for every sample. */
export class PenPath {
  readonly x = new Float64Array(LARGEST_GLYPH * PIECES);
  readonly y = new Float64Array(LARGEST_GLYPH * PIECES);
  readonly lift = new Uint8Array(LARGEST_GLYPH * PIECES);
  length = 0;
  readonly #knotX = new Float64Array(LARGEST_GLYPH);
  readonly #knotY = new Float64Array(LARGEST_GLYPH);

  /**
   * Writes the glyph: each of its points is moved by about `wobble` (glyph units), then cubic Hermite spans with
   * Catmull–Rom tangents run through them; at corners and stroke ends the tangent follows the chord.
   */
  trace(glyph: Glyph, random: SampleRandom, wobble: number): void {
    const { corner, lift } = glyph;
    const knotX = this.#knotX;
    const knotY = this.#knotY;
    const count = glyph.x.length;
    for (let i = 0; i < count; i++) {
      knotX[i] = glyph.x[i]! + wobble * random.bell();
      knotY[i] = glyph.y[i]! + wobble * random.bell();
    }
    let length = 0;
    let startsStroke = true;
    for (let i = 0; i < count; i++) {
      if (startsStroke) length = this.#put(length, knotX[i]!, knotY[i]!);
      if (lift[i] === 1) {
        this.lift[length - 1] = 1;
        startsStroke = true;
        continue;
      }
      const smoothStart = !startsStroke && corner[i] === 0;
      const smoothEnd = lift[i + 1] === 0 && corner[i + 1] === 0;
      startsStroke = false;
      const x0 = knotX[i]!;
      const y0 = knotY[i]!;
      const chordX = knotX[i + 1]! - x0;
      const chordY = knotY[i + 1]! - y0;
      const leaveX = smoothStart ? 0.5 * (knotX[i + 1]! - knotX[i - 1]!) : chordX;
      const leaveY = smoothStart ? 0.5 * (knotY[i + 1]! - knotY[i - 1]!) : chordY;
      const arriveX = smoothEnd ? 0.5 * (knotX[i + 2]! - x0) : chordX;
      const arriveY = smoothEnd ? 0.5 * (knotY[i + 2]! - y0) : chordY;
      for (let piece = 1; piece <= PIECES; piece++) {
        const t = piece / PIECES;
        const rise = t * t * (3 - 2 * t);
        const leave = t * (1 - t) * (1 - t);
        const arrive = t * t * (t - 1);
        length = this.#put(
          length,
          x0 + rise * chordX + leave * leaveX + arrive * arriveX,
          y0 + rise * chordY + leave * leaveY + arrive * arriveY,
        );
      }
    }
    this.length = length;
  }

  #put(at: number, x: number, y: number): number {
    this.x[at] = x;
    this.y[at] = y;
    this.lift[at] = 0;
    return at + 1;
  }
}
