import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFile, runCli } from './support/cli.js';
import { assertFlat, soak, soakUnavailable } from './support/soak.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/** Long enough to see a leak of an epoch's size; the long suite (test/torture/soak.test.ts) takes as long as it is told. */
const SECONDS = 8;

test('ssgd, epoch after epoch: memory stays and no handle is left open', {
  skip: soakUnavailable,
}, async (t) => {
  const cwd = temporaryFolder(t);
  const made = await runCli(t, ['import', 'digits', '--n=3000', '--nt=100', '--out=data', '--quiet'], {
    cwd,
  });
  assert.equal(made.status, 0, made.stderr);
  const words = ['ssgd', 'data', '--buffer=0.6', '--epochs=100000', '--quiet', '--nthreads=1'];
  const { samples } = await soak([commandFile, ...words], SECONDS, cwd);
  t.diagnostic(assertFlat(samples));
});
