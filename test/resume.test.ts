import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandFile, runCli } from './support/cli.js';
import { type TortureJob, tortureJobs } from './torture/jobs.js';
import { assertSameOutcome, makeTortureFolder, type TortureFolder, Victim } from './torture/killing.js';

let folder: TortureFolder;
before(async () => {
  folder = await makeTortureFolder(mkdtempSync(join(tmpdir(), 'mlml-stop-')));
});
after(() => rmSync(folder.cwd, { recursive: true }));

const jobNamed = (name: string): TortureJob => tortureJobs.find((job) => job.name === name)!;

describe('kill -9 twice, then on to the end: the bits and the log of an unbroken run', () => {
  // One of each kind of state; `npm run test:torture` has them all, and at any moment.
  for (const name of ['closed-cg', 'gd-passes', 'sgd', 'ssgd', 'hsgd']) {
    test(name, async () => {
      const job = jobNamed(name);
      const wanted = await new Victim(folder, job, join(name, 'whole')).finish();
      const victim = new Victim(folder, job, join(name, 'killed'));
      for (const states of [1, 2]) {
        const saved = (stderr: string) => [...stderr.matchAll(/ saved after /g)].length >= states;
        const killed = await victim.runAndKill(saved, ['--checkpoint-every=0s']);
        assert.equal(killed, true, `it had ended: ${victim.stderr}`);
      }
      const got = await victim.finish();
      assert.match(victim.stderr, /^resumed: [\d ]+ of [\d ]+ (rows|passes|iterations) done before$/m);
      assertSameOutcome(name, got, wanted);
    });
  }
});

