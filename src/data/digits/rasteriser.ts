import type { PenPath } from './penPath.js';
import type { SampleRandom } from './sampleRandom.js';

/** Pixels per side of an image. */
export const SIDE = 28;
/** Pixels in an image. */
export const PIXELS = SIDE * SIDE;

/** The pen and the paper of one sample. */
export interface Pen {
  /** Half the width of the stroke in its middle, pixels. */
  radius: number;
  /** Relative change of the radius from the first to the last point. */
  taper: number;
  /** Width of the soft edge, pixels. */
  softness: number;
  /** Grey value of full ink, to 255. */
  ink: number;
  /** Largest deviation of an inked pixel, grey values. */
  grain: number;
}

/** No pixel is this far from the ink. */
const FAR = 1e9;

/** Turns a pen path into pixels by the distance of each pixel to the polyline. Reused for every sample. */
export class Rasteriser {
  /** Squared distance to the path, in units of the local radius. */
  readonly #distance = new Float64Array(PIXELS);

  /** Writes 784 bytes, row by row, from `offset`. The grey value falls from `ink` to 0 over the soft edge. */
  draw(target: Uint8Array, offset: number, path: PenPath, pen: Pen, random: SampleRandom): void {
    this.#measure(path, pen);
    const distance = this.#distance;
    const { radius, softness, ink, grain } = pen;
    const outer = radius + 0.5 * softness;
    const reach = (outer / radius) * (outer / radius);
    const slope = 1 / softness;
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const squared = distance[pixel]!;
      if (squared >= reach) {
        target[offset + pixel] = 0;
        continue;
      }
      const inside = (outer - radius * Math.sqrt(squared)) * slope;
      const cover = inside >= 1 ? 1 : inside * inside * (3 - 2 * inside);
      const grey = cover * (ink + grain * random.signed()) + 0.5;
      target[offset + pixel] = Math.min(grey, 255);
    }
  }

  /** Distances, only in the neighbourhood of each piece: the rest stays far. */
  #measure(path: PenPath, pen: Pen): void {
    const distance = this.#distance.fill(FAR);
    const { x, y, lift, length } = path;
    const taperStep = pen.taper / length;
    for (let i = 0; i + 1 < length; i++) {
      if (lift[i] === 1) continue;
      const width = pen.radius * (1 + taperStep * (i - 0.5 * length));
      const unit = 1 / (width * width);
      // The edge is soft in proportion to the local width, so this reach covers it.
      const reach = width * (1 + (0.5 * pen.softness) / pen.radius);
      const ax = x[i]!;
      const ay = y[i]!;
      const dx = x[i + 1]! - ax;
      const dy = y[i + 1]! - ay;
      const inverse = 1 / (dx * dx + dy * dy + 1e-9);
      const left = Math.max(0, Math.ceil(Math.min(ax, ax + dx) - reach));
      const right = Math.min(SIDE - 1, Math.floor(Math.max(ax, ax + dx) + reach));
      const top = Math.max(0, Math.ceil(Math.min(ay, ay + dy) - reach));
      const bottom = Math.min(SIDE - 1, Math.floor(Math.max(ay, ay + dy) + reach));
      for (let row = top; row <= bottom; row++) {
        const py = row - ay;
        for (let column = left; column <= right; column++) {
          const px = column - ax;
          let t = (px * dx + py * dy) * inverse;
          if (t < 0) t = 0;
          else if (t > 1) t = 1;
          const ex = px - t * dx;
          const ey = py - t * dy;
          const squared = (ex * ex + ey * ey) * unit;
          const pixel = row * SIDE + column;
          if (squared < distance[pixel]!) distance[pixel] = squared;
        }
      }
    }
  }
}
