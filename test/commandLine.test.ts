import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandNames } from '../src/cli/optionSpec.js';
import { commandFile, runCli } from './support/cli.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const tiny = ['digits', '--n=300', '--nt=50'];

test('train, evaluate, predict and describe, as separate processes', async (t) => {
  const trained = await runCli(t, ['ssgd', ...tiny, '--json', '--buffer=1', '--out=r']);
  assert.equal(trained.status, 0, trained.stderr);
  const result = JSON.parse(trained.stdout);
  assert.equal(result.n, 300);
  assert.ok(result.peakRssBytes > result.baselineRssBytes && result.baselineRssBytes > 20e6);
  const options = { cwd: trained.folder };
  const evaluated = await runCli(t, ['evaluate', 'r', ...dataOf(trained.folder), '--json'], options);
  assert.equal(JSON.parse(evaluated.stdout).accuracy, result.test.accuracy);
  const predicted = await runCli(t, ['predict', 'r', ...dataOf(trained.folder), '--quiet'], options);
  assert.equal(predicted.stdout.split('\n').length, 52);
  assert.equal(predicted.stderr, '');
  assert.equal((await runCli(t, ['info', 'r', '--verify'], options)).status, 0);
});

/** The folder the data set was imported into. */
function dataOf(folder: string): string[] {
  return readdirSync(join(folder, 'data'))
    .filter((name) => !name.startsWith('.'))
    .map((name) => join('data', name));
}

test('every verb of the bundle has its help', async (t) => {
  const cwd = temporaryFolder(t);
  for (const name of commandNames) {
    const { status, stdout, stderr } = await runCli(t, ['help', name], { cwd });
    assert.deepEqual([status, stderr], [0, ''], name);
    assert.ok(stdout.startsWith(`mlml ${name}: `), stdout);
  }
});

test('an error is one line on stderr, never a stack trace, with its exit status', async (t) => {
  const unknown = await runCli(t, ['sgdd', 'digits']);
  assert.equal(unknown.status, 2);
  assert.equal(unknown.stdout, '');
  assert.equal(unknown.stderr, 'MLML_USAGE: sgdd: there is no such verb; did you mean sgd?\n');
  const missing = await runCli(t, ['info', 'nowhere']);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /^MLML_NOT_FOUND: nowhere: [^\n]*\n$/);
  const debug = await runCli(t, ['info', 'nowhere'], { env: { MLML_DEBUG: '1' } });
  assert.match(debug.stderr, /^MLML_NOT_FOUND: [^\n]*\nMlmlError: [\s\S]*\n {4}at /);
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  // A terminal that is closed.
  ['SIGHUP', 129],
] as const) {
  test(`${signal} stops a run: exit status ${status}, run.json says so, no scratch is left`, async (t) => {
    const cwd = temporaryFolder(t);
    const child = spawn(
      process.execPath,
      [commandFile, 'ssgd', ...tiny, '--epochs=1000000', '--buffer=400KB', '--out=r'],
      { cwd },
    );
    let stderr = '';
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
      // The first row of figures: training has begun. A second signal would not let it clean up.
      if (!child.killed && /^ +\d\S* s +1 /m.test(stderr)) child.kill(signal);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, status, stderr);
    assert.match(stderr, new RegExp(`\nMLML_INTERRUPTED: stopped by ${signal}; to go on: mlml resume r\n$`));
    const run = JSON.parse(readFileSync(join(cwd, 'r', 'run.json'), 'utf8'));
    assert.equal(run.status, 'failed');
    assert.equal(run.error.code, 'MLML_INTERRUPTED');
    assert.deepEqual(readdirSync(join(cwd, 'r')).sort(), ['checkpoint', 'events.jsonl', 'run.json']);
  });
}

test('a reader that closes stdout early is no error', async (t) => {
  const cwd = temporaryFolder(t);
  const trained = await runCli(t, ['closed', 'digits', '--n=300', '--nt=20000', '--out=r', '--quiet'], {
    cwd,
  });
  assert.equal(trained.status, 0, trained.stderr);
  const child = spawn(process.execPath, [commandFile, 'predict', 'r', ...dataOf(cwd), '--quiet'], { cwd });
  let stderr = '';
  child.stderr.on('data', (bytes) => (stderr += bytes));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(stderr, '');
  assert.equal(code, 0);
});
