import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rowsOf } from '../../test/support/kernelRidge.js';
import { makeDataset } from '../../test/support/tinyDataset.js';
import { scalingNames } from '../data/scaling.js';
import { Random } from '../memory/random.js';
import { geometryOf } from './rowGeometry.js';

test('no training row is longer than the bounds, as it is or less the mean', async () => {
  const value = {
    uint8: fc.integer({ min: 0, max: 255 }),
    float64: fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  };
  for (const dtype of ['uint8', 'float64'] as const) {
    const rows = fc.array(fc.array(value[dtype], { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(...scalingNames), async (features, scale) => {
        const train = { features, labels: features.map((_, i) => i % 2) };
        const dataset = await makeDataset({ train, k: 2, dtype });
        const { maxNorm, maxCentredNorm, mean } = geometryOf(dataset, scale);
        for (const row of (await rowsOf(dataset, 'train', scale)).features) {
          const norm = Math.hypot(...row);
          const centred = Math.hypot(...row.map((x, j) => x - mean[j]!));
          assert.ok(norm <= maxNorm * (1 + 1e-9) + 1e-9, `${norm} above ${maxNorm}`);
          assert.ok(centred <= maxCentredNorm * (1 + 1e-9) + 1e-9, `${centred} above ${maxCentredNorm}`);
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  }
});

/** 0 or 1, a tenth of them 1. */
async function sparse() {
  const random = Random.of(3);
  const features = Array.from({ length: 40 }, () =>
    Array.from({ length: 400 }, () => (random.below(10) === 0 ? 1 : 0)),
  );
  return await makeDataset({ train: { features, labels: features.map((_, i) => i % 2) }, dtype: 'float32' });
}

test('sparse rows are bounded by the longest of them', async () => {
  const { description } = await sparse();
  const { maxNorm, maxCentredNorm, mean } = geometryOf({ description }, 'none');
  const { maxRowNorm } = description.statistics;
  // The corner of the box is at 20.
  assert.ok(maxRowNorm < 8);
  assert.equal(maxNorm, maxRowNorm);
  assert.ok(Math.abs(maxCentredNorm - Math.hypot(maxRowNorm, ...mean)) < 1e-9);
  assert.ok(maxCentredNorm < 9);
  // Features of several factors know their box only.
  assert.ok(geometryOf({ description }, 'standard').maxNorm > 20);
});
