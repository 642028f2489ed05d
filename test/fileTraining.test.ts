import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { npyFile } from './support/arrayFiles.js';
import { commandFile, runCli } from './support/cli.js';
import { duckdb, unlessInstalled } from './support/optionalPackages.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const rows = Array.from({ length: 60 }, (_, i) => `${i},${'ab'[i % 2]},${3 * i + (i % 2) + 0.5}`);
const table = `rooms,town,price\n${rows.join('\n')}\n`;

/** Runs commands in one folder, which has houses.csv in it. */
function world(t: TestContext) {
  const cwd = temporaryFolder(t);
  const path = (name: string) => join(cwd, name);
  writeFileSync(path('houses.csv'), table);
  const run = async (...words: string[]) => {
    const { status, stdout, stderr } = await runCli(t, words, { cwd });
    return { status, stdout, stderr };
  };
  const train = async (...words: string[]) => {
    const { status, stdout, stderr } = await run(...words, '--json');
    assert.equal(status, 0, stderr);
    return { result: JSON.parse(stdout), stderr };
  };
  const origin = (name: string) =>
    JSON.parse(readFileSync(path(`data/${name}/dataset.json`), 'utf8')).source.origin;
  return { cwd, path, run, train, origin };
}

test('a table is imported and trained on by one command; the next one uses what is there', async (t) => {
  const { run, train, origin, path } = world(t);
  const first = await train('closed', 'houses.csv', '--label=price', '--reg=1e-6');
  assert.match(first.stderr, /^houses.csv has not been imported yet: importing it into data\/houses, once$/m);
  assert.equal(first.result.dataset, 'houses');
  assert.equal(first.result.n, 48);
  assert.ok(first.result.test.rmse < 1e-3, String(first.result.test.rmse));
  assert.deepEqual(origin('houses').options, ['--label=price']);
  const made = statSync(path('data/houses/dataset.json')).ino;
  const second = await train('ssgd', 'houses.csv', '--label=price', '--epochs=2', '--seed=5');
  assert.match(second.stderr, /^houses.csv has been imported already: using data\/houses$/m);
  assert.doesNotMatch(second.stderr, /importing/);
  // Other verbs, and those of kernels, whose --dtype is not that of data sets.
  const kernel = await train('krr', 'houses.csv', '--label=price', '--dtype=float32', '--kernel=rbf');
  assert.match(kernel.stderr, /has been imported already/);
  const planned = await run('plan', 'gd', 'houses.csv', '--label=price');
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, /gd on 3 features/);
  const stored = await run('generate', 'houses.csv', '--label=price', '--kernel=rbf');
  assert.equal(stored.status, 0, stored.stderr);
  assert.equal(statSync(path('data/houses/dataset.json')).ino, made);
  // The model takes new tables by the names of their columns.
  const predicted = await run('predict', first.result.run, 'houses.csv', '--quiet');
  assert.equal(predicted.stdout.split('\n').length, 62);
});

test('a source that has changed, or is read otherwise, is imported anew; runs keep the rows they began with', async (t) => {
  const { train, run, path, origin, cwd } = world(t);
  const words = ['ssgd', 'houses.csv', '--label=price', '--epochs=3', '--out=runs/a'];
  const { result } = await train(...words);
  assert.equal(result.n, 48);
  // Done: told again, without a look at the source.
  rmSync(path('houses.csv'));
  assert.equal((await train(...words, '--resume')).result.n, 48);
  writeFileSync(path('houses.csv'), `${table}60,a,180.5\n61,b,184.5\n`);
  const changed = await train('closed', 'houses.csv', '--label=price');
  assert.match(
    changed.stderr,
    /houses.csv has changed since it was imported: importing it anew into data\/houses/,
  );
  assert.equal(changed.result.n, 49);
  const other = await train('closed', 'houses.csv', '--label=price', '--drop=town', '--percentage=0.5');
  assert.match(other.stderr, /was imported with other options \(--label=price\): importing it anew/);
  assert.deepEqual([other.result.n, other.result.d], [31, 1]);
  assert.deepEqual(origin('houses').options, ['--percentage=0.5', '--label=price', '--drop=town']);
  // The same size, another time.
  utimesSync(path('houses.csv'), 1e9, 1e9);
  const touched = await train('closed', 'houses.csv', '--label=price', '--drop=town', '--percentage=0.5');
  assert.match(touched.stderr, /has changed since/);
  writeFileSync(path('other.csv'), table);
  spawnSync('mkdir', ['more'], { cwd });
  writeFileSync(path('more/houses.csv'), table);
  const elsewhere = await train('closed', 'more/houses.csv', '--label=price');
  assert.match(
    elsewhere.stderr,
    /more\/houses.csv is not \S+\/houses.csv, of which the data set there was made: importing/,
  );
  // What cannot be read leaves the data set that is there.
  const before = origin('houses');
  writeFileSync(path('more/houses.csv'), 'rooms,price\n1,2,3\n');
  const wrong = await run('closed', 'more/houses.csv', '--label=price');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /MLML_BAD_DATA: more\/houses.csv: line 2/);
  assert.deepEqual(origin('houses'), before);
  assert.deepEqual(readdirSync(path('data')), ['houses']);
});

