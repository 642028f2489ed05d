import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dtype, dtypeBytes, integerRange, readNumber, writeNumber } from '../arithmetic/dtype.js';
import { Random } from '../memory/random.js';
import { rowLayout } from './rowLayout.js';
import { StatisticsAccumulator } from './statistics.js';

const D = 7;

function encode(rows: readonly (readonly number[])[], dtype: Dtype): Uint8Array {
  const { rowBytes } = rowLayout(D, dtype);
  const bytes = new Uint8Array(rows.length * rowBytes);
  const view = new DataView(bytes.buffer);
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j < D; j++) writeNumber(view, i * rowBytes + j * dtypeBytes[dtype], dtype, row[j]!);
  }
  return bytes;
}

/** Mean first, then squared differences from it. */
function twoPass(rows: readonly (readonly number[])[]) {
  const column = (j: number) => rows.map((row) => row[j]!);
  const mean = Array.from({ length: D }, (_, j) => column(j).reduce((sum, x) => sum + x, 0) / rows.length);
  const variance = mean.map(
    (center, j) => column(j).reduce((sum, x) => sum + (x - center) ** 2, 0) / rows.length,
  );
  const norms = rows.map((row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)));
  return {
    mean,
    variance,
    min: mean.map((_, j) => Math.min(...column(j))),
    max: mean.map((_, j) => Math.max(...column(j))),
    maxRowNorm: Math.max(...norms),
  };
}

function assertNear(found: readonly number[], wanted: readonly number[], tolerance: number): void {
  for (const [j, value] of wanted.entries())
    assert.ok(
      Math.abs(found[j]! - value) <= tolerance * Math.max(1, Math.abs(value)),
      `${found[j]} ≠ ${value}`,
    );
}

for (const dtype of Object.keys(dtypeBytes) as Dtype[]) {
  test(`${dtype}: one pass in uneven batches agrees with two passes`, () => {
    const random = Random.of(5, dtypeBytes[dtype]);
    const range = integerRange(dtype);
    const layout = rowLayout(D, dtype);
    const bytes = encode(
      Array.from({ length: 300 }, () =>
        Array.from({ length: D }, (_, j) => {
          if (j === 0) return 3;
          if (range === undefined) return 100 * j + random.normal();
          return range[0] + random.below(range[1] - range[0] + 1);
        }),
      ),
      dtype,
    );
    // What was stored, after rounding to the dtype.
    const view = new DataView(bytes.buffer);
    const rows = Array.from({ length: 300 }, (_, i) =>
      Array.from({ length: D }, (_, j) =>
        readNumber(view, i * layout.rowBytes + j * dtypeBytes[dtype], dtype),
      ),
    );
    const accumulator = new StatisticsAccumulator(layout);
    for (let from = 0, size = 1; from < 300; from += size, size = Math.min(2 * size + 1, 300 - from))
      accumulator.add(bytes.subarray(from * layout.rowBytes, (from + size) * layout.rowBytes), size);
    const found = accumulator.finish();
    const wanted = twoPass(rows);
    assertNear(found.mean, wanted.mean, 1e-12);
    assertNear(found.variance, wanted.variance, 1e-10);
    assert.deepEqual([found.min, found.max], [wanted.min, wanted.max]);
    assertNear([found.maxRowNorm], [wanted.maxRowNorm], 1e-12);
    assert.equal(found.variance[0], 0);
  });
}

test('a large offset does not drown the variance', () => {
  const layout = rowLayout(D, 'float64');
  const rows = Array.from({ length: 1000 }, (_, i) => new Array<number>(D).fill(1e9 + (i % 2)));
  const accumulator = new StatisticsAccumulator(layout);
  accumulator.add(encode(rows, 'float64'), rows.length);
  assertNear(accumulator.finish().variance, new Array(D).fill(0.25), 1e-9);
});

test('a feature that is not finite is refused with its row over all batches', () => {
  const accumulator = new StatisticsAccumulator(rowLayout(D, 'float32'));
  accumulator.add(encode([new Array(D).fill(1)], 'float32'), 1);
  const rows = [new Array(D).fill(1), [1, 1, NaN, 1, 1, 1, 1]];
  assert.throws(() => accumulator.add(encode(rows, 'float32'), 2), {
    code: 'MLML_BAD_DATA',
    message: 'training row 2, feature 2: NaN is not a finite number',
  });
});
