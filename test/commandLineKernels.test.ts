import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { runCli } from './support/cli.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const KERNEL = ['--kernel=rbf', '--sigma=5'];
const BUDGET = ['--buffer=8', '--nthreads=2'];

/** Runs a command line that must succeed in `cwd`. */
async function run(t: TestContext, cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = await runCli(t, args, { cwd });
  assert.equal(status, 0, `mlml ${args.join(' ')}: ${stderr}`);
  return { stdout, stderr };
}

/** The object that a command line with --json prints. */
async function json(t: TestContext, cwd: string, ...args: string[]) {
  return JSON.parse((await run(t, cwd, ...args, '--json', '--quiet')).stdout);
}

async function withData(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  await run(t, cwd, 'import', 'digits', '--n=600', '--nt=200', '--out=small', '--quiet');
  return cwd;
}

describe('kernels from the command line, as separate processes', () => {
  test('a kernel is generated once, solved with by each verb, listed, verified and removed', async (t) => {
    const cwd = await withData(t);
    const made = await run(t, cwd, 'generate', 'small', ...KERNEL, ...BUDGET);
    const id = made.stdout.trimEnd().split('\n').at(-1)!;
    const again = await json(t, cwd, 'generate', 'small', ...KERNEL, ...BUDGET);
    assert.equal(again.memId, id);
    assert.equal(again.tilesMade, 0);
    const [listed] = await json(t, cwd, 'kernels');
    assert.equal(listed.memId, id);
    assert.equal(listed.complete, true);

    const stored = [`--memId=${id}`, ...BUDGET];
    const cg = await json(t, cwd, 'cg', 'small', ...stored, '--tol=1e-6', '--out=cg');
    assert.ok(cg.residual <= 1e-6, `residual ${cg.residual}`);
    assert.equal(cg.memId, id);
    const closed = await json(t, cwd, 'closed', 'small', ...stored, '--tol=1e-9', '--out=closed');
    assert.ok(closed.residual <= 1e-9, `residual ${closed.residual}`);
    assert.ok(closed.leaveOneOut > 0.5);
    const computed = await json(t, cwd, 'cg', 'small', ...KERNEL, ...BUDGET, '--tol=1e-6', '--out=computed');
    assert.equal(computed.memId, null);
    const bcd = await json(t, cwd, 'bcd', 'small', ...stored, '--out=bcd');
    // They solve one system: of 200 test rows they may differ in one that is a toss-up.
    for (const other of [closed, computed, bcd])
      assert.ok(
        Math.abs(other.test.accuracy - cg.test.accuracy) < 0.0051,
        `${other.verb} ${other.test.accuracy}`,
      );
    assert.ok(cg.test.accuracy > 0.6, `accuracy ${cg.test.accuracy}`);
    const descent = await json(t, cwd, 'ssgd', 'small', ...stored, '--epochs=2', '--out=ssgd');
    assert.equal(descent.solver, 'ssgd');

    const verified = await run(t, cwd, 'kernels', 'verify', id, '--buffer=8');
    assert.match(verified.stdout, /^\S+: all \d+ tiles, /);
    await run(t, cwd, 'kernels', 'rm', id);
    const gone = await runCli(t, ['cg', 'small', `--memId=${id}`], { cwd });
    assert.equal(gone.status, 1);
    assert.match(gone.stderr, /^MLML_NOT_FOUND: [^\n]*\n$/);
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name.startsWith('.')),
      [],
    );
  });

  test('krr and nystrom train; evaluate, predict, info and prune take what they leave', async (t) => {
    const cwd = await withData(t);
    const plan = await run(t, cwd, 'plan', 'krr', 'small', ...KERNEL, ...BUDGET);
    assert.match(plan.stdout, /^ {2}memory {3}/m);
    const krr = await json(
      t,
      cwd,
      'krr',
      'small',
      ...KERNEL,
      ...BUDGET,
      '--reg=1,0.1',
      '--copy-rows',
      '--out=krr',
    );
    assert.ok(krr.reasons.length > 0);
    assert.equal(krr.regularizations.length, 2);
    const nystrom = await json(
      t,
      cwd,
      'nystrom',
      'small',
      ...KERNEL,
      ...BUDGET,
      '--centers=100',
      '--out=nystrom',
    );
    for (const { run: folder, test: score } of [krr, nystrom]) {
      const evaluated = await json(t, cwd, 'evaluate', folder, 'small', '--nthreads=1');
      assert.equal(evaluated.accuracy, score.accuracy, folder);
      await run(t, cwd, 'info', folder, '--verify');
    }
    const predicted = await run(t, cwd, 'predict', 'krr', 'small', '--quiet');
    assert.equal(predicted.stdout.split('\n').length, 202);
    const pruned = JSON.parse(
      (await run(t, cwd, 'prune', 'krr', '--keep=0.5', '--out=half', '--json')).stdout,
    );
    assert.ok(pruned.rows <= 301 && pruned.rowsBefore >= 2 * pruned.rows - 1);
    // Coefficients of neighbours cancel: without the smaller half of them little may be left. Without the negligible, all.
    assert.equal((await json(t, cwd, 'evaluate', 'half', 'small')).rows, 200);
    await run(t, cwd, 'prune', 'krr', '--tol=1e-9', '--out=most');
    assert.equal((await json(t, cwd, 'evaluate', 'most', 'small')).accuracy, krr.test.accuracy);
  });

  test('other rows than those of a stored kernel are refused', async (t) => {
    const cwd = await withData(t);
    const { memId } = await json(t, cwd, 'generate', 'small', ...KERNEL, ...BUDGET, '--subset=300');
    await run(t, cwd, 'import', 'digits', '--n=300', '--nt=50', '--seed=1', '--out=other', '--quiet');
    for (const words of [['small', '--subset=200'], ['small', '--scale=none'], ['other']]) {
      const refused = await runCli(t, ['cg', ...words, `--memId=${memId}`, ...BUDGET, '--quiet'], { cwd });
      assert.equal(refused.status, 1, words.join(' '));
      assert.match(refused.stderr, /^MLML_MISMATCH: [^\n]*\n$/);
    }
    // Without --subset and --scale those of the kernel are taken over.
    assert.equal((await json(t, cwd, 'cg', 'small', `--memId=${memId}`, ...BUDGET)).n, 300);
  });
});
