import assert from 'node:assert/strict';
import { test } from 'node:test';
import { glyphs } from './glyphs.js';
import { PenPath } from './penPath.js';
import { SampleRandom } from './sampleRandom.js';

test('each digit has at least four variants inside the square, each stroke with two points or more', () => {
  assert.equal(glyphs.length, 10);
  for (const [digit, variants] of glyphs.entries()) {
    assert.ok(variants.length >= 4);
    for (const glyph of variants) {
      assert.equal(glyph.digit, digit);
      const coordinates = [...glyph.x, ...glyph.y];
      assert.ok(coordinates.every((value) => value >= 0 && value <= 100));
      const strokes = [...glyph.lift].join('').split('1').slice(0, -1);
      assert.ok(strokes.length >= 1 && strokes.every((stroke) => stroke.length >= 1));
      assert.equal(glyph.lift.at(-1), 1);
    }
  }
});

test('a path without wobble passes through every point of its glyph and keeps its strokes', () => {
  const path = new PenPath();
  const random = new SampleRandom();
  for (const glyph of glyphs.flat()) {
    path.trace(glyph, random, 0);
    const near = (x: number, y: number) => {
      for (let i = 0; i < path.length; i++) {
        if (Math.hypot(path.x[i]! - x, path.y[i]! - y) < 1e-9) return true;
      }
      return false;
    };
    for (let i = 0; i < glyph.x.length; i++) assert.ok(near(glyph.x[i]!, glyph.y[i]!), `point ${i}`);
    const lifts = path.lift.subarray(0, path.length).reduce((sum, lift) => sum + lift, 0);
    assert.equal(
      lifts,
      glyph.lift.reduce((sum, lift) => sum + lift, 0),
    );
  }
});

test('a corner is reached along a straight line', () => {
  const path = new PenPath();
  path.trace(
    {
      digit: 1,
      x: Float64Array.of(0, 40, 40),
      y: Float64Array.of(0, 0, 40),
      corner: Uint8Array.of(0, 1, 0),
      lift: Uint8Array.of(0, 0, 1),
    },
    new SampleRandom(),
    0,
  );
  for (let i = 0; i < path.length; i++) assert.ok(path.y[i] === 0 || path.x[i] === 40);
});
