import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { commandFile, runCli } from './support/cli.js';
import { duckdb, unlessInstalled } from './support/optionalPackages.js';

const towns = ['York', 'Bath', 'Hull'];

/** Rows whose price follows from the rest. */
const rows = Array.from({ length: 300 }, (_, i) => {
  const [rooms, town] = [(i * 7) % 11, i % 3];
  return {
    key: `r,${i}`,
    rooms: i % 13 === 5 ? '' : String(rooms),
    town: towns[town]!,
    price: 10 * rooms + 25 * town,
  };
});
const csvOf = (some: typeof rows, withPrice: boolean) =>
  [
    `key,rooms,town${withPrice ? ',price' : ''}`,
    ...some.map(
      ({ key, rooms: count, town, price }) => `"${key}",${count},${town}${withPrice ? `,${price}` : ''}`,
    ),
    '',
  ].join('\n');

describe('mlml predict and evaluate on tables', () => {
  let cwd = '';
  const run = (t: never, ...words: string[]) => runCli(t, words, { cwd });
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-tables-'));
    writeFileSync(join(cwd, 'train.csv'), csvOf(rows, true));
    writeFileSync(join(cwd, 'new.csv'), csvOf(rows, false));
    const words = [
      'import',
      'train.csv',
      '--label=price',
      '--id=key',
      '--percentage=1',
      '--dtype=float64',
      '--out=set',
      '--quiet',
    ];
    const imported = await runCli(t as never, [...words], { cwd });
    assert.equal(imported.status, 0, imported.stderr);
    const trained = await runCli(t as never, ['closed', 'set', '--reg=0.001', '--out=model', '--quiet'], {
      cwd,
    });
    assert.equal(trained.status, 0, trained.stderr);
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  test('new rows without a label get the predictions of the data set, with their ids', async (t) => {
    const fromData = await run(t as never, 'predict', 'model', 'set', '--part=train');
    const wanted = fromData.stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[1]!);
    writeFileSync(join(cwd, 'new.csv.gz'), gzipSync(readFileSync(join(cwd, 'new.csv'))));
    for (const source of ['new.csv', 'new.csv.gz', 'ne[w].csv']) {
      const { status, stdout, stderr } = await run(t as never, 'predict', 'model', source);
      assert.equal(status, 0, stderr);
      const lines = stdout.trim().split('\n');
      assert.equal(lines[0], 'key,value');
      assert.deepEqual(
        lines.slice(1),
        wanted.map((value, i) => `"r,${i}",${value}`),
      );
    }
    const json = await run(t as never, 'predict', 'model', 'new.csv', '--out=p.jsonl', '--json', '--quiet');
    assert.deepEqual(Object.keys(JSON.parse(json.stdout)), ['model', 'table', 'rows', 'out', 'seconds']);
    const objects = readFileSync(join(cwd, 'p.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(objects[3], { id: 'r,3', value: Number(wanted[3]) });
  });

  test('as a filter: the same from a pipe, of CSV and of JSON lines', async (t) => {
    const file = await run(t as never, 'predict', 'model', 'new.csv');
    const piped = await runCli(t, ['predict', 'model', '-'], { cwd, input: csvOf(rows, false) });
    assert.equal(piped.stderr, '');
    assert.equal(piped.stdout, file.stdout);
    const lines = rows.map(({ key, rooms: count, town }) =>
      JSON.stringify({ town, key, rooms: count === '' ? null : Number(count), more: [1] }),
    );
    const json = await runCli(t, ['predict', 'model', '-'], { cwd, input: `${lines.join('\n')}\n` });
    assert.equal(json.stderr, '');
    assert.equal(json.stdout, file.stdout);
    const zipped = gzipSync(csvOf(rows, false));
    const unzipped = await runCli(t, ['predict', 'model', '-'], { cwd, input: zipped });
    assert.equal(unzipped.stderr, '');
    assert.equal(unzipped.stdout, file.stdout);
    const cut = await runCli(t, ['predict', 'model', '-'], { cwd, input: zipped.subarray(0, 200) });
    assert.match(cut.stderr, /^MLML_BAD_FILE: stdin: /);
    assert.equal(cut.status, 1);
  });

  test('as a filter: each row is answered before the next one comes', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [commandFile, 'predict', 'model', '-', '--quiet'], {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.write('key,rooms,town\n');
    for (const key of ['a', 'b', 'c']) {
      child.stdin.write(`${key},3,York\n`);
      if (key === 'a') assert.equal((await answers.next()).value, 'key,value');
      assert.match((await answers.next()).value, new RegExp(`^${key},`));
    }
    child.stdin.end();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('as a filter: a reader that has seen enough ends it quietly', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [commandFile, 'predict', 'model', '-'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let told = '';
    child.stderr.on('data', (data) => {
      told += data;
    });
    // The child may be gone while more is written.
    child.stdin.on('error', () => {});
    const exit = once(child, 'exit');
    child.stdin.write(csvOf(rows, false));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const feed = setInterval(() => child.stdin.write('k,1,York\n'.repeat(20_000)), 20);
    const [status] = await exit;
    clearInterval(feed);
    assert.equal(status, 0);
    assert.equal(told, '');
  });

  test('as a filter: interrupted while nothing comes, it ends', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [commandFile, 'predict', 'model', '-'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const exit = once(child, 'exit');
    child.stdin.write('key,rooms,town\na,1,York\n');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [143, null]);
    child.stdin.destroy();
  });

  test('what DuckDB reads: a query over files', async (t) => {
    const file = await run(t as never, 'predict', 'model', 'new.csv');
    const query = "select town, rooms, key from 'new.csv'";
    const { status, stdout, stderr } = await run(t as never, 'predict', 'model', query, '--quiet');
    assert.equal(status, 0, stderr);
    assert.equal(stdout, file.stdout);
  });

  test('predictions of tables and data sets as Parquet', {
    skip: unlessInstalled('@duckdb/node-api'),
  }, async (t) => {
    const back = async (...words: string[]) => {
      const { status, stdout, stderr } = await run(
        t as never,
        'predict',
        'model',
        ...words,
        '--json',
        '--quiet',
      );
      assert.equal(status, 0, stderr);
      const connection = await duckdb();
      const found = await connection.runAndReadAll(
        `FROM read_parquet('${join(cwd, JSON.parse(stdout).out)}')`,
      );
      return { names: found.columnNames(), rows: found.getRows().map((row) => row.map(String)) };
    };
    const csv = (await run(t as never, 'predict', 'model', 'new.csv')).stdout.trimEnd().split('\n').slice(1);
    const table = await back('new.csv', '--out=p.parquet');
    assert.deepEqual(table.names, ['key', 'value']);
    assert.deepEqual(
      table.rows.map(([key, value]) => `"${key}",${value}`),
      csv,
    );
    const data = await back('set', '--part=train', '--format=parquet', '--out=p.pq', '--query-memory=250');
    assert.deepEqual(data.names, ['row', 'value']);
    assert.deepEqual(
      data.rows.map(([row]) => row),
      rows.map((_, i) => String(i)),
    );
  });

  test('evaluation of a table is that of the data set', async (t) => {
    const table = await run(t as never, 'evaluate', 'model', 'train.csv', '--json', '--quiet');
    const data = await run(t as never, 'evaluate', 'model', 'set', '--part=train', '--json', '--quiet');
    const [found, wanted] = [JSON.parse(table.stdout), JSON.parse(data.stdout)];
    assert.equal(found.table, 'train.csv');
    assert.equal(found.rows, 300);
    for (const figure of ['loss', 'rmse', 'r2', 'mae'])
      assert.ok(Math.abs(found[figure] - wanted[figure]) < 1e-9 * Math.max(1, wanted[figure]), figure);
  });

  test('a model is calibrated on a file or a pipe as on the data set they make', async (t) => {
    const ok = async (...words: string[]) => {
      const { status, stdout, stderr } = await run(t as never, ...words, '--quiet');
      assert.equal(status, 0, stderr);
      return stdout;
    };
    await ok(
      'import',
      'train.csv',
      '--label=town',
      '--drop=key',
      '--percentage=1',
      '--dtype=float64',
      '--out=towns',
    );
    await ok('gd', 'towns', '--loss=hinge', '--iters=50', '--out=kinds');
    const told = JSON.parse(await ok('calibrate', 'kinds', 'train.csv', '--out=from-table', '--json'));
    const { seconds: _, ...rest } = told;
    assert.deepEqual(rest, { model: 'from-table', table: 'train.csv', rows: 300, method: 'sigmoid' });
    await ok('calibrate', 'kinds', 'towns', '--part=train', '--out=from-data');
    const piped = await runCli(t, ['calibrate', 'kinds', '-', '--out=from-pipe', '--method=sigmoid'], {
      cwd,
      input: csvOf(rows, true),
    });
    assert.equal(piped.stderr, '');
    assert.equal(
      piped.stdout,
      'from-pipe: gives probabilities, by sigmoid curves fitted on 300 rows of stdin\n',
    );
    const probabilities = [];
    for (const model of ['from-data', 'from-table', 'from-pipe'])
      probabilities.push(await ok('predict', model, 'train.csv', '--proba'));
    assert.match(probabilities[0]!, /^row,class,name,p0,p1,p2\n0,\d,\w+,0\.\d+,/);
    assert.equal(probabilities[1], probabilities[0]);
    assert.equal(probabilities[2], probabilities[0]);
  });

  test('a model of rows without names takes numbers in their order, with or without a header', async (t) => {
    const features = Array.from({ length: 784 }, (_, j) => j % 256).join(',');
    const small = await run(
      t as never,
      'ssgd',
      'digits',
      '--n=200',
      '--nt=20',
      '--data-dir=digits',
      '--epochs=1',
      '--loss=softmax',
      '--out=digit-model',
      '--quiet',
    );
    assert.equal(small.status, 0, small.stderr);
    const header = Array.from({ length: 784 }, (_, j) => `pixel${j}`).join(',');
    const bare = await runCli(t, ['predict', 'digit-model', '-'], {
      cwd,
      input: `${features}\n${features}\n`,
    });
    assert.equal(bare.stderr, '');
    assert.match(bare.stdout, /^row,class\n0,(\d)\n1,\1\n$/);
    const named = await runCli(t, ['predict', 'digit-model', '-'], {
      cwd,
      input: `${header}\n${features}\n${features}\n`,
    });
    assert.equal(named.stdout, bare.stdout);
    writeFileSync(join(cwd, 'bare.csv'), `${features}\n${features}\n`);
    assert.equal((await run(t as never, 'predict', 'digit-model', 'bare.csv')).stdout, bare.stdout);
  });

  for (const [words, input, message] of [
    [
      'predict model -',
      'key,rooms\nx,1\n',
      'MLML_BAD_DATA: stdin: lacks a column of the model: town; it has key, rooms',
    ],
    [
      'predict model -',
      'rooms,town\n1,York\nmany,Bath\n',
      'MLML_BAD_DATA: stdin: line 3, column rooms: "many" is not a number',
    ],
    ['predict model -', '', 'MLML_BAD_DATA: stdin: is empty'],
    [
      'predict model - --id=name',
      'rooms,town\n1,York\n',
      'MLML_USAGE: --id=name: stdin has no such column; it has rooms, town',
    ],
    [
      'predict model - --format=npy',
      'rooms,town\n1,York\n',
      'MLML_USAGE: --format=npy: begins with the number of rows',
    ],
    ['predict model - --format=parquet', '', 'MLML_USAGE: --format=parquet: ends with'],
    [
      'predict model new.csv --out=x.parquet --query-memory=10',
      '',
      'MLML_BUDGET_TOO_SMALL: --query-memory=10.0MB: DuckDB needs at least 180 MB',
    ],
    [
      'predict model new.csv --part=train',
      '',
      'MLML_USAGE: --part=train: new.csv is a table, which has no parts',
    ],
    ['predict model set --part=train --id=key', '', 'MLML_USAGE: --id: is for tables, and set is a data set'],
    ['predict model none.csv', '', 'MLML_NOT_FOUND: none.csv: no such file'],
    ['calibrate model train.csv', '', 'MLML_USAGE: a model of regression has no classes'],
    [
      'evaluate model new.csv',
      '',
      'MLML_BAD_DATA: new.csv: has no column "price", the label; mlml predict does without',
    ],
  ] as const) {
    test(`mlml ${words} of ${JSON.stringify(input)} is refused`, async (t) => {
      const { status, stderr } = await runCli(t, [...words.split(' '), '--quiet'], { cwd, input });
      assert.equal(stderr.startsWith(message), true, stderr);
      assert.equal(status, /^MLML_(USAGE|BUDGET)/.test(message) ? 2 : 1);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }
});
