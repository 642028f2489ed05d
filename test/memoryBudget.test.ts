import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { importDataset } from '../src/data/import/importDataset.js';
import { allowedBytes } from '../src/run/summary.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { commandFile } from './support/cli.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';

/** 55 MB of rows: a hundred times the smaller budget. */
const ROWS = 70_000;

describe('the budget holds, in a child process under a real memory limit', { skip: limitUnavailable }, () => {
  let folder = '';
  let data = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-budget-'));
    data = join(folder, 'digits');
    await importDataset(nodeStorage, 'digits', { out: data, n: ROWS, nt: 2000 });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const jobs: readonly (readonly [string, number, readonly string[]])[] = [
    ['ssgd', 0.55, ['--simulated']],
    ['ssgd', 4, ['--simulated', '--loss=softmax', '--nthreads=2']],
    ['ssgd', 1, ['--algo=external_sort', '--epochs=2']],
    ['ssgd', 1, ['--algo=block_shuffle', '--epochs=2']],
    ['ssgd', 1, ['--reshuffle=once', '--epochs=2']],
    [
      'ssgd',
      4,
      ['--epochs=2', '--sweep', 'reg=0.1,1,10,1e3', 'loss=softmax,ridge', '--halving', '--patience=1'],
    ],
    ['ssgd', 2, ['--epochs=2', '--loss=softmax', '--folds=5']],
    ['closed', 24, ['--folds=5', '--nthreads=2']],
    ['hsgd', 1, ['--epochs=1', '--nthreads=3']],
    ['hsgd', 4, ['--loss=softmax', '--nthreads=2']],
    ['closed', 1, ['--reg=10000', '--nthreads=1']],
    ['closed', 6, ['--nthreads=1']],
    ['closed', 6, ['--nthreads=3']],
    ['gd', 1, ['--iters=5', '--nthreads=2']],
  ];
  for (const [verb, megabytes, more] of jobs) {
    test(`${verb} --buffer=${megabytes} ${more.join(' ')}`, async (t) => {
      const args = [commandFile, verb, data, `--buffer=${megabytes}`, '--json', '--quiet', ...more];
      const free = await runLimited(t, args, { cwd: folder });
      assert.equal(free.status, 0, free.stderr);
      const result = JSON.parse(free.stdout);
      const budget = megabytes * 1e6;
      assert.ok(result.plannedPeakBytes <= budget, `planned ${result.plannedPeakBytes}`);
      const allowed = allowedBytes(budget, result.nthreads);
      const grown = result.peakRssBytes - result.baselineRssBytes;
      assert.ok(
        grown <= allowed,
        `${grown} bytes above the baseline, ${allowed} are allowed with ${result.nthreads} threads`,
      );
      const limitBytes = result.baselineRssBytes + allowed;
      const limited = await runLimited(t, args, { cwd: folder, limitBytes });
      assert.equal(limited.killedByLimit, false);
      assert.equal(limited.status, 0, limited.stderr);
      const again = JSON.parse(limited.stdout);
      // Several threads without locks give other bits each time.
      if (verb !== 'hsgd')
        assert.deepEqual(again.test, result.test, 'the limit changes nothing in the result');
      assert.equal(existsSync(join(folder, 'scratch')), false);
    });
  }
});