/** Sends a signal when stderr shows that work is under way; twice when `insist`. */
async function interrupt(args: readonly string[], signal: NodeJS.Signals, working: RegExp, insist = false) {
  const child = spawn(process.execPath, [commandFile, ...args], {
    cwd: folder.cwd,
    env: { ...process.env, MLML_DATA: undefined, MLML_CHECKPOINT_SECONDS: undefined },
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
    if (child.killed || !working.test(stderr)) return;
    child.kill(signal);
    if (insist) child.kill(signal);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, stderr };
}

describe('SIGINT and SIGTERM: the state is saved, and the run goes on from there', () => {
  const kernel = ['--kernel=rbf', '--sigma=5', '--buffer=8', '--reg=1e-4', '--tol=1e-9', '--passes=60'];
  const cases: readonly [string, NodeJS.Signals, number, readonly string[], RegExp][] = [
    ['ssgd', 'SIGINT', 130, ['ssgd', 'many', '--buffer=0.4', '--epochs=12', '--logfreq=0'], /^ +\S+ s +8 /m],
    ['gd', 'SIGTERM', 143, ['gd', 'many', '--iters=60', '--loss=softmax'], /^ +\S+ s +4 /m],
    ['cg', 'SIGINT', 130, ['cg', 'kernel', '--rank=0', ...kernel], /^ +\S+ s +3 /m],
  ];
  for (const [name, signal, wantedStatus, words, working] of cases) {
    test(`${name}, ${signal}`, async (t) => {
      // By the clock nothing would be saved for half a minute.
      const args = [...words, '--nthreads=1', `--out=${name}-stopped/run`];
      const { status, stderr } = await interrupt(args, signal, working);
      assert.equal(status, wantedStatus, stderr);
      assert.match(
        stderr,
        new RegExp(`MLML_INTERRUPTED: stopped by ${signal}; to go on: mlml resume ${name}-stopped/run\n$`),
      );
      const info = await runCli(t, ['info', `${name}-stopped/run`], { cwd: folder.cwd });
      assert.match(info.stdout, new RegExp(`^to go on +mlml resume ${name}-stopped/run$`, 'm'));
      const resumed = await runCli(t, ['resume', `${name}-stopped/run`], { cwd: folder.cwd });
      assert.equal(resumed.status, 0, resumed.stderr);
      assert.match(resumed.stderr, /^resumed: [\d ]+ /m);
      const whole = await runCli(t, [...words, '--nthreads=1', `--out=${name}-whole/run`], {
        cwd: folder.cwd,
      });
      assert.equal(whole.status, 0, whole.stderr);
      const weights = (run: string) => readFileSync(join(folder.cwd, run, 'run', 'model', 'weights.bin'));
      assert.ok(weights(`${name}-stopped`).equals(weights(`${name}-whole`)), 'the bits differ');
    });
  }

  test('a second signal ends it at once', async () => {
    const words = ['ssgd', 'many', '--buffer=0.4', '--epochs=100000', '--logfreq=0', '--out=insisted/run'];
    const { status, stderr } = await interrupt(words, 'SIGINT', /^ +\S+ s +8 /m, true);
    assert.equal(status, 130, stderr);
  });

  test('generate keeps the tiles made so far', async (t) => {
    const words = [
      'generate',
      'many',
      '--kernel=rbf',
      '--sigma=5',
      '--buffer=8',
      '--tile=32',
      '--nthreads=1',
    ];
    const args = [...words, '--kernels=stopped-kernels'];
    const kernels = join(folder.cwd, 'stopped-kernels');
    const child = spawn(process.execPath, [commandFile, ...args], {
      cwd: folder.cwd,
      env: { ...process.env, MLML_DATA: undefined, MLML_CHECKPOINT_SECONDS: '0.01' },
    });
    let stderr = '';
    child.stderr.on('data', (bytes) => (stderr += bytes));
    const timer = setInterval(() => {
      const [memId] = existsSync(kernels) ? readdirSync(kernels) : [];
      const log = join(kernels, memId ?? '', 'tiles.log');
      // Some tiles are on the disk. A second signal would not let it keep the others.
      if (!child.killed && existsSync(log) && statSync(log).size > 0) child.kill('SIGTERM');
    }, 2);
    const status = await new Promise((resolve) => child.on('close', resolve));
    clearInterval(timer);
    assert.equal(status, 143, stderr);
    assert.match(stderr, /stopped by SIGTERM; the tiles made so far are kept: the same command goes on\n$/);
    const again = await runCli(t, [...args, '--json'], { cwd: folder.cwd });
    assert.equal(again.status, 0, again.stderr);
    const { tiles, tilesMade } = JSON.parse(again.stdout);
    assert.ok(tilesMade < tiles, `${tilesMade} of ${tiles} tiles had to be made`);
  });
});

test('resume runs where the run was begun, from any folder', async (t) => {
  const args = ['ssgd', 'small', '--buffer=0.4', '--epochs=200', '--out=elsewhere/run'];
  const { status, stderr } = await interrupt(args, 'SIGINT', /^ +\S+ s +8 /m);
  assert.equal(status, 130, stderr);
  const run = join(folder.cwd, 'elsewhere', 'run');
  const words = ['resume', run, '--checkpoint-every=0', '--json'];
  // At first it is gone on with, then told again.
  for (let time = 1; time <= 2; time++) {
    const resumed = await runCli(t, words, { cwd: tmpdir() });
    assert.equal(resumed.status, 0, resumed.stderr);
    const { run: told, model } = JSON.parse(resumed.stdout);
    assert.deepEqual([told, model], [run, join(run, 'model')]);
  }
});

test('what is told of a run can be used from any folder', async (t) => {
  const args = ['ssgd', 'small', '--epochs=2', '--nthreads=1', '--out=told/run'];
  const trained = await runCli(t, args, { cwd: folder.cwd });
  assert.equal(trained.status, 0, trained.stderr);
  assert.match(trained.stdout, /^log +told\/logs\/ssgd\/run-.*$/m);
  const cwd = join(folder.cwd, 'told', 'logs');
  for (const words of [
    ['info', '../run'],
    ['resume', '../run'],
  ]) {
    const { status, stdout, stderr } = await runCli(t, words, { cwd });
    assert.equal(status, 0, stderr);
    for (const name of ['run', 'model', 'log']) {
      const told = new RegExp(`^${name} +(.*)$`, 'm').exec(stdout)?.[1];
      assert.ok(existsSync(resolve(cwd, told!)), `${words.join(' ')}: ${name} ${told}`);
    }
  }
  const { stdout } = await runCli(t, ['info', '../run', '--json'], { cwd });
  const { log, result, dataset } = JSON.parse(stdout);
  for (const path of [log, result.run, result.model, dataset.path])
    assert.ok(existsSync(resolve(cwd, path)), path);
});