test('an interrupted run goes on with the data set it began with, also without the source', async (t) => {
  const { cwd, path } = world(t);
  const words = ['ssgd', 'houses.csv', '--label=price', '--epochs=1000000', '--out=runs/cut'];
  /** Runs a command and interrupts it once something is so. Gives what it wrote. */
  const interrupted = (given: string[], isSo: (text: string) => boolean) =>
    new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [commandFile, ...given], { cwd });
      let text = '';
      child.stdout.resume();
      child.stderr.on('data', (piece) => {
        text += piece;
      });
      // A second signal would end it at once.
      let sent = false;
      const watch = setInterval(() => {
        if (!sent && isSo(text)) sent = child.kill('SIGINT');
      }, 20);
      child.on('close', () => {
        clearInterval(watch);
        resolve(text);
      });
    });
  const isTraining = (text: string) => / \d+\.\d+ s +\d/.test(text);
  assert.match(await interrupted(words, isTraining), /^MLML_INTERRUPTED: /m);
  rmSync(path('houses.csv'));
  const { data, dataset } = JSON.parse(readFileSync(path('runs/cut/run.json'), 'utf8'));
  assert.deepEqual(data, ['houses.csv', '--label=price']);
  assert.equal(dataset.path, 'data/houses');
  const resumed = await interrupted(['resume', 'runs/cut'], isTraining);
  assert.match(resumed, /^MLML_INTERRUPTED: /m);
  assert.doesNotMatch(resumed, /import/);
});

test('killed while it imports, the same command imports again and leaves nothing else', async (t) => {
  const { cwd, path, train } = world(t);
  const lines = Array.from({ length: 400_000 }, (_, i) => `${i % 977},${'ab'[i % 2]},${i % 31}.5`);
  writeFileSync(path('houses.csv'), `rooms,town,price\n${lines.join('\n')}\n`);
  const words = ['closed', 'houses.csv', '--label=price'];
  let killed = false;
  await new Promise<void>((resolve) => {
    const child = spawn(process.execPath, [commandFile, ...words], { cwd, stdio: 'ignore' });
    const watch = setInterval(() => {
      const staged = existsSync(path('data')) ? readdirSync(path('data')) : [];
      if (!staged.some((name) => name.startsWith('.mlml-import-'))) return;
      killed = child.kill('SIGKILL');
    }, 5);
    child.on('close', () => {
      clearInterval(watch);
      resolve();
    });
  });
  assert.ok(killed);
  assert.ok(!existsSync(path('data/houses')));
  assert.notDeepEqual(readdirSync(path('data')), []);
  const { result } = await train(...words);
  assert.equal(result.n, 320_000);
  assert.deepEqual(readdirSync(path('data')), ['houses']);
});

test('what was imported by hand is used when it is the same, and never replaced', async (t) => {
  const { path, run, train } = world(t);
  assert.equal((await run('import', 'houses.csv', '--label=price')).status, 0);
  const same = await train('closed', 'houses.csv', '--label=price');
  assert.match(same.stderr, /has been imported already/);
  const advice =
    'give data/houses instead of houses.csv to train on it as it is, or remove it, or give another --data-dir';
  const refused = async (what: string, ...words: string[]) => {
    const { status, stderr } = await run('closed', 'houses.csv', ...words);
    assert.equal(status, 1);
    assert.equal(stderr, `MLML_EXISTS: data/houses: ${what}; ${advice}\n`);
  };
  await refused(
    'was imported by hand, and houses.csv was imported with other options (--label=price)',
    '--label=price',
    '--drop=town',
  );
  writeFileSync(path('houses.csv'), `${table}60,a,180.5\n`);
  await refused('was imported by hand, and houses.csv has changed since it was imported', '--label=price');
  assert.equal((await train('closed', 'houses')).result.n, 48);
  rmSync(path('data'), { recursive: true });
  assert.equal((await run('import', 'houses.csv', '--label=price', '--seed=1')).status, 0);
  await refused(
    'was imported by hand, and houses.csv was imported with other options (--seed=1 --label=price)',
    '--label=price',
  );
  rmSync(path('data'), { recursive: true });
  assert.equal((await run('import', 'digits', '--n=50', '--nt=10', '--out=data/houses')).status, 0);
  await refused('is a data set made by hand, of what is not recorded', '--label=price');
  assert.equal((await train('closed', 'houses.csv', '--label=price', '--data-dir=elsewhere')).result.n, 48);
});

