import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../memory/random.js';
import { automaticRate, measureCurvature, type RateRequest, type RowSample } from './calibration.js';

/** A sample of plain rows. */
function sampleOf(rows: readonly (readonly number[])[]): RowSample {
  return {
    rows: rows.length,
    d: rows[0]!.length,
    forEachRow: (visit) => {
      for (const row of rows)
        visit(
          row.reduce((sum, x) => sum + x * x, 0),
          1,
        );
    },
    applySecondMoment: (vector, longest) => {
      const image = new Float64Array(vector.length);
      for (const row of rows) {
        const square = row.reduce((sum, x) => sum + x * x, 0);
        const score = Math.min(1, longest / square) * row.reduce((sum, x, j) => sum + x * vector[j]!, 0);
        for (const [j, x] of row.entries()) image[j]! += (score * x) / rows.length;
      }
      vector.set(image);
    },
  };
}

const request: RateRequest = {
  optimizer: 'sgd',
  lossCurvature: 1,
  batch: 1,
  momentum: 0,
  bias: false,
  decay: 0,
  d: 3,
  scale: 1,
};

test('power iteration finds the largest eigenvalue of the second moments', () => {
  const random = Random.of(1);
  const rows = Array.from({ length: 4000 }, () => [
    3 * random.normal(),
    random.normal(),
    0.5 * random.normal(),
  ]);
  const { eigenvalue, norm } = measureCurvature(sampleOf(rows), new Float64Array(3));
  assert.ok(Math.abs(eigenvalue - 9) < 0.5, `${eigenvalue}`);
  // For normal features E‖x‖⁴ = (tr S)² + 2·tr S².
  assert.ok(Math.abs(norm - (10.25 ** 2 + 2 * (81 + 1 + 0.0625)) / 10.25) < 1.5, `${norm}`);
});

test('rows of zeros give a rate all the same', () => {
  const curvature = measureCurvature(sampleOf([[0, 0, 0]]), new Float64Array(3));
  assert.deepEqual(curvature, {
    norm: 0,
    eigenvalue: 0,
    rows: 1,
    longRows: 0,
    meanWeight: 1,
    largeWeight: 1,
  });
  for (const optimizer of ['sgd', 'nesterov', 'adagrad', 'adam'] as const) {
    const { eta0 } = automaticRate(curvature, { ...request, optimizer });
    assert.ok(eta0 > 0 && Number.isFinite(eta0));
  }
});

test('the rate is a quarter of the bound, and momentum is divided out', () => {
  const curvature = { norm: 10, eigenvalue: 2, rows: 100, longRows: 0, meanWeight: 1, largeWeight: 1 };
  assert.ok(Math.abs(automaticRate(curvature, request).eta0 - 0.05) < 1e-12);
  assert.ok(Math.abs(automaticRate(curvature, { ...request, momentum: 0.9 }).eta0 - 0.005) < 1e-12);
  assert.ok(Math.abs(automaticRate(curvature, { ...request, batch: 6 }).eta0 - 3 / 20) < 1e-12);
  assert.ok(Math.abs(automaticRate(curvature, { ...request, lossCurvature: 0.5 }).eta0 - 0.1) < 1e-12);
});
