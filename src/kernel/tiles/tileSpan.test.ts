import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowerTriangle, rowOfTile, tileNumber } from './kernelMatrix.js';
import {
  lengthAmongFirst,
  spanLength,
  spansLength,
  type TileSpan,
  tilesOfSpans,
  tilesOfSpansBack,
  triangleSpan,
} from './tileSpan.js';

const place = fc.integer({ min: 0, max: 12 });
const spans = fc.record({ firstRow: place, endRow: place, firstColumn: place, endColumn: place });

/** Told from its definition. */
function* tilesIn({ firstRow, endRow, firstColumn, endColumn }: TileSpan) {
  for (const { row, column } of lowerTriangle(12, 1))
    if (firstRow <= row && row < endRow && firstColumn <= column && column < endColumn) yield { row, column };
}

test('tiles of spans, forth and back, and how many there are', () => {
  fc.assert(
    fc.property(fc.array(spans, { maxLength: 3 }), (some) => {
      const wanted = some.flatMap((span) => [...tilesIn(span)]);
      assert.deepEqual([...tilesOfSpans(some)], wanted);
      assert.deepEqual([...tilesOfSpansBack(some)], wanted.toReversed());
      assert.equal(spansLength(some), wanted.length);
    }),
    { numRuns: 500, seed: 1 },
  );
  assert.deepEqual([...tilesOfSpans([triangleSpan(5)])], [...lowerTriangle(5, 1)]);
});

test('tiles of a span among the first of the triangle', () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 0, max: 78 }), (span, count) => {
      const wanted = [...tilesIn(span)].filter((index) => tileNumber(index) < count);
      assert.equal(lengthAmongFirst(span, count), wanted.length);
    }),
    { numRuns: 2000, seed: 2 },
  );
});

test('the tile row of a tile, as far as numbers go, and counts of billions of tiles', () => {
  for (const row of [0, 1, 2, 3, 1000, 62_499, 10 ** 6, 9 * 10 ** 7]) {
    const first = tileNumber({ row, column: 0 });
    assert.deepEqual([rowOfTile(first), rowOfTile(first + row)], [row, row]);
  }
  const rows = 62_500;
  assert.equal(spanLength(triangleSpan(rows)), (rows * (rows + 1)) / 2);
  assert.equal(lengthAmongFirst(triangleSpan(rows), 1_234_567_890), 1_234_567_890);
});