test('LIBSVM text, arrays, pipes and patterns are taken likewise', async (t) => {
  const { cwd, path, train } = world(t);
  const text = Array.from({ length: 40 }, (_, i) => `${i % 2 ? '+1' : '-1'} ${(i % 2) + 1}:1 3:0.5`).join(
    '\n',
  );
  writeFileSync(path('small'), text);
  writeFileSync(path('small.t'), text);
  const sparse = await train('ssgd', 'small', '--test-file=small.t', '--loss=logistic', '--batch=4', '--d=5');
  assert.match(sparse.stderr, /^small has not been imported yet: importing it into data\/small, once$/m);
  assert.doesNotMatch(sparse.stderr, /no effect/);
  assert.deepEqual([sparse.result.n, sparse.result.d, sparse.result.test.accuracy], [40, 5, 1]);
  assert.match(
    (await train('ssgd', 'small', '--test-file=small.t', '--loss=logistic', '--d=5')).stderr,
    /already/,
  );
  writeFileSync(path('small.t'), `${text}\n+1 2:1`);
  assert.match(
    (await train('ssgd', 'small', '--test-file=small.t', '--loss=logistic', '--d=5')).stderr,
    /small has changed since/,
  );
  const features = Float64Array.from({ length: 120 }, (_, i) => i % 7);
  const labels = Float64Array.from({ length: 40 }, (_, i) => 2 * features[3 * i]! + 0.25);
  writeFileSync(path('X.npy'), npyFile('<f8', [40, 3], [...features]));
  writeFileSync(path('y.npy'), npyFile('<f8', [40], [...labels]));
  const arrays = await train('closed', 'X.npy', '--labels=y.npy', '--reg=1e-9');
  assert.deepEqual([arrays.result.dataset, arrays.result.n], ['X', 32]);
  assert.ok(arrays.result.test.rmse < 1e-4);
  const parts = await train('closed', 'hou*.csv', '--label=price');
  assert.equal(parts.result.n, 48);
  const piped = spawnSync(process.execPath, [commandFile, 'closed', '-', '--label=price', '--json'], {
    cwd,
    input: table,
    encoding: 'utf8',
  });
  assert.equal(piped.status, 0, piped.stderr);
  assert.equal(JSON.parse(piped.stdout).dataset, 'stdin');
  assert.match(
    piped.stderr,
    /^the standard input has not been imported yet: importing it into data\/stdin, once$/m,
  );
});

test('Parquet and queries; those are read each time', {
  skip: unlessInstalled('@duckdb/node-api'),
}, async (t) => {
  const { cwd, path, train, run } = world(t);
  const connection = await duckdb();
  await connection.run(`COPY (FROM '${path('houses.csv')}') TO '${path('h.parquet')}' (FORMAT parquet)`);
  const words = ['closed', 'h.parquet', '--label=price'];
  assert.equal((await train(...words)).result.n, 48);
  assert.match((await train(...words)).stderr, /already/);
  const query = ['closed', "from 'houses.csv' where rooms < 40", '--label=price'];
  const first = await train(...query);
  assert.deepEqual([first.result.dataset, first.result.n], ['query', 32]);
  assert.match(
    (await train(...query)).stderr,
    /may have changed since it was imported, which cannot be seen: importing/,
  );
  const bare = await run('closed', "from 'houses.csv'");
  assert.equal(bare.status, 2);
  assert.match(
    bare.stderr,
    /--label=<column> has to say which column is to be predicted, of rooms, town, price;/,
  );
  assert.deepEqual(readdirSync(join(cwd, 'data')), ['h', 'query']);
});

test('what is wrong is told at once', async (t) => {
  const { run, cwd } = world(t);
  for (const [words, status, message] of [
    [['hous.csv', '--label=price'], 1, 'MLML_NOT_FOUND: hous.csv: there is no such file'],
    [['hous', '--label=price'], 1, 'MLML_NOT_FOUND: hous: there is no such file'],
    [
      ['digits', '--label=price'],
      2,
      'MLML_USAGE: --label: is for files that closed imports first, and digits is a data set or a folder; see mlml import --help',
    ],
    [
      ['houses.csv', '--label=cost'],
      1,
      /MLML_USAGE: --label=cost: houses.csv has no such column; its columns are rooms, town, price/,
    ],
    [
      ['houses.csv', '--train=x', '--label=price'],
      2,
      'MLML_USAGE: houses.csv: give a data set or --train, not both',
    ],
    [
      ['houses.csv', '--label=price', '--k=3'],
      2,
      /MLML_USAGE: --k: is for raw rows \(--d\) and LIBSVM text, and houses.csv is neither; of tables and arrays --task/,
    ],
    [['houses.csv', '--label=price', '--nt=3'], 2, /MLML_USAGE: --nt: is for raw rows \(--d\) and digits/],
    [['houses.csv', 'more.csv', '--label=price'], 2, /MLML_USAGE: more.csv: closed takes one data set/],
    [['houses.csv', '--label=price', '--features=X'], 2, /--features: is for arrays/],
  ] as const) {
    const found = await run('closed', ...words);
    if (typeof message === 'string') assert.equal(found.stderr, `${message}\n`);
    else assert.match(found.stderr, message);
    assert.equal(found.status, words.includes('--label=cost' as never) ? 2 : status, words.join(' '));
  }
  assert.deepEqual(readdirSync(cwd), ['houses.csv']);
});
