import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runProcess } from './support/childProcess.js';
import { commandFile, runCli } from './support/cli.js';
import { limitUnavailable, runLimited } from './support/limitedProcess.js';
import { duckdb, unlessInstalled } from './support/optionalPackages.js';
import { isGone } from './support/processes.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const QUERY = `SELECT i AS id, (i * 7919 % 1000) / 8 AS x, CASE WHEN i % 11 <> 0 THEN i % 13 END AS part, i % 3 = 0 AS flag,
  DATE '2026-01-01' + (i % 500)::INTEGER AS day, ['York', 'Bath', 'Wells', NULL][1 + i % 4] AS town, (i * 31 % 97) / 4 AS fare`;

const import_ = async (test: TestContext, cwd: string, ...args: string[]) => {
  const { status, stdout, stderr } = await runCli(test, ['import', ...args, '--quiet'], { cwd });
  return { status, stdout, error: stderr.trim() };
};

describe('importing through DuckDB', { skip: unlessInstalled('@duckdb/node-api') }, () => {
  test('Parquet files, a query and CSV of the same rows are the same data set', async (t) => {
    const folder = temporaryFolder(t);
    const connection = await duckdb();
    mkdirSync(join(folder, 'trips'));
    const some = (where: string) => `COPY (${QUERY} FROM range(4000) t(i) WHERE ${where}) TO '${folder}`;
    await connection.run(`${some('i < 1500')}/trips/a[1].parquet' (FORMAT parquet)`);
    await connection.run(`${some('i >= 1500')}/trips/b.parquet' (FORMAT parquet)`);
    await connection.run(`${some('true')}/trips.csv' (FORMAT csv)`);
    await connection.run(
      `ATTACH '${folder}/base.duckdb' AS base; CREATE TABLE base.trips AS ${QUERY} FROM range(4000) t(i); DETACH base`,
    );
    const sources = [
      ['trips.csv'],
      ['trips/*.parquet'],
      ["select * from 'trips/*.parquet' order by id"],
      ["from 'trips.csv'"],
      ['base.duckdb', '--table=trips'],
    ];
    const fingerprints = new Set<string>();
    for (const [i, source] of sources.entries()) {
      const given = [...source, '--label=fare', '--drop=id', `--out=set${i}`, '--json', '--buffer=2'];
      const { status, stdout, error } = await import_(t, folder, ...given);
      assert.equal(status, 0, error);
      const { fingerprint, n, nt } = JSON.parse(stdout);
      assert.deepEqual([n, nt], [3200, 800]);
      fingerprints.add(fingerprint);
    }
    assert.equal(fingerprints.size, 1);
    const { source } = JSON.parse(readFileSync(join(folder, 'set1', 'dataset.json'), 'utf8'));
    assert.deepEqual(
      source.files.map(({ name }: { name: string }) => name),
      ['trips/a[1].parquet', 'trips/b.parquet'],
    );
    assert.equal(
      (await import_(t, folder, 'trips/*.parquet', '--label=far')).error.split(' (')[0],
      'MLML_USAGE: --label=far: trips/*.parquet has no such column; did you mean fare?',
    );
    assert.match(
      (await import_(t, folder, 'trips/c*.parquet', '--label=fare')).error,
      /^MLML_NOT_FOUND: trips\/c\*.parquet: there are no such files$/,
    );
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('.mlml')),
      [],
    );
  });

  test('all processes together stay inside their memory, however large the table', {
    skip: limitUnavailable,
  }, async (t) => {
    const folder = temporaryFolder(t);
    const columns = Array.from({ length: 14 }, (_, j) => `(i * ${2 * j + 3} % 1009) / 8 AS x${j}`);
    const table = `SELECT ${columns.join(', ')}, i / 7 AS fare FROM range(1500000) t(i)`;
    await (await duckdb()).run(`COPY (${table}) TO '${folder}/large.parquet' (FORMAT parquet)`);
    // As doubles the rows are 180 MB. 130 MB are left for mlml, of which 60 MB are Node.
    const args = [
      commandFile,
      'import',
      'large.parquet',
      '--label=fare',
      '--buffer=16',
      '--query-memory=190',
    ];
    const { status, stderr, killedByLimit } = await runLimited(t, [...args, '--quiet'], {
      cwd: folder,
      limitBytes: 320e6,
    });
    assert.deepEqual([status, killedByLimit], [0, false], stderr);
  });

  test('an import that is interrupted ends all its processes and leaves nothing', async (t) => {
    const folder = temporaryFolder(t);
    const sql = 'select random() as x, i / 7 as fare from range(1000000000) t(i)';
    const child = spawn(process.execPath, [commandFile, 'import', sql, '--label=fare', '--quiet'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr!.on('data', (text) => {
      said += text;
    });
    const exited = once(child, 'exit');
    let reader: number | undefined;
    for (let i = 0; i < 200 && reader === undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const path = `/proc/${child.pid}/task/${child.pid}/children`;
      const started = existsSync(path) ? readFileSync(path, 'latin1').trim() : '';
      // Without such a file there is nothing to wait for but time.
      if (started !== '' || (!existsSync('/proc') && i === 60)) reader = Number(started);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
    assert.match(said, /^MLML_INTERRUPTED: /);
    if (reader !== undefined && reader > 0) assert.equal(await isGone(reader), true);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name !== 'data'),
      [],
    );
  });
});

test('without the optional packages, messages say what to install', async (t) => {
  const folder = temporaryFolder(t);
  // A copy from where the packages are not found.
  for (const part of ['dist/bundle', 'dist/assembly', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  for (const name of ['a.parquet', 'a.sqlite']) writeFileSync(join(folder, name), 'something');
  writeFileSync(
    join(folder, 'a.csv'),
    `x,y\n${Array.from({ length: 50 }, (_, i) => `${i},${i / 7}\n`).join('')}`,
  );
  const command = join(folder, 'dist', 'bundle', 'cli', 'main.js');
  const run = async (...args: string[]) =>
    await runProcess(process.execPath, [command, 'import', ...args, '--quiet'], { cwd: folder });
  const install = (source: string, what: string, name: string) =>
    `MLML_MISSING_PACKAGE: ${source}: ${what}, which needs the package ${name}; install it beside mlml: npm install ${name}\n`;
  const asked = 'select 1 as y';
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['a.parquet', '--label=y'], install('a.parquet', 'is read through DuckDB', '@duckdb/node-api')],
    [[asked, '--label=y'], install(asked, 'is read through DuckDB', '@duckdb/node-api')],
    [['a.sqlite', '--label=y'], install('a.sqlite', 'is a database of SQLite', 'node-sqlite3-wasm')],
    [
      ['postgres://me:secret@host/base', '--table=t', '--label=y'],
      install('postgres://me@host/base', 'is a database of PostgreSQL', 'pg'),
    ],
  ];
  for (const [args, expected] of cases) {
    const { status, stderr } = await run(...args);
    assert.deepEqual([stderr, status], [expected, 1]);
  }
  const { status, stderr } = await run('a.csv', '--label=y');
  assert.equal(status, 0, stderr);
  const other = async (...args: string[]) =>
    await runProcess(process.execPath, [command, ...args, '--quiet'], { cwd: folder });
  assert.equal((await other('closed', 'a.csv', '--label=y', '--out=model')).status, 0);
  const parquet = await other('predict', 'model', 'a.csv', '--out=p.parquet');
  assert.equal(parquet.stderr, install('p.parquet', 'Parquet is written through DuckDB', '@duckdb/node-api'));
  assert.ok(!existsSync(join(folder, 'p.parquet')));
});
