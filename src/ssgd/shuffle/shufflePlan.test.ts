import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MlmlError } from '../../errors.js';
import { layOut } from '../../memory/plan.js';
import { shuffleNames } from '../options.js';
import { minimumShuffleBytes, planShuffle, type ShuffleRequest } from './shufflePlan.js';

const sizes = fc.record({
  algo: fc.constantFrom(...shuffleNames),
  reshuffle: fc.constantFrom('epoch' as const, 'once' as const),
  rows: fc.integer({ min: 1, max: 20_000_000 }),
  rowBytes: fc.integer({ min: 1, max: 70_000 }),
  epochs: fc.integer({ min: 1, max: 9 }),
  cacheBytes: fc.constantFrom(0, 1e6, 2 ** 31),
});

function code(error: unknown): string | undefined {
  return error instanceof MlmlError ? error.code : undefined;
}

test('a plan fits in the memory given, from the minimum up', () => {
  fc.assert(
    fc.property(sizes, fc.double({ min: 1, max: 1000, noNaN: true }), (request, factor) => {
      const bytes = Math.min(3e9, Math.floor(minimumShuffleBytes(request) * factor));
      const plan = planShuffle({ ...request, bytes });
      const { totalBytes } = layOut(plan.regions);
      // The first 64 and the last 16 bytes of an arena are the caller's.
      assert.ok(totalBytes - 80 <= bytes, `${totalBytes} of ${bytes}`);
      assert.ok(plan.regions.every(({ name, bytes }) => name.startsWith('shuffle ') && bytes > 0));
      assert.ok(Number.isSafeInteger(plan.bytesRead) && Number.isSafeInteger(plan.bytesWritten));
      assert.ok(plan.capacity >= 1 && plan.segmentRows >= 1);
    }),
    { numRuns: 300 },
  );
});

test('one byte less than the minimum is refused, naming the minimum', () => {
  fc.assert(
    fc.property(sizes, (request) => {
      const minimum = minimumShuffleBytes(request);
      planShuffle({ ...request, bytes: minimum });
      assert.throws(
        () => planShuffle({ ...request, bytes: minimum - 1 }),
        (error) =>
          code(error) === 'MLML_BUDGET_TOO_SMALL' && String(error).includes(`at least ${minimum} bytes`),
      );
    }),
    { numRuns: 100 },
  );
});

const mnist: ShuffleRequest = {
  algo: 'external_shuffle',
  reshuffle: 'epoch',
  rows: 60_000,
  rowBytes: 785,
  epochs: 3,
  bytes: 650_000,
};

test('rows that fit are kept in memory by every algorithm', () => {
  for (const algo of shuffleNames) {
    const plan = planShuffle({ ...mnist, algo, bytes: 48e6 });
    assert.equal(plan.kind, 'memory');
    assert.equal(plan.bytesRead, 60_000 * 785);
    assert.equal(plan.scratchBytes, 0);
  }
});

test('a small buffer: one level, exact traffic, little more scratch than data', () => {
  const plan = planShuffle(mnist);
  const data = 60_000 * 785;
  assert.equal(plan.kind, 'scatter');
  assert.equal(plan.levels.length, 1);
  assert.equal(plan.direct, false);
  assert.equal(plan.bytesRead, 4 * data);
  assert.equal(plan.bytesWritten, 3 * data);
  assert.ok(plan.scratchBytes < 1.25 * data, `${plan.scratchBytes}`);
  assert.equal(planShuffle({ ...mnist, reshuffle: 'once' }).bytesWritten, data);
});

test('a smaller buffer: two levels, twice the traffic', () => {
  const plan = planShuffle({ ...mnist, bytes: 400_000 });
  const data = 60_000 * 785;
  assert.equal(plan.levels.length, 2);
  assert.equal(plan.bytesRead, 7 * data);
  assert.equal(plan.bytesWritten, 6 * data);
});

test('large scratch bypasses the page cache in large whole pages', () => {
  const plan = planShuffle({ ...mnist, rows: 5_095_541, bytes: 64e6 });
  assert.equal(plan.direct, true);
  assert.equal(plan.levels.length, 1);
  const [level] = plan.levels;
  assert.ok(level!.chunkBytes >= 65536);
  for (const bytes of [level!.chunkBytes, level!.slotBytes, level!.extentBytes])
    assert.equal(bytes % 4096, 0);
  assert.equal(planShuffle({ ...mnist, rows: 1_000_000, bytes: 64e6 }).direct, false);
  assert.equal(planShuffle({ ...mnist, rows: 1_000_000, bytes: 64e6, cacheBytes: 5e8 }).direct, true);
});

test('a budget beyond what an arena can hold is not used up', () => {
  const plan = planShuffle({ ...mnist, rows: 10_000_000, bytes: 7e9 });
  assert.equal(plan.kind, 'scatter');
  assert.ok(layOut(plan.regions).totalBytes < 4 * 2 ** 30);
});

test('no rows, no epochs and too many rows are refused', () => {
  for (const wrong of [{ rows: 0 }, { epochs: 0 }, { rows: 2 ** 32 }]) {
    assert.throws(
      () => planShuffle({ ...mnist, ...wrong }),
      (error) => code(error) === 'MLML_USAGE',
    );
  }
});
