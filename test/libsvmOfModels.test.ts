import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Random } from '../src/memory/random.js';
import { runCli } from './support/cli.js';

const random = Random.of(8);
/** Labels −1, 2 and 5 by three of 40 features, of which a row has some. */
const rows = Array.from({ length: 700 }, () => {
  const pairs: [number, number][] = [];
  for (let j = 1; j <= 40; j++)
    if (random.uniform() < 0.2) pairs.push([j, Number(random.normal().toFixed(3))]);
  const value = (j: number) => pairs.find(([index]) => index === j)?.[1] ?? 0;
  const sum = value(3) + value(7) - value(11) + 0.1;
  return { label: sum < 0 ? -1 : sum < 0.5 ? 2 : 5, pairs };
});
const textOf = (some: typeof rows, label?: string) =>
  some
    .map((row) => `${[label ?? row.label, ...row.pairs.map((pair) => pair.join(':'))].join(' ')}\n`)
    .join('');

describe('models and LIBSVM text', () => {
  let cwd = '';
  const run = (t: unknown, line: string) => runCli(t as never, line.split(' '), { cwd });
  const ok = async (t: unknown, line: string) => {
    const { status, stdout, stderr } = await run(t, line);
    assert.equal(status, 0, `${line}: ${stderr}`);
    return { stdout, stderr };
  };
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-libsvm-'));
    writeFileSync(join(cwd, 'train'), textOf(rows));
    writeFileSync(join(cwd, 'train.gz'), gzipSync(textOf(rows)));
    // Without labels one is written all the same.
    writeFileSync(join(cwd, 'new.txt'), textOf(rows, '0'));
    writeFileSync(join(cwd, 'more'), `${textOf(rows.slice(0, 2))}5 3:1 41:7 90:1\n`);
    writeFileSync(join(cwd, 'zero'), `${'2 1:1\n'.repeat(5000)}5 0:1\n`);
    await ok(t, 'import train --percentage=1 --dtype=float64 --out=set --quiet');
    await ok(t, 'ssgd set --loss=softmax --scale=unit --epochs=20 --out=model --quiet');
    await ok(t, 'import train --percentage=1 --dtype=float64 --dense --out=dense --quiet');
    await ok(t, 'closed dense --scale=standard --out=ridge --quiet');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  test('figures and predictions are those of the data set, compressed, without labels, in little memory', async (t) => {
    for (const [model, data] of [
      ['model', 'set'],
      ['ridge', 'dense'],
    ]) {
      const figures = async (line: string) => {
        const {
          accuracy,
          loss,
          rows: count,
        } = JSON.parse((await ok(t, `evaluate ${model} ${line} --json --quiet`)).stdout);
        assert.equal(count, 700);
        return [accuracy, loss];
      };
      const [accuracy, loss] = await figures(`${data} --part=train`);
      assert.ok(accuracy > 0.6);
      const wanted = (await ok(t, `predict ${model} ${data} --part=train --quiet`)).stdout;
      for (const source of ['train', 'train.gz', 'train --buffer=20KB']) {
        const found = await figures(source);
        assert.equal(found[0], accuracy, source);
        assert.ok(Math.abs(found[1] / loss - 1) < 1e-9, source);
        assert.equal((await ok(t, `predict ${model} ${source} --quiet`)).stdout, wanted);
      }
      assert.equal((await ok(t, `predict ${model} new.txt --quiet`)).stdout, wanted);
    }
  });

  test('features that the model does not have are left out, with a warning', async (t) => {
    const { stdout, stderr } = await ok(t, 'predict model more --out=-');
    assert.equal(stdout.trim().split('\n').length, 4);
    assert.match(stderr, /more: 2 values of features beyond the 40 of the model left out/);
  });

  for (const [line, message] of [
    ['evaluate model new.txt', /^MLML_BAD_DATA: new.txt: line 1: label 0 is none of the classes -1, 2, 5\n$/],
    [
      'predict model zero',
      /^MLML_BAD_DATA: zero: line 5001: index 0 appears, but .* begin at 1; import the text first/,
    ],
    [
      'predict model train --labels=y.npy',
      /^MLML_USAGE: --labels: is not for LIBSVM text, and train holds such\n$/,
    ],
    ['predict model train --part=test', /^MLML_USAGE: --part: is not for LIBSVM text/],
    ['evaluate model train --buffer=2KB', /^MLML_BUDGET_TOO_SMALL: .*--buffer/],
  ] as const)
    test(`mlml ${line} is refused`, async (t) => {
      const { status, stderr } = await run(t, `${line} --quiet`);
      assert.equal(status, /USAGE|BUDGET/.test(message.source) ? 2 : 1, stderr);
      assert.match(stderr, message);
    });
});
