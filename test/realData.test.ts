import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allowedBytes } from '../src/run/summary.js';
import { runCli } from './support/cli.js';

const data = process.env['MLML_DATA'];

/** Command line, and what its test accuracy must be: at least, or (with a tolerance) about. */
const figures: readonly (readonly [string, number, number?])[] = [
  ['closed mnist --no-bias --reg=0.1', 0.8534, 0.0002],
  ['closed mnist', 0.8604, 0.0002],
  ['closed mnist --no-bias --reg=0.1 --buffer=2', 0.8534, 0.0002],
  ['closed mnist --buffer=2', 0.8604, 0.0002],
  ['ssgd mnist --buffer=1 --simulated', 0.8554],
  ['ssgd mnist --buffer=1 --loss=softmax --epochs=10', 0.92],
  ['ssgd mnist --loss=softmax', 0.919],
  ['ssgd mnist --loss=logistic', 0.91],
  ['ssgd cifar-10 --loss=softmax --buffer=4', 0.38],
  ['closed cifar-10 --no-bias --buffer=50', 0.35, 0.002],
  ['ssgd cifar-10', 0.38],
  ['ssgd spam', 0.9],
  ['ssgd spam --loss=logistic', 0.93],
];

describe('real data', { skip: data === undefined && 'MLML_DATA is not set' }, () => {
  let cwd = '';
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-real-'));
    for (const name of ['mnist', 'cifar-10', 'spam']) {
      const { status, stderr } = await runCli(t as never, ['import', name], {
        cwd,
        env: { MLML_DATA: data },
      });
      assert.equal(status, 0, stderr);
    }
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  for (const [line, accuracy, tolerance] of figures) {
    const wanted = tolerance === undefined ? `at least ${accuracy}` : `${accuracy} ± ${tolerance}`;
    test(`mlml ${line}: test accuracy ${wanted}`, async (t) => {
      const args = [...line.split(' '), '--json', '--quiet'];
      const { status, stdout, stderr } = await runCli(t, args, { cwd, env: { MLML_DATA: data } });
      assert.equal(status, 0, stderr);
      const result = JSON.parse(stdout);
      const found = result.test.accuracy;
      if (tolerance === undefined) assert.ok(found >= accuracy, `${found}`);
      else assert.ok(Math.abs(found - accuracy) <= tolerance + 1e-9, `${found}`);
      const grown = result.peakRssBytes - result.baselineRssBytes;
      assert.ok(
        grown <= allowedBytes(result.bufferBytes, result.nthreads),
        `${grown} bytes above the baseline with a budget of ${result.bufferBytes}`,
      );
    });
  }
});
