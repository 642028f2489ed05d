import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CliResult, runCli } from './support/cli.js';
import { startAndPause } from './support/signalled.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const SMALL = ['--n=3000', '--nt=300'];

/** Starts commands in one folder at the same moment and waits for all. */
const together = (t: TestContext, cwd: string, commands: readonly (readonly string[])[]) =>
  Promise.all(commands.map((words) => runCli(t, words, { cwd })));

/** One line that says why not, and no half of anything. */
function assertRefused({ status, stderr }: CliResult, codes: RegExp): void {
  assert.equal(status, 1, stderr);
  const last = stderr.trimEnd().split('\n').at(-1)!;
  assert.match(last, codes);
  assert.doesNotMatch(stderr, /\n\s+at |MLML_INTERNAL/);
}

function strays(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.mlml-|\.tmp/.test(name));
}

async function withDigits(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  const made = await runCli(t, ['import', 'digits', ...SMALL, '--out=data/digits', '--quiet'], { cwd });
  assert.equal(made.status, 0, made.stderr);
  return cwd;
}

const accuracy = ({ stdout }: CliResult) => JSON.parse(stdout).test.accuracy;

test('runs on one data set at once, also in one folder of runs: each ends as if it were alone', async (t) => {
  const cwd = await withDigits(t);
  const words = ['ssgd', 'digits', '--buffer=0.6', '--epochs=2', '--json', '--quiet'];
  const all = await together(t, cwd, [words, words, words]);
  for (const each of all) assert.equal(each.status, 0, each.stderr);
  const [first, ...others] = all.map(accuracy);
  for (const other of others) assert.equal(other, first);
  // Each has a folder of its own, though they began in the same second.
  assert.equal(new Set(all.map(({ stdout }) => JSON.parse(stdout).run)).size, 3);
  assert.deepEqual(strays(cwd), []);
});

test('the same --out several times at once: one gets it, the others are told', async (t) => {
  const cwd = await withDigits(t);
  const words = ['ssgd', 'digits', '--buffer=0.6', '--epochs=2', '--out=run', '--json', '--quiet'];
  const all = await together(t, cwd, [words, words, words]);
  const done = all.filter(({ status }) => status === 0);
  assert.equal(done.length, 1, all.map(({ stderr }) => stderr).join('\n'));
  for (const each of all) if (each !== done[0]) assertRefused(each, /^MLML_(EXISTS|BUSY): run: /);
  const evaluated = await runCli(t, ['evaluate', 'run', 'digits', '--json', '--quiet'], { cwd });
  assert.equal(JSON.parse(evaluated.stdout).accuracy, accuracy(done[0]!));
  assert.equal(JSON.parse(readFileSync(join(cwd, 'run', 'run.json'), 'utf8')).status, 'done');
  assert.deepEqual(strays(cwd), []);
});

test('a name imported several times at once: one makes it, the others are told, and it is whole', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['import', 'digits', ...SMALL, '--out=data/digits', '--quiet'];
  const all = await together(t, cwd, [words, words, words]);
  const done = all.filter(({ status }) => status === 0);
  assert.equal(done.length, 1, all.map(({ stderr }) => stderr).join('\n'));
  for (const each of all)
    if (each !== done[0]) assertRefused(each, /^MLML_EXISTS: data\/digits: exists already/);
  const verified = await runCli(t, ['info', 'data/digits', '--verify'], { cwd });
  assert.equal(verified.status, 0, verified.stderr);
  assert.deepEqual(strays(cwd), []);
});

test('commands that need a name nobody has imported yet: all of them run, on the same data', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['closed', 'digits', ...SMALL, '--json', '--quiet'];
  const all = await together(t, cwd, [words, words, words]);
  for (const each of all) assert.equal(each.status, 0, each.stderr);
  assert.equal(new Set(all.map(accuracy)).size, 1);
  assert.deepEqual(strays(cwd), []);
});

test('an import of the name that a run is reading is refused, and the run does not notice', async (t) => {
  const cwd = await withDigits(t);
  const words = ['ssgd', 'digits', '--buffer=0.6', '--epochs=6', '--json'];
  const alone = await runCli(t, [...words, '--quiet'], { cwd });
  const running = await startAndPause(t, words, { cwd, when: (stderr) => /epoch 1\b|^\s*\d/m.test(stderr) });
  assertRefused(
    await runCli(t, ['import', 'digits', ...SMALL, '--seed=5', '--out=data/digits', '--quiet'], { cwd }),
    /^MLML_EXISTS: data\/digits: exists already/,
  );
  const { status, stdout, stderr } = await running.goOn();
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(stdout).test.accuracy, accuracy(alone));
  assert.deepEqual(strays(cwd), []);
});

test('predictions to one file at once: the file is that of one of them, whole', async (t) => {
  const cwd = await withDigits(t);
  assert.equal((await runCli(t, ['closed', 'digits', '--out=run', '--quiet'], { cwd })).status, 0);
  const words = ['predict', 'run', 'digits', '--out=predictions.csv', '--quiet'];
  for (const each of await together(t, cwd, [words, words, words])) assert.equal(each.status, 0, each.stderr);
  const lines = readFileSync(join(cwd, 'predictions.csv'), 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 301);
  assert.deepEqual(strays(cwd), []);
});

test('one model saved under one name by several at once: one of them is there, whole', async (t) => {
  const cwd = await withDigits(t);
  const kernel = ['--kernel=rbf', '--sigma=5', '--subset=300', '--nthreads=1'];
  const trained = await runCli(t, ['cg', 'digits', ...kernel, '--out=run', '--quiet'], { cwd });
  assert.equal(trained.status, 0, trained.stderr);
  const words = ['prune', 'run', '--keep=0.5', '--out=small'];
  const all = await together(t, cwd, [words, words, words]);
  const done = all.filter(({ status }) => status === 0);
  assert.equal(done.length, 1, all.map(({ stderr }) => stderr).join('\n'));
  for (const each of all) if (each !== done[0]) assertRefused(each, /^MLML_EXISTS: small: exists already/);
  const evaluated = await runCli(t, ['evaluate', 'small', 'digits', '--quiet'], { cwd });
  assert.equal(evaluated.status, 0, evaluated.stderr);
  assert.deepEqual(strays(cwd), []);
});
