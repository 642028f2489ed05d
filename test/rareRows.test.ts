import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDataset } from '../src/data/dataset.js';
import { importTableFiles } from '../src/data/table/importTableFiles.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { runCli } from './support/cli.js';
import { rareRows } from './support/rareRows.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/** A table with a column of words, one of which two rows in 2400 have. */
function writeTable(folder: string): void {
  const { features, labels } = rareRows({ size: 1e5 });
  const lines = features.map(([a, b, c, d, rare, common], i) => {
    const place = rare === 1 ? 'island' : common === 1 ? 'coast' : 'inland';
    return [a, b, c, d, place, labels[i]].join(',');
  });
  writeFileSync(join(folder, 'houses.csv'), `${['a,b,c,d,place,price', ...lines].join('\n')}\n`);
}

const source = ['houses.csv', '--label=price', '--percentage=1'];

describe('a table with a rare word', () => {
  test('trains by default; what a divergence left is an error, exit status 1, and no model', async (t) => {
    const cwd = temporaryFolder(t);
    writeTable(cwd);
    const imported = await runCli(t, ['import', ...source], { cwd });
    assert.equal(imported.status, 0, imported.stderr);
    const good = await runCli(t, ['ssgd', 'houses', '--json', '--simulated', '--out=good'], { cwd });
    assert.equal(good.status, 0, good.stderr);
    const { halvings, train: figures } = JSON.parse(good.stdout);
    assert.equal(halvings, 0);
    assert.ok(figures.r2 > 0.8, `${figures.r2}`);
    assert.doesNotMatch(good.stderr, /warning/);

    const rule = ['--momentum=0', '--batch=8'];
    for (const flags of [[], ['--json', '--quiet']]) {
      const out = `bad${flags.length}`;
      const words = ['ssgd', 'houses', '--eta0=0.03', ...rule, ...flags, `--out=${out}`];
      const bad = await runCli(t, words, { cwd });
      assert.equal(bad.status, 1);
      assert.equal(bad.stdout, '');
      assert.match(
        bad.stderr,
        /^MLML_DIVERGED: training diverged and did not recover: .* --eta0=auto, or an --eta0 far below \S+$/m,
      );
      assert.equal(existsSync(join(cwd, out, 'model')), false);
      const { status, error } = JSON.parse(readFileSync(join(cwd, out, 'run.json'), 'utf8'));
      assert.deepEqual([status, error.code], ['failed', 'MLML_DIVERGED']);
    }
    const again = await runCli(t, ['resume', 'bad0'], { cwd });
    assert.equal(again.status, 1);
    assert.match(again.stderr, /MLML_DIVERGED: .* did not recover/);

    const sweep = ['ssgd', 'houses', '--sweep', 'eta0=0.032,0.001', ...rule, '--seed=1', '--out=sweep'];
    const { status, stdout } = await runCli(t, sweep, { cwd });
    assert.equal(status, 0);
    assert.match(stdout, /^sweep +0\.001 [^\n]*\n +0\.032 [^\n]*diverged after 6 480 rows$/m);
  });

  test('closed and gd have passes, not epochs', async (t) => {
    const cwd = temporaryFolder(t);
    writeTable(cwd);
    const closed = await runCli(t, ['closed', ...source, '--simulated'], { cwd });
    assert.match(closed.stderr, / samples passes +loss/);
    assert.match(closed.stderr, /^ +[\d.]+ s +1 +2 400 +1 /m);
    assert.match(closed.stderr, /train after 1 pass: loss/);
    assert.doesNotMatch(closed.stderr, /epoch/);
    const gd = await runCli(t, ['gd', 'houses', '--simulated', '--loss=huber', '--iters=3'], { cwd });
    assert.match(gd.stderr, /train after \d+ passes: loss/);
    assert.doesNotMatch(gd.stderr, /epoch/);
  });
});

const data = process.env['MLML_DATA'];

describe('housing', { skip: data === undefined ? 'MLML_DATA is not set' : false }, () => {
  test('twenty seeds and every way of streaming come near the exact solution', async (t) => {
    const folder = temporaryFolder(t);
    const out = join(folder, 'housing');
    const path = join(data!, 'housing', 'housing.csv');
    await importTableFiles(nodeStorage, path, { label: 'median_house_value', out });
    const dataset = await openDataset(nodeStorage, out);
    const run = async (verb: Verb, options: Partial<TrainOptions>) => {
      const warnings: string[] = [];
      const result = await train(
        verb,
        dataset,
        { ...defaultOptions, logfreq: 0, simulated: true, nthreads: 1, ...options },
        {
          storage: nodeStorage,
          scratchFolder: join(folder, 'scratch'),
          onEvent: (event) => {
            if (event.type === 'warning') warnings.push(event.message);
          },
        },
      );
      assert.deepEqual(warnings, []);
      return result;
    };
    const exact = await run('closed', {});
    const near = async (verb: Verb, options: Partial<TrainOptions>, share: number, r2 = 0.605) => {
      const { train: found, test } = await run(verb, options);
      const what = `${verb} ${JSON.stringify(options)}`;
      assert.ok(found!.loss < (1 + share) * exact.train!.loss, `${what}: ${found!.loss}`);
      assert.ok(test!.r2! > r2, `${what}: ${test!.r2}`);
    };
    for (let seed = 0; seed < 20; seed++) await near('ssgd', { seed }, 0.01);
    for (const seed of [1, 2, 3]) {
      await near('ssgd', { seed, bufferBytes: 1e6 }, 0.01);
      // The best epoch on a tenth of the rows may be an early one.
      await near('ssgd', { seed, patience: 2, epochs: 6 }, 0.1, 0.57);
      await near('sgd', { seed }, 0.01);
      await near('hsgd', { seed, nthreads: 2 }, 0.02);
      await near('ssgd', { seed, optimizer: 'adam' }, 0.02, 0.6);
    }
    // The least objective, of which the penalty is a sixth, by Newton's method in NumPy.
    const least = 63707.1;
    const { n } = dataset.description.parts.train;
    for (const seed of [1, 2, 3, 4, 5]) {
      const { model, train: found } = await run('ssgd', { seed, loss: 'huber' });
      const penalty = (0.05 * model.weights.reduce((sum, weight) => sum + weight * weight, 0)) / n;
      const objective = found!.loss + penalty;
      assert.ok(objective > 0.9999 * least && objective < 1.005 * least, `huber, seed ${seed}: ${objective}`);
    }
    await dataset.close();
  });
});
