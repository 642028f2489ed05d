import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChosenRows } from './chosenRows.js';
import { RowSample } from './rowSample.js';

const numbersOf = (sample: RowSample) => Array.from({ length: sample.size }, (_, i) => sample.rowAt(i));

const sizes = fc
  .record({ rows: fc.integer({ min: 1, max: 5000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ rows, share }) => ({ rows, size: Math.max(1, Math.round(share * rows)) }));

test('a sample has exactly as many different rows as were asked for, rising, and finds each by its place', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), ({ rows, size }, seed) => {
      const numbers = numbersOf(new RowSample(rows, size, seed));
      assert.ok(numbers.every((row, i) => row < rows && (i === 0 ? row >= 0 : row > numbers[i - 1]!)));
      // From any place, also backwards.
      const again = new RowSample(rows, size, seed);
      for (let i = size - 1; i >= 0; i -= 1 + Math.floor(size / 50)) assert.equal(again.rowAt(i), numbers[i]);
    }),
    { numRuns: 100 },
  );
});

test('the rows of a seed stay what they are', () => {
  assert.deepEqual(numbersOf(new RowSample(1000, 10, 7)), [111, 139, 200, 219, 236, 282, 612, 775, 830, 904]);
});

for (const [rows, size] of [
  [10, 3],
  [700, 500],
  [5000, 20],
] as const)
  test(`every row of ${rows} is in a sample of ${size} equally often`, () => {
    const draws = Math.ceil((400 * rows) / size);
    const counts = new Array<number>(rows).fill(0);
    for (let seed = 0; seed < draws; seed++)
      for (const row of numbersOf(new RowSample(rows, size, seed))) counts[row]!++;
    const [mean, share] = [(draws * size) / rows, size / rows];
    const most = 5.5 * Math.sqrt(draws * share * (1 - share));
    for (const [row, count] of counts.entries())
      assert.ok(Math.abs(count - mean) <= most, `row ${row}: ${count} of ${draws} draws, ${mean} expected`);
  });

test('a file sorted by class is sampled as its classes are', () => {
  // Classes of 50 000, 30 000, 19 000 and 1000 rows, one behind the other.
  const ends = [50_000, 80_000, 99_000, 100_000];
  const counts = [0, 0, 0, 0];
  for (const row of numbersOf(new RowSample(100_000, 1000, 3))) counts[ends.findIndex((end) => row < end)]!++;
  for (const [c, expected] of [500, 300, 190, 10].entries())
    assert.ok(Math.abs(counts[c]! - expected) <= 8, `class ${c}: ${counts[c]} of 1000`);
});

test('rows of billions of rows are numbered exactly', () => {
  const [rows, size] = [2 ** 45, 3_000_001];
  const sample = new RowSample(rows, size, 1);
  for (const i of [0, 1, 1_500_000, size - 1]) {
    const expected = ((i + 0.5) / size) * rows;
    assert.ok(Math.abs(sample.rowAt(i) - expected) < (20 * rows) / size, `row ${i}: ${sample.rowAt(i)}`);
  }
  assert.ok(sample.rowAt(size - 1) < rows);
});

/** Rows that hold their number, and tell what was asked for. */
function numbered(rowBytes: number, rows: number) {
  const asked = { requests: 0, rows: 0 };
  const readRowsNow = (target: Uint8Array, firstRow: number, count: number) => {
    assert.ok(firstRow + count <= rows && target.length >= count * rowBytes);
    asked.requests++;
    asked.rows += count;
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    for (let i = 0; i < count; i++) view.setFloat64(i * rowBytes, firstRow + i);
  };
  const readRows = async (target: Uint8Array, firstRow: number, count: number) => {
    await Promise.resolve();
    readRowsNow(target, firstRow, count);
  };
  return { layout: { rowBytes }, readRows, readRowsNow, asked };
}

test('chosen rows are read in their order, whatever their length and their gaps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(8, 100, 5000, 40_000, 200_000),
      fc.array(fc.nat(400), { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      async (rowBytes, given, sorted) => {
        const numbers = sorted ? [...new Set(given)].sort((a, b) => a - b) : given;
        const chosen = new ChosenRows(numbered(rowBytes, 401), (i) => numbers[i]!);
        const from = numbers.length >> 2;
        const count = numbers.length - from;
        for (const now of [true, false]) {
          const target = new Uint8Array(count * rowBytes);
          if (now) chosen.readRowsNow(target, from, count);
          else await chosen.readRows(target, from, count);
          const view = new DataView(target.buffer);
          for (let i = 0; i < count; i++) assert.equal(view.getFloat64(i * rowBytes), numbers[from + i]);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a thin choice is read row by row, a dense one in long pieces, and neither reads much twice', async () => {
  const reads = async (step: number) => {
    const file = numbered(1000, 1e6);
    const chosen = new ChosenRows(file, (i) => i * step);
    await chosen.readRows(new Uint8Array(1000 * 2000), 0, 2000);
    return file.asked;
  };
  assert.deepEqual(await reads(100), { requests: 2000, rows: 2000 });
  const dense = await reads(5);
  assert.ok(dense.requests < 100 && dense.rows < 5 * 2000, `${dense.requests} requests, ${dense.rows} rows`);
});

test('a failure is passed on when all requests have ended', async () => {
  let under = 0;
  const file = {
    layout: { rowBytes: 8 },
    readRowsNow: () => assert.fail('not asked for'),
    async readRows(_: Uint8Array, firstRow: number) {
      under++;
      await new Promise((resolve) => setTimeout(resolve, firstRow === 0 ? 0 : 5));
      under--;
      if (firstRow === 0) throw new Error('no such row');
    },
  };
  const chosen = new ChosenRows(file, (i) => i * 10_000);
  await assert.rejects(chosen.readRows(new Uint8Array(800), 0, 100), /no such row/);
  assert.equal(under, 0);
});
