import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from './support/cli.js';
import { root } from './support/root.js';

const data = process.env['MLML_DATA'];
/** Made by test/reference/housing.py. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/housing.json'), 'utf8'));

describe('a table of houses, imported and learnt', {
  skip: data === undefined && 'MLML_DATA is not set',
}, () => {
  let cwd = '';
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-housing-'));
    const args = [
      'import',
      `${data}/housing/housing.csv`,
      '--label',
      'median_house_value',
      '--out=housing',
      '--json',
    ];
    const { status, stdout, stderr } = await runCli(t as never, args, { cwd });
    assert.equal(status, 0, stderr);
    const { n, nt, d, task, fingerprint } = JSON.parse(stdout);
    assert.deepEqual([n, nt, d, task], [reference.train, reference.test, 13, 'regression']);
    assert.equal(fingerprint, reference.fingerprint, 'the rows are not those of the reference figures');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  for (const [line, name] of [
    ['closed housing --reg=1', 'ridge'],
    ['ssgd housing --loss=ridge --reg=1 --epochs=10', 'ridge'],
    [
      `krr housing --kernel=rbf --sigma=5 --reg=0.01 --subset=${reference.kernelRows} --sample=first --buffer=60`,
      'kernelRidge',
    ],
  ] as const)
    test(`mlml ${line}: the error of scikit-learn on the same rows`, async (t) => {
      const { status, stdout, stderr } = await runCli(t, [...line.split(' '), '--json', '--quiet'], { cwd });
      assert.equal(status, 0, stderr);
      const { rmse } = JSON.parse(stdout).test;
      assert.ok(Math.abs(rmse / reference[name] - 1) < 0.01, `${rmse}, and ${reference[name]} there`);
    });
});
