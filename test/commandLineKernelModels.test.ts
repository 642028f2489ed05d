import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from './support/cli.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/** Runs a command line that must succeed in `cwd`. */
async function run(t: TestContext, cwd: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runCli(t, args, { cwd });
  assert.equal(status, 0, `mlml ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Runs one that must fail with one line on stderr. */
async function fails(t: TestContext, cwd: string, wanted: RegExp, ...args: string[]): Promise<string> {
  const { status, stderr } = await runCli(t, args, { cwd });
  assert.notEqual(status, 0);
  assert.match(stderr, wanted);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  return stderr;
}

test('a kernel model on the command line: predict, evaluate, info, in little memory, damaged, without its data', async (t) => {
  const cwd = temporaryFolder(t);
  await run(t, cwd, 'import', 'digits', '--n=400', '--nt=100', '--out=small', '--quiet');
  const train = ['small', '--kernel=rbf', '--sigma=5', '--buffer=8', '--nthreads=1', '--quiet'];
  const trained = JSON.parse(await run(t, cwd, 'cg', ...train, '--out=refers', '--json'));
  await run(t, cwd, 'cg', ...train, '--out=copied', '--copy-rows');

  const evaluate = ['evaluate', 'refers', 'small', '--json', '--nthreads=1'];
  const whole = JSON.parse(await run(t, cwd, ...evaluate));
  assert.equal(whole.accuracy, trained.test.accuracy);
  const refused = await fails(
    t,
    cwd,
    /^MLML_BUDGET_TOO_SMALL: .*needs at least/,
    ...evaluate,
    '--buffer=0.05',
  );
  const least = /needs at least ([0-9.]+) MB/.exec(refused)![1];
  const little = JSON.parse(await run(t, cwd, ...evaluate, `--buffer=${least}`));
  assert.equal(little.accuracy, whole.accuracy);
  assert.ok(Math.abs(little.loss - whole.loss) < 1e-9);

  const predicted = await run(t, cwd, 'predict', 'refers', 'small', '--quiet');
  const classes = predicted.trim().split('\n').slice(1);
  assert.equal(classes.length, 100);
  assert.equal(
    await run(t, cwd, 'predict', 'copied', 'small', '--quiet', '--nthreads=1', `--buffer=${least}`),
    predicted,
  );
  await run(t, cwd, 'predict', 'refers', 'small', '--out=predictions.npy', '--quiet');
  const npy = readFileSync(join(cwd, 'predictions.npy'));
  assert.match(npy.toString('latin1', 0, 128), /'shape': \(100,/);
  await fails(t, cwd, /^MLML_USAGE: --proba/, 'predict', 'refers', 'small', '--proba', '--quiet');

  assert.match(await run(t, cwd, 'info', 'refers/model'), /^kernel +rbf\(lengthscale 5\)$/m);
  assert.match(
    await run(t, cwd, 'info', 'refers/model'),
    /^rows +the first 400 of the training rows in .*small$/m,
  );
  assert.match(
    await run(t, cwd, 'info', 'copied/model', '--verify'),
    /copied into the model[\s\S]*everything was read/,
  );

  const rows = join(cwd, 'copied', 'model', 'rows.bin');
  const bytes = readFileSync(rows);
  bytes[1000]! ^= 1;
  writeFileSync(rows, bytes);
  for (const model of ['copied', 'copied/model'])
    await fails(t, cwd, /^MLML_CHECKSUM: .*rows\.bin/, 'info', model, '--verify');

  renameSync(join(cwd, 'small'), join(cwd, 'moved'));
  await fails(t, cwd, /^MLML_NOT_FOUND: .*small.*--copy-rows/, 'predict', 'refers', 'moved', '--quiet');
  assert.equal((await run(t, cwd, 'predict', 'copied', 'moved', '--quiet')).split('\n').length, 102);
});
