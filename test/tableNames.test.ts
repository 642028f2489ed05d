import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from './support/cli.js';

const rows = Array.from({ length: 60 }, (_, i) => ({
  ' size ': i % 7,
  more: i % 4,
  price: 3 * (i % 7) + (i % 4),
}));
const features = (names: readonly [string, string]) =>
  rows.map((row) => ({ [names[0]]: row[' size '], [names[1]]: row.more }));
const jsonLines = (some: readonly object[]) => some.map((row) => `${JSON.stringify(row)}\n`).join('');
const csv = (some: readonly object[]) =>
  [Object.keys(some[0]!), ...some.map((row) => Object.values(row))]
    .map((fields) => `${fields.join(',')}\n`)
    .join('');

describe('names of columns', () => {
  let cwd = '';
  const run = (t: unknown, line: string, input?: string) =>
    runCli(t as never, line.split(' '), { cwd, ...(input === undefined ? {} : { input }) });
  const ok = async (t: unknown, line: string, input?: string) => {
    const { status, stdout, stderr } = await run(t, line, input);
    assert.equal(status, 0, `${line}: ${stderr}`);
    return stdout;
  };
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-names-'));
    writeFileSync(join(cwd, 'lines.jsonl'), jsonLines(rows));
    writeFileSync(join(cwd, 'one.csv'), csv(rows.map(({ more }) => ({ more }))));
    writeFileSync(join(cwd, 'two.csv'), csv(rows.map(({ more }) => ({ more, price: 2 * more }))));
    await ok(t, 'import lines.jsonl --label=price --percentage=1 --out=set --quiet');
    await ok(t, 'closed set --reg=1e-6 --out=model --quiet');
    await ok(t, 'import two.csv --label=price --task=regression --percentage=1 --out=narrow --quiet');
    await ok(t, 'closed narrow --reg=1e-6 --out=slope --quiet');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  test('blanks around them mean nothing, in any format, in training and later', async (t) => {
    const wanted = await ok(t, 'predict model - --quiet', csv(features(['size', 'more'])));
    assert.match(wanted, /^row,value\n0,-?[\d.e-]+\n1,[34]\./);
    for (const names of [
      ['size', 'more'],
      [' size ', 'more'],
      ['size', '\tmore'],
    ] as const) {
      assert.equal(await ok(t, 'predict model - --quiet', csv(features(names))), wanted);
      assert.equal(await ok(t, 'predict model - --quiet', jsonLines(features(names))), wanted);
      writeFileSync(join(cwd, 'new.jsonl'), jsonLines(features(names)));
      assert.equal(await ok(t, 'predict model new.jsonl --quiet'), wanted);
    }
    const twice = await run(t, 'predict model -', '{"size": 1, " size": 2}\n');
    assert.match(twice.stderr, /MLML_BAD_DATA: stdin: line 1: two names differ in nothing but blanks/);
  });

  test('a row of JSON lines that lacks a column has a missing value, one that has none is refused', async (t) => {
    const some = await ok(t, 'predict model - --quiet', '{"size": 3}\n{"more": 2, "size": null}\n');
    assert.equal(some.trim().split('\n').length, 3);
    const none = '{"size": 3}\n{"Size": 3, "more ore": 2}\n';
    const message =
      /MLML_BAD_DATA: .*: line 2: has none of the columns of the model: size, more; it has Size, more ore\n$/;
    writeFileSync(join(cwd, 'none.jsonl'), `{"size": 1, "more": 1}\n${none.slice(none.indexOf('\n') + 1)}`);
    for (const verb of ['predict', 'evaluate']) {
      // Evaluation needs labels first.
      const labelled = none.replaceAll('}', ', "price": 1}');
      const { status, stderr } = await run(
        t,
        `${verb} model - --quiet`,
        verb === 'predict' ? none : labelled,
      );
      assert.equal(status, 1);
      assert.match(
        stderr,
        verb === 'predict'
          ? message
          : /line 2: has none of the columns of the model: size, more; it has Size, more ore, price/,
      );
    }
    const file = await run(t, 'predict model none.jsonl --quiet');
    assert.match(file.stderr, message);
    const empty = await run(t, 'predict model -', '{}\n');
    assert.match(empty.stderr, /line 1: has none of the columns of the model: size, more; it has no columns/);
  });

  test('a table of one column is one where the model has one', async (t) => {
    const wanted = await ok(t, 'predict slope two.csv --quiet');
    assert.match(wanted, /^row,value\n0,-?[\d.e-]+\n1,(2|1\.99)/);
    assert.equal(await ok(t, 'predict slope one.csv --quiet'), wanted);
    assert.equal(await ok(t, 'predict slope - --quiet', csv(rows.map(({ more }) => ({ more })))), wanted);
    const other = await run(t, 'predict slope - --quiet', 'less\n1\n');
    assert.match(other.stderr, /MLML_BAD_DATA: stdin: lacks a column of the model: more; it has less/);
    // A model of rows without names.
    const bytes = Float64Array.from(rows.flatMap(({ more }) => [more, 2 * more]));
    writeFileSync(join(cwd, 'bare.rows'), new Uint8Array(bytes.buffer));
    await ok(t, 'closed --train=bare.rows --n=60 --d=1 --k=1 --dtype=float64 --reg=1e-6 --out=bare --quiet');
    const bare = await ok(t, 'predict bare - --quiet', rows.map(({ more }) => `${more}\n`).join(''));
    assert.equal(bare.trim().split('\n').length, 61);
    // Where there are more, the delimiter is not what was found.
    const wrong = await run(t, 'predict model - --quiet', 'size:more\n1:2\n');
    assert.match(wrong.stderr, /line 1: has no "," between columns; give --delimiter/);
    const importing = await run(t, 'import one.csv --label=more');
    assert.match(
      importing.stderr,
      /has no "," between columns; give --delimiter if .*one column alone is no table to learn from/,
    );
  });
});
