import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptRows } from './keptRows.js';
import { rowLayout } from './rowLayout.js';
import { RowSelection } from './rowSelection.js';

const sizes = fc
  .record({
    rows: fc.integer({ min: 2, max: 3000 }),
    share: fc.double({ min: 0, max: 0.95, noNaN: true }),
    seed: fc.nat(),
  })
  .map(({ rows, share, seed }) => ({ rows, held: Math.min(rows - 1, Math.round(share * rows)), seed }));

test('exactly as many rows are held out as were asked for, and kept rows are found by their place', () => {
  fc.assert(
    fc.property(sizes, ({ rows, held, seed }) => {
      const selection = new RowSelection(rows, held, seed);
      const kept: number[] = [];
      for (let row = 0; row < rows; row++) if (!selection.isHeld(row)) kept.push(row);
      assert.equal(kept.length, rows - held);
      for (const [position, row] of kept.entries()) assert.equal(selection.keptRow(position), row);
    }),
    { numRuns: 100 },
  );
});

test('every 256 rows in a row have their share, to one row; another seed chooses others', () => {
  const [first, second] = [new RowSelection(100_000, 10_000, 1), new RowSelection(100_000, 10_000, 2)];
  let both = 0;
  for (let from = 0; from + 256 <= 100_000; from += 256) {
    let held = 0;
    for (let row = from; row < from + 256; row++) {
      if (first.isHeld(row)) held++;
      if (first.isHeld(row) && second.isHeld(row)) both++;
    }
    assert.ok(held === 25 || held === 26, `${held} of 256`);
  }
  // Independent choices agree on a hundredth of the rows.
  assert.ok(both > 850 && both < 1150, `${both}`);
});

test('the literal choice for a seed', () => {
  const selection = new RowSelection(40, 8, 7);
  const held = Array.from({ length: 40 }, (_, row) => row).filter((row) => selection.isHeld(row));
  assert.deepEqual(held, [4, 5, 8, 9, 16, 23, 27, 28]);
});

test('rows beyond 2^32 bytes of products: the last row of four billion', () => {
  const rows = 4e9;
  const selection = new RowSelection(rows, 399_999_999, 3);
  assert.equal(selection.keptRow(0) < 256, true);
  const last = selection.keptRow(selection.kept - 1);
  assert.ok(last < rows && last >= rows - 256);
  assert.equal(selection.isHeld(last), false);
});

/** A file whose row i is the number i. */
function numbered(rows: number) {
  const layout = rowLayout(1, 'float32', 'float32');
  let reads = 0;
  let bytes = 0;
  return {
    layout,
    rows,
    traffic: () => ({ reads, bytes }),
    async readRows(target: Uint8Array, firstRow: number, count: number) {
      assert.ok(firstRow >= 0 && count >= 0 && firstRow + count <= rows);
      assert.ok(target.byteLength >= count * layout.rowBytes, 'reads fit their target');
      reads++;
      bytes += count * layout.rowBytes;
      const view = new DataView(target.buffer, target.byteOffset);
      for (let i = 0; i < count; i++) view.setFloat64(i * layout.rowBytes, firstRow + i, true);
    },
  };
}

test('kept rows are read like a file without the others, from anywhere, into a target just as long', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async ({ rows, held, seed }, a, b) => {
      const selection = new RowSelection(rows, held, seed);
      const kept = new KeptRows(numbered(rows), selection);
      const first = a % kept.rows;
      const count = b % (kept.rows - first + 1);
      const target = new Uint8Array(count * kept.layout.rowBytes);
      await kept.readRows(target, first, count);
      const view = new DataView(target.buffer);
      for (let i = 0; i < count; i++) {
        assert.equal(view.getFloat64(i * kept.layout.rowBytes, true), selection.keptRow(first + i));
      }
    }),
    { numRuns: 200 },
  );
});

test('a large read is a few reads, and no row is read twice', async () => {
  const file = numbered(100_000);
  const kept = new KeptRows(file, new RowSelection(100_000, 10_000, 1));
  await kept.readRows(new Uint8Array(kept.rows * kept.layout.rowBytes), 0, kept.rows);
  const { reads, bytes } = file.traffic();
  assert.ok(reads <= 8, `${reads} reads`);
  assert.ok(bytes <= 100_000 * kept.layout.rowBytes);
});
