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

for (const dtype of ['float16', 'float32'] as const) {
  test(`reaches 1e-10 against a kernel stored as ${dtype}`, async () => {
    const { solution, warnings } = await solveClosed({
      n: 200,
      tileSize: 64,
      factorTile: 64,
      k: 3,
      dtype,
      entry: rbf(200, 0.5),
    });
    assert.ok(solution.residuals[0]! <= 1e-10);
    assert.equal(solution.stopped, 'tolerance');
    assert.deepEqual(warnings, []);
  });
}

test('an ill-conditioned system is solved by conjugate gradients with the factor, which is said', async () => {
  const entry = rbf(300, 2);
  // A smooth target, so that coefficients stay small and doubles suffice.
  const target = (i: number) => entry(i, 0) - entry(i, 7);
  const given = { n: 300, tileSize: 100, factorTile: 104, entry, target, reg: [1e-6] };
  const { solution, warnings } = await solveClosed(given);
  assert.ok(solution.residuals[0]! <= 1e-10, `${solution.residuals[0]}`);
  assert.match(warnings.join('\n'), /conjugate gradients preconditioned by the factor/);
});

test('where doubles allow no residual of 1e-10, the solution is as good as that of a factor in doubles', async () => {
  const n = 300;
  const regularization = 1e-6;
  const entry = rbf(n, 2);
  const given = { n, tileSize: 100, factorTile: 104, entry, reg: [regularization] };
  const { solution, warnings, targets, width } = await solveClosed(given);
  const right = all(n).map((i) => targets[i * width]!);
  const x = plainSolve(all(n), entry, regularization, [right])[0]!;
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const residual = right.map((y, i) =>
    x.reduce((rest, value, j) => rest - value * entry(i, j), y - regularization * x[i]!),
  );
  assert.ok(solution.residuals[0]! <= (2 * norm(residual)) / norm(right), `${solution.residuals[0]}`);
  assert.equal(solution.stopped, 'passes');
  assert.match(warnings.join('\n'), /broke down in float32[\s\S]*the residual stays at/);
});

test('a kernel with negative eigenvalues is refused with a --reg that works', async () => {
  const n = 120;
  // tanh(3x − 1) of products of points in [−1, 1]: two eigenvalues are clearly negative.
  const random = Random.of(6);
  const points = Float64Array.from({ length: n }, () => 2 * random.uniform() - 1);
  const entry = (i: number, j: number) => Math.tanh(3 * points[i]! * points[j]! - 1);
  const given = { n, tileSize: 50, factorTile: 56, entry };
  let suggested = 0;
  await assert.rejects(solveClosed(given), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'MLML_NOT_DEFINITE');
    const found = /raise --reg to at least about ([\d.]+)/.exec(error.message);
    suggested = Number(found?.[1]);
    return suggested > 1;
  });
  const { solution } = await solveClosed({ ...given, reg: [suggested] });
  assert.equal(solution.stopped, 'tolerance');
});

test('NaN in the kernel is bad data', async () => {
  const entry = (i: number, j: number) => (i === 5 && j === 5 ? Number.NaN : Number(i === j));
  await assert.rejects(solveClosed({ n: 20, tileSize: 8, entry }), { code: 'MLML_BAD_DATA' });
});

for (const classification of [false, true]) {
  test(`leave-one-out scores are those of refits, ${classification ? 'classes' : 'numbers'}`, async () => {
    const n = 60;
    const k = classification ? 3 : 1;
    const reg = [0.3, 0.01];
    const entry = rbf(n, 0.4);
    const given = { n, tileSize: 24, factorTile: 24, k, reg, entry, classification };
    const { solution, targets, width } = await solveClosed(given);
    const wanted = reg.map((regularization, l) => {
      let sum = 0;
      for (let left = 0; left < n; left++) {
        const others = all(n).filter((i) => i !== left);
        const columns = all(k).map((c) => others.map((i) => targets[i * width + l * k + c]!));
        const scores = plainSolve(others, entry, regularization, columns).map((x) =>
          x.reduce((total, value, i) => total + value * entry(left, others[i]!), 0),
        );
        const truth = all(k).map((c) => targets[left * width + l * k + c]!);
        if (!classification) sum += (scores[0]! - truth[0]!) ** 2;
        else if (truth[scores.indexOf(Math.max(...scores))] === 1) sum++;
      }
      return classification ? sum / n : Math.sqrt(sum / n);
    });
    for (const [l, value] of wanted.entries())
      assert.ok(Math.abs(solution.leaveOneOut![l]! - value) < 1e-5, `${solution.leaveOneOut} ${wanted}`);
    const best = classification ? Math.max(...wanted) : Math.min(...wanted);
    assert.equal(wanted[solution.best], best);
  });
}

test('rows held out take no part and are scored', async () => {
  const n = 90;
  const heldOut = Uint8Array.from({ length: n }, (_, i) => Number(i % 7 === 3 || i === 89));
  const entry = rbf(n, 0.4);
  const given = { n, tileSize: 40, factorTile: 40, k: 2, reg: [0.1, 0.02], entry, heldOut };
  const { solution, coefficients, targets, width } = await solveClosed(given);
  const [taken, out] = [0, 1].map((flag) => all(n).filter((i) => heldOut[i] === flag)) as [
    number[],
    number[],
  ];
  assert.equal(solution.leaveOneOut, undefined);
  for (const [l, regularization] of given.reg.entries()) {
    const columns = all(2).map((c) => taken.map((i) => targets[i * width + l * 2 + c]!));
    const wanted = plainSolve(taken, entry, regularization, columns);
    let mean = 0;
    for (let c = 0; c < 2; c++) {
      let sum = 0;
      const at = (i: number) => i * width + l * 2 + c;
      for (const [place, i] of taken.entries())
        assert.ok(Math.abs(coefficients[at(i)]! - wanted[c]![place]!) < 1e-6);
      for (const i of out) {
        assert.equal(coefficients[at(i)], 0);
        const score = taken.reduce((total, j, place) => total + entry(i, j) * wanted[c]![place]!, 0);
        sum += (score - targets[at(i)]!) ** 2;
      }
      mean += Math.sqrt(sum / out.length) / 2;
    }
    assert.ok(Math.abs(solution.heldOut![l]! - mean) < 1e-6);
  }
});

for (const scale of [1e-25, 1e30]) {
  test(`a kernel of size ${scale} is solved as one of size 1`, async () => {
    const entry = rbf(100, 0.3);
    const given = { n: 100, tileSize: 48, factorTile: 48, k: 2, reg: [0.1], entry };
    const scaled = { ...given, entry: (i: number, j: number) => scale * entry(i, j), reg: [0.1 * scale] };
    const [one, other] = [await solveClosed(given), await solveClosed(scaled)];
    assert.ok(other.solution.residuals[0]! <= 1e-10);
    assert.ok(Math.abs(one.solution.leaveOneOut![0]! - other.solution.leaveOneOut![0]!) < 1e-5);
    const largest = Math.max(...one.coefficients.map(Math.abs));
    for (const [i, value] of one.coefficients.entries())
      assert.ok(Math.abs(other.coefficients[i]! * scale - value) < 1e-8 * largest);
  });
}

test('two threads end in the bits of one', async () => {
  const given = { n: 400, tileSize: 150, factorTile: 152, k: 2, reg: [0.1, 0.01], entry: rbf(400, 0.4) };
  const [one, two] = [await solveClosed(given), await solveClosed({ ...given, threads: 2 })];
  assert.deepEqual(two.coefficients, one.coefficients);
  assert.deepEqual(two.solution, one.solution);
});
