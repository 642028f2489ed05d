import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChosenRows } from './chosenRows.js';

const ROWS = 100_000;
const ROW_BYTES = 8;

/** Rows that hold their number; tells what memory reads went to, and how many with gaps were under way. */
function numberedRows() {
  const read = (target: Uint8Array, first: number, count: number) => {
    const numbers = new Float64Array(count).map((_, i) => first + i);
    target.set(new Uint8Array(numbers.buffer));
  };
  const targets = new Set<ArrayBufferLike>();
  return {
    targets,
    layout: { rowBytes: ROW_BYTES },
    readRows: async (target: Uint8Array, first: number, count: number) => {
      targets.add(target.buffer);
      await new Promise((resolve) => setImmediate(resolve));
      read(target, first, count);
    },
    readRowsNow: (target: Uint8Array, first: number, count: number) => {
      targets.add(target.buffer);
      read(target, first, count);
    },
  };
}

/** Runs of two rows and gaps of five: some are read in one piece, most over gaps. */
const numberOf = (position: number) => 7 * (position >> 1) + (position & 1);

test('many reads at once give their rows, in two windows at most', async () => {
  const file = numberedRows();
  const chosen = new ChosenRows(file, numberOf);
  const wanted = (from: number, count: number) => Array.from({ length: count }, (_, i) => numberOf(from + i));
  const arena = new Uint8Array(ROW_BYTES * ROWS);
  const reads = Array.from({ length: 40 }, (_, i) => ({ from: 500 * i, count: 1 + 37 * i }));
  let at = 0;
  const targets = reads.map(({ count }) => {
    const target = arena.subarray(at, at + ROW_BYTES * count);
    at += ROW_BYTES * count;
    return target;
  });
  const numbersIn = (target: Uint8Array) => [...new Float64Array(target.slice().buffer)];
  const waiting = Promise.all(reads.map(({ from, count }, i) => chosen.readRows(targets[i]!, from, count)));
  const between = new Uint8Array(ROW_BYTES * 900);
  chosen.readRowsNow(between, 11, 900);
  await waiting;
  for (const [i, { from, count }] of reads.entries())
    assert.deepEqual(numbersIn(targets[i]!), wanted(from, count));
  assert.deepEqual(numbersIn(between), wanted(11, 900));
  file.targets.delete(arena.buffer);
  file.targets.delete(between.buffer);
  assert.ok(file.targets.size <= 2, `${file.targets.size} windows`);
});

test('a read that fails is its own failure', async () => {
  const file = numberedRows();
  let calls = 0;
  const failing = {
    ...file,
    readRows: async (target: Uint8Array, first: number, count: number) => {
      if (++calls === 1) throw new Error('cannot be read');
      await file.readRows(target, first, count);
    },
  };
  const chosen = new ChosenRows(failing, numberOf);
  const [first, second] = [new Uint8Array(ROW_BYTES * 10), new Uint8Array(ROW_BYTES * 10)];
  const reads = await Promise.allSettled([chosen.readRows(first, 0, 10), chosen.readRows(second, 10, 10)]);
  assert.deepEqual(
    reads.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  assert.equal(new Float64Array(second.buffer)[9], numberOf(19));
});
