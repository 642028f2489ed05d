import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Random } from '../src/memory/random.js';
import { allowedBytes } from '../src/run/summary.js';
import { commandFile } from './support/cli.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';
import { randomText } from './support/sparseRows.js';

describe('the budget holds on sparse rows, under a real memory limit', { skip: limitUnavailable }, () => {
  let folder = '';
  let text = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-sparse-'));
    text = join(folder, 'text');
    const random = Random.of(4);
    const part = randomText(4000, 300, 20, () => random.uniform());
    writeFileSync(text, '');
    // 30 MB.
    for (let i = 0; i < 40; i++) appendFileSync(text, part);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('import, then every kind of job', async (t) => {
    const words = (...given: string[]) => [commandFile, ...given, '--json', '--quiet'];
    const importing = await runLimited(t, words('import', text, '--out=set'), { cwd: folder });
    assert.equal(importing.status, 0, importing.stderr);
    // What an import takes beyond Node itself does not grow with the rows.
    assert.ok(importing.peakRssBytes! <= 50e6 + 32e6, `import: ${importing.peakRssBytes}`);
    const jobs: readonly (readonly [string, number, readonly string[]])[] = [
      ['ssgd', 0.3, ['--loss=logistic', '--epochs=1']],
      ['ssgd', 2, ['--loss=logistic', '--epochs=2', '--l1=1', '--simulated']],
      ['hsgd', 2, ['--loss=logistic', '--epochs=2', '--nthreads=2']],
      ['closed', 1, []],
      // The Gram matrix does not fit: conjugate gradients.
      ['closed', 0.3, ['--nthreads=2']],
      ['gd', 1, ['--loss=logistic', '--iters=2', '--eta0=0.1']],
      ['cg', 2, ['--kernel=rbf', '--sigma=2', '--subset=2000', '--passes=4', '--nthreads=1']],
    ];
    for (const [verb, megabytes, more] of jobs) {
      const args = words(verb, 'set', `--buffer=${megabytes}`, ...more);
      const free = await runLimited(t, args, { cwd: folder });
      assert.equal(free.status, 0, free.stderr);
      const result = JSON.parse(free.stdout);
      const allowed = allowedBytes(megabytes * 1e6, result.nthreads);
      const grown = result.peakRssBytes - result.baselineRssBytes;
      assert.ok(grown <= allowed, `${verb} --buffer=${megabytes}: ${grown} bytes, ${allowed} are allowed`);
      const limited = await runLimited(t, args, {
        cwd: folder,
        limitBytes: result.baselineRssBytes + allowed,
      });
      assert.equal(limited.killedByLimit, false);
      assert.equal(limited.status, 0, limited.stderr);
    }
  });

  test('kernels of rows with very many features', async (t) => {
    const wide = join(folder, 'wide');
    const d = 500_000;
    const random = Random.of(7);
    const row = () => {
      const indices = new Set(Array.from({ length: 20 }, () => 1 + random.below(d)));
      return [...indices].sort((a, b) => a - b).map((index) => `${index}:${random.uniform().toFixed(4)}`);
    };
    const lines = Array.from({ length: 500 }, (_, i) => `${i % 2 === 0 ? '+1' : '-1'} ${row().join(' ')}`);
    writeFileSync(wide, `${lines.join('\n')}\n`);
    const words = (...given: string[]) => [commandFile, ...given, '--json', '--quiet'];
    const importing = await runLimited(t, words('import', wide, '--out=wideSet'), { cwd: folder });
    assert.equal(importing.status, 0, importing.stderr);
    const choice = ['wideSet', '--kernel=rbf', '--sigma=3', '--subset=200', '--nthreads=2'];
    for (const scale of ['none', 'standard']) {
      const job = (...more: string[]) => words(...more, ...choice, `--scale=${scale}`);
      const refused = await runLimited(t, job('krr', '--buffer=2'), { cwd: folder });
      assert.equal(refused.status, 2);
      const least = /needs at least ([0-9.]+) MB/.exec(refused.stderr + refused.stdout)?.[1];
      assert.ok(least !== undefined, refused.stderr);
      for (const verb of ['krr', 'cg']) {
        // The threads with which krr measures speeds first leave one to two megabytes behind that no plan counts.
        const buffer = Number(least) + (verb === 'krr' ? 2 : 0);
        const done = await runLimited(t, job(verb, `--buffer=${buffer}`), { cwd: folder });
        assert.equal(done.status, 0, done.stderr);
        const result = JSON.parse(done.stdout);
        const grown = result.peakRssBytes - result.baselineRssBytes;
        const allowed = allowedBytes(buffer * 1e6, result.nthreads);
        assert.ok(grown <= allowed, `${verb} --scale=${scale}: ${grown} bytes, ${allowed} are allowed`);
      }
    }
  });
});
