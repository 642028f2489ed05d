import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandFile, runCli } from '../support/cli.js';
import { assertFlat, soak, soakUnavailable } from '../support/soak.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Of each soak. */
const MINUTES = Number(process.env['MLML_TORTURE_MINUTES'] ?? 1);
const timeout = (MINUTES + 5) * 60_000;

async function digits(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  const made = await runCli(t, ['import', 'digits', '--n=20000', '--nt=500', '--out=data', '--quiet'], {
    cwd: folder,
  });
  assert.equal(made.status, 0, made.stderr);
  return folder;
}

describe(`${MINUTES} minutes without an end: memory stays and no handle is left open`, {
  skip: soakUnavailable,
}, () => {
  test('ssgd, epoch after epoch', { timeout }, async (t) => {
    const cwd = await digits(t);
    const words = ['ssgd', 'data', '--buffer=1', '--epochs=100000', '--loss=softmax', '--quiet'];
    const { samples } = await soak([commandFile, ...words], MINUTES * 60, cwd);
    t.diagnostic(assertFlat(samples));
  });

  test('ssgd on a stored kernel, pass after pass', { timeout }, async (t) => {
    const cwd = await digits(t);
    const kernel = ['--kernel=rbf', '--sigma=5', '--subset=2000', '--buffer=8'];
    const made = await runCli(t, ['generate', 'data', ...kernel, '--quiet'], { cwd });
    const memId = made.stdout.trim().split('\n').at(-1)!;
    const words = [
      'ssgd',
      'data',
      `--memId=${memId}`,
      '--buffer=8',
      '--epochs=100000',
      '--nthreads=2',
      '--quiet',
    ];
    const { samples } = await soak([commandFile, ...words], MINUTES * 60, cwd);
    t.diagnostic(assertFlat(samples));
  });

  test('job after job in one process', { timeout }, async (t) => {
    const cwd = await digits(t);
    const program = fileURLToPath(new URL('../support/soakJobs.js', import.meta.url));
    const { samples } = await soak([program, 'data', cwd], MINUTES * 60, cwd);
    t.diagnostic(assertFlat(samples, true));
  });
});
