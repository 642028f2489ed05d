import assert from 'node:assert/strict';
import { test } from 'node:test';
import { solveClosed } from '../../../../test/support/closedFixture.js';
import { Random } from '../../../memory/random.js';

/** RBF kernel of points in the unit cube. */
function rbf(n: number, lengthscale: number, d = 3): (i: number, j: number) => number {
  const random = Random.of(5, n);
  const points = Float64Array.from({ length: n * d }, () => random.uniform());
  return (i, j) => {
    let square = 0;
    for (let c = 0; c < d; c++) square += (points[i * d + c]! - points[j * d + c]!) ** 2;
    return Math.exp(-square / (2 * lengthscale ** 2));
  };
}

/** x with (K + λI)x = y in doubles, by a plain Cholesky factorisation; rows are those asked for. */
function plainSolve(
  rows: readonly number[],
  entry: (i: number, j: number) => number,
  regularization: number,
  right: readonly (readonly number[])[],
): number[][] {
  const l = rows.map((i) => rows.map((j) => entry(i, j) + (i === j ? regularization : 0)));
  for (const [i, row] of l.entries()) {
    for (let j = 0; j <= i; j++) {
      let value = row[j]!;
      for (let m = 0; m < j; m++) value -= row[m]! * l[j]![m]!;
      row[j] = i === j ? Math.sqrt(value) : value / l[j]![j]!;
    }
  }
  return right.map((y) => {
    const x = [...y];
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) x[i]! -= l[i]![j]! * x[j]!;
      x[i]! /= l[i]![i]!;
    }
    for (let i = x.length - 1; i >= 0; i--) {
      x[i]! /= l[i]![i]!;
      for (let j = 0; j < i; j++) x[j]! -= l[i]![j]! * x[i]!;
    }
    return x;
  });
}

const all = (n: number) => Array.from({ length: n }, (_, i) => i);

for (const given of [
  { n: 1, tileSize: 16 },
  { n: 7, tileSize: 7 },
  { n: 50, tileSize: 13, factorTile: 16, k: 2 },
  { n: 96, tileSize: 32, factorTile: 32, k: 3 },
  { n: 101, tileSize: 20, factorTile: 24, k: 1, reg: [0.5, 0.01] },
  { n: 150, tileSize: 150, k: 5 },
  { n: 300, tileSize: 289, factorTile: 148, k: 2 },
  { n: 330, tileSize: 100, factorTile: 200, k: 2 },
  { n: 601, tileSize: 601, k: 1 },
  { n: 700, tileSize: 300, factorTile: 300, k: 1 },
]) {
  const { n, tileSize, k = 1, reg = [0.1] } = given;
  test(`solves as a plain Cholesky factorisation: ${JSON.stringify(given)}`, async () => {
    const entry = rbf(n, 0.5);
    const { solution, coefficients, targets, width, matrix, plan } = await solveClosed({ ...given, entry });
    assert.equal(solution.stopped, 'tolerance');
    for (const residual of solution.residuals) assert.ok(residual <= 1e-10, `residual ${residual}`);
    for (const [l, regularization] of reg.entries()) {
      const columns = all(k).map((c) => all(n).map((i) => targets[i * width + l * k + c]!));
      const wanted = plainSolve(all(n), entry, regularization, columns);
      const largest = Math.max(...wanted.flat().map(Math.abs));
      for (let c = 0; c < k; c++)
        for (let i = 0; i < n; i++) {
          const value = coefficients[i * width + l * k + c]!;
          assert.ok(Math.abs(value - wanted[c]![i]!) <= 1e-6 * largest, `row ${i}, column ${c}: ${value}`);
        }
    }
    const tiles = Math.ceil(n / tileSize);
    const parts = plan.notes.some((note) => note.includes('is read')) ? undefined : solution.passes;
    assert.ok(parts === undefined || matrix.tilesServed >= (parts * tiles * (tiles + 1)) / 2);
  });
}
