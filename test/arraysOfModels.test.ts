import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Random } from '../src/memory/random.js';
import { npyFile, npzFile } from './support/arrayFiles.js';
import { runCli } from './support/cli.js';

const [N, D] = [120, 4];
const random = Random.of(3);
const X = Array.from({ length: N * D }, () => random.normal());
const sums = Array.from({ length: N }, (_, i) => X[i * D]! + X[i * D + 1]! - X[i * D + 3]!);
/** Classes that are not their numbers. */
const y = sums.map((sum) => (sum < -0.5 ? 7 : sum < 1 ? 8 : 11));
const joined = y.flatMap((label, i) => [label, ...X.slice(i * D, (i + 1) * D)]);

describe('models and arrays', () => {
  let cwd = '';
  const run = (t: unknown, line: string) => runCli(t as never, line.split(' '), { cwd });
  const ok = async (t: unknown, line: string) => {
    const { status, stdout, stderr } = await run(t, line);
    assert.equal(status, 0, `${line}: ${stderr}`);
    return stdout;
  };
  before(async (t) => {
    cwd = mkdtempSync(join(tmpdir(), 'mlml-arrays-'));
    const x = npyFile('<f8', [N, D], X);
    const columns = npyFile('<f8', [N, D], X, { fortranOrder: true });
    const labels = npyFile('<i8', [N], y);
    const wrong = npyFile(
      '<i8',
      [N],
      y.map((label) => label + 1),
    );
    for (const [name, bytes] of [
      ['joined.npy', npyFile('<f8', [N, D + 1], joined)],
      ['x.npy', x],
      ['columns.npy', columns],
      ['y.npy', labels],
      ['wrong.npy', wrong],
      ['nan.npy', npyFile('<f8', [2, D], [1, 2, 3, 4, 5, Number.NaN, 7, 8])],
      [
        'parts.npz',
        npzFile(
          {
            X_train: npyFile('<f8', [1, D], [1, 2, 3, 4]),
            y_train: npyFile('<i8', [1], [7]),
            X_test: x,
            y_test: labels,
          },
          {},
        ),
      ],
      ['packed.npz', npzFile({ X: columns, target: labels }, { deflated: true })],
    ] as const)
      writeFileSync(join(cwd, name), bytes);
    await ok(t, 'import joined.npy --label-column=0 --percentage=1 --out=set --quiet');
    await ok(t, 'gd set --loss=softmax --iters=300 --out=model --quiet');
    await ok(t, 'krr set --sigma=2 --reg=0.1 --out=kernel --quiet');
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  for (const model of ['model', 'kernel'])
    test(`${model}: figures and predictions are those of the data set, however arrays lie`, async (t) => {
      const figures = async (source: string) => {
        const { accuracy, loss, rows } = JSON.parse(
          await ok(t, `evaluate ${model} ${source} --json --quiet`),
        );
        return { accuracy, loss, rows };
      };
      const wanted = await figures('set --part=train');
      assert.ok(wanted.accuracy > 0.9);
      const predictions = await ok(t, `predict ${model} set --part=train --quiet`);
      assert.match(predictions, /^row,class,name\n0,[012],(7|8|11)\n/);
      for (const source of [
        'joined.npy --label-column=0',
        'x.npy --labels=y.npy',
        'columns.npy --labels=y.npy',
        'parts.npz',
        'parts.npz --features=X_test --labels=y.npy',
        'packed.npz',
      ]) {
        const found = await figures(source);
        assert.deepEqual([found.rows, found.accuracy], [N, wanted.accuracy], source);
        assert.ok(Math.abs(found.loss / wanted.loss - 1) < 1e-6, source);
        assert.equal(await ok(t, `predict ${model} ${source} --quiet`), predictions);
      }
      assert.equal(await ok(t, `predict ${model} x.npy --quiet`), predictions);
    });

  test('probabilities fitted on arrays are kept with a model that is otherwise as it was', async (t) => {
    await ok(t, 'calibrate kernel x.npy --labels=y.npy --out=from-arrays --quiet');
    await ok(t, 'calibrate kernel set --part=train --out=from-data --quiet');
    const { calibration, ...rest } = JSON.parse(readFileSync(join(cwd, 'from-arrays/model.json'), 'utf8'));
    const { calibration: _, ...wanted } = JSON.parse(readFileSync(join(cwd, 'from-data/model.json'), 'utf8'));
    for (const field of ['columns', 'classNames', 'n', 'd']) assert.deepEqual(rest[field], wanted[field]);
    assert.equal(calibration.rows, N);
  });

  for (const [line, code, message] of [
    ['predict model y.npy', 'MLML_BAD_DATA', /y.npy: has 1 numbers in a row, the model takes 4 features/],
    ['evaluate model x.npy', 'MLML_USAGE', /x.npy: there are no labels; give them with --labels/],
    [
      'evaluate model x.npy --labels=wrong.npy',
      'MLML_BAD_DATA',
      /row 0, column label: the label is "\d+", none of the classes 7, 8, 11/,
    ],
    ['evaluate model x.npy --labels=nan.npy', 'MLML_BAD_FILE', /nan.npy: has the shape/],
    ['predict model nan.npy', 'MLML_BAD_DATA', /nan.npy: row 1/],
    ['predict model x.npy --part=test', 'MLML_USAGE', /--part: is not for arrays/],
    [
      'predict model set --part=train --labels=y.npy',
      'MLML_USAGE',
      /--labels: is for arrays, and set is none/,
    ],
    ['evaluate model rows.csv --label-column=0', 'MLML_USAGE', /--label-column: is for arrays/],
    ['predict model parts.npz --features=X_tets', 'MLML_USAGE', /did you mean X_test/],
    ['predict model joined.npy --label-column=9', 'MLML_USAGE', /has columns 0 to 4/],
  ] as const)
    test(`mlml ${line} is refused`, async (t) => {
      const { status, stderr } = await run(t, `${line} --quiet`);
      assert.equal(status, code === 'MLML_USAGE' ? 2 : 1);
      assert.equal(stderr.startsWith(`${code}: `), true, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
});
