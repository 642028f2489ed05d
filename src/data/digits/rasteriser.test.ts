import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PenPath } from './penPath.js';
import { type Pen, PIXELS, Rasteriser, SIDE } from './rasteriser.js';
import { SampleRandom } from './sampleRandom.js';

const pen: Pen = { radius: 1.5, taper: 0, softness: 1, ink: 250, grain: 0 };

function draw(points: readonly (readonly [number, number])[], given: Pen): Uint8Array {
  const path = new PenPath();
  for (const [i, [x, y]] of points.entries()) {
    path.x[i] = x;
    path.y[i] = y;
    path.lift[i] = i === points.length - 1 ? 1 : 0;
  }
  path.length = points.length;
  const image = new Uint8Array(PIXELS);
  const random = new SampleRandom();
  random.start(0, 0);
  new Rasteriser().draw(image, 0, path, given, random);
  return image;
}

test('a horizontal line has full ink inside, half of it at the radius and none beyond the edge', () => {
  const image = draw(
    [
      [5, 10.5],
      [20, 10.5],
    ],
    pen,
  );
  const at = (x: number, y: number) => image[y * SIDE + x];
  assert.deepEqual(
    [7, 8, 9, 10, 11, 12, 13, 14].map((y) => at(12, y)),
    [0, 0, 125, 250, 250, 125, 0, 0],
  );
  assert.deepEqual([at(3, 10), at(2, 10), at(23, 11)], [0, 0, 0]);
});

test('agrees with the distance to every piece, computed for every pixel', () => {
  const points = [
    [3.2, 4.1],
    [9.7, 22.3],
    [24.9, 6.6],
    [40, 30],
  ] as const;
  const image = draw(points, pen);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const [px, py] = [pixel % SIDE, Math.floor(pixel / SIDE)];
    let distance = Infinity;
    for (let i = 0; i + 1 < points.length; i++) {
      const [ax, ay] = points[i]!;
      const [dx, dy] = [points[i + 1]![0] - ax, points[i + 1]![1] - ay];
      const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)));
      distance = Math.min(distance, Math.hypot(px - ax - t * dx, py - ay - t * dy));
    }
    const inside = Math.max(0, Math.min(1, 2 - distance));
    const grey = 250 * inside * inside * (3 - 2 * inside);
    assert.ok(Math.abs(image[pixel]! - grey) <= 0.5001, `pixel ${pixel}: ${image[pixel]} for ${grey}`);
  }
});

test('the taper makes the end of a stroke thicker than its start, grain never leaves the byte range', () => {
  const line = Array.from({ length: 9 }, (_, i) => [3 + 2.7 * i, 14] as const);
  const image = draw(line, { ...pen, taper: 0.9, ink: 255, grain: 60 });
  const inked = (x: number) =>
    Array.from({ length: SIDE }, (_, y) => image[y * SIDE + x]!).filter((v) => v > 0);
  assert.ok(inked(22).length > inked(5).length);
  assert.ok(image[14 * SIDE + 14]! >= 195);
});

test('a path off the paper leaves it blank', () => {
  const image = draw(
    [
      [-40, -40],
      [-30, 60],
    ],
    pen,
  );
  assert.ok(image.every((byte) => byte === 0));
});
