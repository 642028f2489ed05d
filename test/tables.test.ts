import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { commandFile, runCli } from './support/cli.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const rows = Array.from({ length: 50 }, (_, i) => `${i},${'ab'[i % 2]},${3 * i + (i % 2) + 0.5}`);
const table = `rooms,town,price\n${rows.join('\n')}\n`;

test('a table is imported and trained on by its name; without a label it is refused', async (t) => {
  const cwd = temporaryFolder(t);
  writeFileSync(join(cwd, 'houses.csv'), table);
  const run = (...words: string[]) => runCli(t, words, { cwd });
  const bare = await run('import', 'houses.csv');
  assert.equal(bare.status, 2);
  assert.match(
    bare.stderr,
    /^MLML_USAGE: houses.csv: of a table, --label=<column> has to say which column is to be predicted, of rooms, town, price;/m,
  );
  const straight = await run('closed', 'houses.csv');
  assert.equal(straight.status, 2);
  assert.equal(straight.stderr, bare.stderr);
  for (const [words, message] of [
    [['--label=cost'], /--label=cost: houses.csv has no such column; its columns are rooms, town, price/],
    [['--label=price', '--d=3'], /raw rows, as --d says these are, have no columns with names/],
    [['--label=price', '--types=rooms'], /--types=rooms: must be <column>:<kind>/],
    [['--label=price', '--drop=rooms,,town'], /--drop=rooms,,town: must be names with commas between them/],
    [['--label=price', '--features=X'], /--features: is for arrays/],
    [['--drop=rooms'], /--label=<column> has to say which column is to be predicted, of rooms, town, price;/],
  ] as const) {
    const wrong = await run('import', 'houses.csv', ...words);
    assert.equal(wrong.status, 2, wrong.stderr);
    assert.match(wrong.stderr, message);
  }
  const made = await run('import', 'houses.csv', '--label=price', '--json', '--quiet');
  assert.equal(made.status, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).folder, 'data/houses');
  const trained = await run('closed', 'houses', '--reg=1e-6', '--json', '--quiet');
  assert.equal(trained.status, 0, trained.stderr);
  assert.ok(JSON.parse(trained.stdout).test.rmse < 1e-3, trained.stdout);
});

test('a pipe is a table like a file, compressed or not; nothing is left of its copy', (t) => {
  const cwd = temporaryFolder(t);
  const lines = rows.map((row) =>
    JSON.stringify({ rooms: Number(row.split(',')[0]), price: row.split(',')[2] }),
  );
  const fingerprints = [table, gzipSync(table), lines.join('\n')].map((input, i) => {
    const words = ['import', '-', '--label=price', '--drop=town', `--out=set${i}`, '--json', '--quiet'];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [commandFile, ...(i === 2 ? words.filter((word) => word !== '--drop=town') : words)],
      { cwd, input, encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout).fingerprint;
  });
  assert.equal(new Set(fingerprints).size, 1);
  const { stdout } = spawnSync('ls', ['-A'], { cwd, encoding: 'utf8' });
  assert.deepEqual(stdout.trim().split('\n'), ['set0', 'set1', 'set2']);
});
