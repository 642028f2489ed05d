// Cross-validation on real data, against scikit-learn on the same folds.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RowFolds } from '../src/data/rowFolds.js';
import type { CrossValidationLine } from '../src/run/summary.js';
import { runCli } from './support/cli.js';
import { root } from './support/root.js';

const data = process.env['MLML_DATA'];
/** Made by test/reference/folds.py. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/folds.json'), 'utf8'));

test('the folds of a few lines of NumPy', () => {
  const folds = new RowFolds(reference.folds, reference.seed);
  assert.deepEqual(
    reference.first.map((_: number, row: number) => folds.foldOf(row)),
    reference.first,
  );
});

describe('real data, with the folds of cross_val_score', {
  skip: data === undefined && 'MLML_DATA is not set',
}, () => {
  let cwd = '';
  const cli = async (t: unknown, line: string) => {
    const env = { MLML_DATA: data };
    const { status, stdout, stderr } = await runCli(t as never, [...line.split(' '), '--json', '--quiet'], {
      cwd,
      env,
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-folds-'));
    const imports = {
      housing: `import ${data}/housing/housing.csv --label=median_house_value --out=housing`,
      spam: 'import spam --out=spam',
    };
    for (const [name, line] of Object.entries(imports)) {
      const { fingerprint } = await cli(t, line);
      assert.equal(
        fingerprint,
        reference[name].fingerprint,
        'the rows are not those of the reference figures',
      );
    }
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  const near = (found: number, wanted: number, tolerance: number) =>
    assert.ok(Math.abs(found / wanted - 1) <= tolerance, `${found}, and ${wanted} there`);

  /** Compares the figures of a run with those of scikit-learn. */
  function compare(line: CrossValidationLine, wanted: object, tolerance: number) {
    for (const [name, { folds, mean, std }] of Object.entries(wanted) as [
      keyof CrossValidationLine['mean'],
      {
        folds: number[];
        mean: number;
        std: number;
      },
    ][]) {
      for (const [fold, value] of folds.entries()) near(line.folds![fold]![name], value, tolerance);
      near(line.mean![name], mean, tolerance);
      // A deviation is a difference: its digits are those of the figures.
      assert.ok(Math.abs(line.deviation![name] - std) <= 2 * tolerance * Math.abs(mean));
    }
    assert.equal(line.folds!.length, reference.folds);
  }

  const options = `--folds=${reference.folds} --seed=${reference.seed} --reg=1`;
  const { fingerprint: _, rows: __, ...housing } = reference.housing;
  const { accuracy } = reference.spam;

  test('closed housing: the figures of Ridge', async (t) => {
    const { crossValidation } = await cli(t, `closed housing ${options}`);
    compare(crossValidation[0], housing, 1e-9);
  });
  test('closed spam: the accuracies of RidgeClassifier', async (t) => {
    const { crossValidation } = await cli(t, `closed spam ${options}`);
    compare(crossValidation[0], { accuracy }, 1e-12);
  });
  test('ssgd housing, through the disk: within a hundredth', async (t) => {
    const { crossValidation } = await cli(
      t,
      `ssgd housing ${options} --epochs=20 --buffer=0.2 --eta0=0.001 --batch=64 --schedule=linear`,
    );
    compare(crossValidation[0], housing, 0.01);
  });
  test('ssgd spam: within a hundredth', async (t) => {
    const { crossValidation } = await cli(t, `ssgd spam ${options} --loss=ridge --epochs=40`);
    compare(crossValidation[0], { accuracy }, 0.015);
  });
  test('a sweep finds the penalty that closed finds best', async (t) => {
    const values = [0.1, 1000, 100_000];
    const { crossValidation } = await cli(
      t,
      `ssgd housing ${options} --epochs=10 --sweep reg=${values.join()}`,
    );
    const exact: number[] = [];
    for (const reg of values) {
      const one = await cli(
        t,
        `closed housing --folds=${reference.folds} --seed=${reference.seed} --reg=${reg}`,
      );
      exact.push(one.crossValidation[0].mean.rmse);
    }
    assert.equal(crossValidation[0].options.reg, values[exact.indexOf(Math.min(...exact))]);
    assert.equal(crossValidation.at(-1).options.reg, values[exact.indexOf(Math.max(...exact))]);
  });
});
