import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { allowedBytes } from '../src/run/summary.js';
import { commandFile, runCli } from './support/cli.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';

const MNIST = process.env['MLML_DATA'];
/** Both have rows of 784 bytes. */
const NAME = MNIST === undefined ? 'digits' : 'mnist';
const ROWS = 4000;
/** The kernel of these rows takes 64 MB as floats in full, half of that on disk. */
const KERNEL = ['--kernel=rbf', '--sigma=5', `--subset=${ROWS}`];
/** What a process of its own may differ from the one whose baseline was measured. */
const SPREAD = 1e6;

interface Job {
  /** MB. */
  readonly buffer: number;
  readonly threads: number;
  readonly words: readonly string[];
  /** `--memId` is added: `large` tiles as the budget of 16 MB has them, `small` ones of 64 rows. */
  readonly stored?: 'large' | 'small';
}

const jobs: readonly Job[] = [
  { buffer: 16, threads: 2, words: ['cg', ...KERNEL, '--passes=6'] },
  { buffer: 16, threads: 2, words: ['bcd', ...KERNEL, '--passes=4'] },
  { buffer: 16, threads: 2, words: ['nystrom', ...KERNEL, '--centers=500'] },
  { buffer: 16, threads: 2, words: ['krr', ...KERNEL, '--passes=10'] },
  { buffer: 16, threads: 1, words: ['cg', '--passes=15'], stored: 'large' },
  { buffer: 16, threads: 2, words: ['cg', '--passes=15'], stored: 'large' },
  { buffer: 16, threads: 3, words: ['bcd', '--passes=15'], stored: 'large' },
  { buffer: 16, threads: 2, words: ['ssgd', '--epochs=2'], stored: 'large' },
  { buffer: 16, threads: 2, words: ['closed'], stored: 'large' },
  { buffer: 64, threads: 2, words: ['cg', ...KERNEL, '--passes=6'] },
  { buffer: 64, threads: 1, words: ['cg', '--passes=10'], stored: 'small' },
  { buffer: 64, threads: 2, words: ['bcd', '--passes=10'], stored: 'small' },
  { buffer: 64, threads: 2, words: ['closed'], stored: 'large' },
];

describe('the budget holds for kernels, in a child process under a real memory limit', {
  skip: limitUnavailable,
}, () => {
  let folder = '';
  let data = '';
  /** Of Node with the code of kernel jobs. */
  let baseline = 0;
  const memIds = { large: '', small: '' };
  const allowed = (buffer: number, threads: number) => allowedBytes(1e6 * buffer, threads);
  const generate = (buffer: number, ...more: string[]) => [
    ...['generate', data, ...KERNEL, '--nthreads=2', `--buffer=${buffer}`, '--json', '--quiet', ...more],
  ];

  before(async (t) => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-kernel-budget-'));
    data = join(folder, 'data');
    const digits = NAME === 'digits' ? [`--n=${ROWS}`, '--nt=2000'] : [];
    const make = async (...args: string[]) => {
      const { status, stdout, stderr } = await runCli(t as TestContext, args, {
        cwd: folder,
        env: { MLML_DATA: MNIST },
      });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    await make('import', NAME, ...digits, `--out=${data}`, '--quiet');
    for (const [size, more] of [
      ['large', []],
      ['small', ['--tile=64', '--kernels=small']],
    ] as const) {
      const made = JSON.parse(await make(...generate(16, ...more)));
      memIds[size] = made.memId;
      baseline = made.baselineRssBytes;
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a command under the limit and returns what it printed. */
  const runUnder = async (t: TestContext, args: readonly string[], buffer: number, threads: number) => {
    const limitBytes = baseline + SPREAD + allowed(buffer, threads);
    const run = await runLimited(t, [commandFile, ...args], { cwd: folder, limitBytes });
    assert.equal(run.killedByLimit, false, `killed at ${limitBytes} bytes`);
    assert.equal(run.status, 0, run.stderr);
    assert.ok(run.peakRssBytes! <= limitBytes, `peak ${run.peakRssBytes}, ${limitBytes} are allowed`);
    return run;
  };
  const assertWithin = (stdout: string, buffer: number, threads: number) => {
    const result = JSON.parse(stdout);
    assert.ok(result.plannedPeakBytes <= 1e6 * buffer, `planned ${result.plannedPeakBytes}`);
    const grown = result.peakRssBytes - result.baselineRssBytes;
    const most = allowed(buffer, threads);
    assert.ok(grown <= most, `${grown} bytes above the baseline, ${most} are allowed`);
    return result;
  };

  for (const buffer of [4, 16]) {
    test(`generate --buffer=${buffer}`, async (t) => {
      const words = generate(buffer, `--kernels=generated-${buffer}`);
      const { stdout } = await runUnder(t, words, buffer, 2);
      const { tiles, tilesMade } = assertWithin(stdout, buffer, 2);
      assert.equal(tilesMade, tiles);
    });
  }

  for (const { buffer, threads, words, stored } of jobs) {
    const [verb, ...more] = words;
    const name = `${verb} --buffer=${buffer}, ${threads} threads${stored ? `, ${stored} tiles on disk` : ''}`;
    test(name, async (t) => {
      const source = stored ? [`--memId=${memIds[stored]}`] : [];
      const kernels = stored === 'small' ? ['--kernels=small'] : [];
      const args = [
        verb!,
        data,
        ...more,
        ...source,
        ...kernels,
        `--buffer=${buffer}`,
        `--nthreads=${threads}`,
      ];
      const { stdout } = await runUnder(t, [...args, '--json', '--quiet'], buffer, threads);
      const { test: score } = assertWithin(stdout, buffer, threads);
      // Two epochs of the slow method come less far.
      assert.ok(score.accuracy > (verb === 'ssgd' ? 0.7 : 0.8), `${score.accuracy}`);
    });
  }

  test('evaluate and predict by a kernel model', async (t) => {
    const words = ['nystrom', data, ...KERNEL, '--centers=1000', '--buffer=32', '--out=model', '--json'];
    const trained = await runCli(t, words, { cwd: folder });
    assert.equal(trained.status, 0, trained.stderr);
    const { accuracy } = JSON.parse(trained.stdout).test;
    for (const buffer of [3, 16]) {
      const limits = ['--nthreads=2', `--buffer=${buffer}`, '--quiet'];
      const evaluated = await runUnder(t, ['evaluate', 'model', data, ...limits, '--json'], buffer, 2);
      assert.equal(JSON.parse(evaluated.stdout).accuracy, accuracy);
      const predicted = await runUnder(t, ['predict', 'model', data, ...limits], buffer, 2);
      assert.ok(predicted.stdout.split('\n').length > 2000);
    }
  });
});
