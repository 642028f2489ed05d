import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Random } from '../src/memory/random.js';
import { npyFile, npzFile } from './support/arrayFiles.js';
import { runCli } from './support/cli.js';
import { openOnnx } from './support/onnxSession.js';
import { root } from './support/root.js';

const data = process.env['MLML_DATA'];
/** Made by test/reference/severalOutputs.py. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/severalOutputs.json'), 'utf8'));
const near = (found: number, wanted: number, tolerance: number, what = '') =>
  assert.ok(Math.abs(found / wanted - 1) < tolerance, `${what}: ${found}, not ${wanted}`);

/** Commands in a folder of their own. */
function commands(name: string) {
  const cwd = mkdtempSync(join(tmpdir(), name));
  const run = (t: unknown, args: readonly string[]) => runCli(t as never, args, { cwd });
  const ok = async (t: unknown, ...args: string[]) => {
    const { status, stdout, stderr } = await run(t, args);
    assert.equal(status, 0, `${args}: ${stderr}`);
    return stdout;
  };
  const fails = async (t: unknown, message: RegExp, ...args: string[]) => {
    const { status, stderr } = await run(t, args);
    assert.notEqual(status, 0, `${args}`);
    assert.match(stderr, message);
  };
  return { cwd, ok, fails, remove: () => rmSync(cwd, { recursive: true, force: true }) };
}

describe('two labels of houses, beside scikit-learn on the same rows', {
  skip: data === undefined && 'MLML_DATA is not set',
}, () => {
  const { cwd, ok, remove } = commands('mlml-houses-');
  before(async (t) => {
    const source = `${data}/housing/housing.csv`;
    const label = `--label=${reference.labels}`;
    const { fingerprint, labelNames } = JSON.parse(
      await ok(t, 'import', source, label, '--out=housing', '--json'),
    );
    assert.equal(fingerprint, reference.fingerprint, 'the rows are not those of the reference figures');
    assert.deepEqual(labelNames, reference.labels);
  });
  after(remove);

  test('closed: the predictions of Ridge, and the figures of its metrics', async (t) => {
    await ok(t, 'closed', 'housing', '--reg=1', '--out=closed');
    const { ridge } = reference;
    const lines = (await ok(t, 'predict', 'closed', 'housing')).split('\n');
    assert.equal(lines[0], 'row,prediction_median_house_value,prediction_median_income');
    for (const [i, wanted] of ridge.firstPredictions.entries())
      for (const [c, value] of lines[i + 1]!.split(',').slice(1).entries())
        near(Number(value), wanted[c], 1e-6, `row ${i}`);
    const report = JSON.parse(await ok(t, 'evaluate', 'closed', 'housing', '--json'));
    for (const [c, output] of report.outputs.entries())
      for (const figure of ['rmse', 'mae', 'r2']) near(output[figure], ridge[figure][c], 1e-6, figure);
    near(report.r2, ridge.meanR2, 1e-6);
    const table = JSON.parse(await ok(t, 'evaluate', 'closed', `${data}/housing/housing.csv`, '--json'));
    assert.deepEqual([table.rows, table.outputs.length], [20640, 2]);
  });

  for (const [line, name] of [
    ['ssgd housing --loss=ridge --reg=1 --epochs=10', 'ridge'],
    [
      `krr housing --kernel=rbf --sigma=5 --reg=0.01 --subset=${reference.kernelRows} --sample=first --buffer=60`,
      'kernelRidge',
    ],
  ] as const)
    test(`mlml ${line}: the errors of scikit-learn`, async (t) => {
      const { outputs } = JSON.parse(await ok(t, ...line.split(' '), '--json')).test;
      for (const [c, { rmse }] of outputs.entries())
        near(rmse, reference[name].rmse[c], 0.01, reference.labels[c]);
    });
  assert.ok(cwd !== '');
});

const [N, D] = [240, 3];
const random = Random.of(5);
const X = Array.from({ length: N * D }, () => Math.fround(random.normal()));
const targets = Array.from({ length: N }, (_, i) => {
  const [a, b, c] = X.slice(i * D, (i + 1) * D) as [number, number, number];
  return [2 * a - b + 0.1 * random.normal(), 100 * b + 50 * c + random.normal()].map(Math.fround);
});

describe('several outputs, from files to other programs', () => {
  const { cwd, ok, fails, remove } = commands('mlml-outputs-');
  before(async (t) => {
    const row = (i: number) => [...X.slice(i * D, (i + 1) * D), ...targets[i]!];
    const lines = Array.from({ length: N }, (_, i) => row(i).join(','));
    writeFileSync(join(cwd, 'table.csv'), ['x1,x2,x3,gain,"loss, net"', ...lines, ''].join('\n'));
    writeFileSync(join(cwd, 'gain.csv'), 'x1,x2,x3,gain\n1,2,3,4\n');
    const named = lines.map((line) => {
      const [x1, x2, x3, gain, loss] = line.split(',').map(Number);
      return JSON.stringify({ x1, x2, x3, gain, 'loss, net': loss });
    });
    writeFileSync(join(cwd, 'table.jsonl'), `${named.join('\n')}\n`);
    const x = npyFile('<f4', [N, D], X);
    const flat = targets.flat();
    const y = npyFile('<f4', [N, 2], flat);
    const columns = npyFile('<f4', [N, 2], flat, { fortranOrder: true });
    const gaps = npyFile('<f4', [N, 2], [...flat.slice(0, 5), Number.NaN, ...flat.slice(6)]);
    for (const [name, bytes] of Object.entries({
      'x.npy': x,
      'y.npy': y,
      'columns.npy': columns,
      'gaps.npy': gaps,
      'one.npy': npyFile('<f4', [N], flat.slice(0, N)),
      'short.npy': npyFile('<f4', [N - 1, 2], flat.slice(2)),
      'set.npz': npzFile({ X: x, Y: columns }, { deflated: true }),
    }))
      writeFileSync(join(cwd, name), bytes);
    await ok(t, 'import', 'table.csv', '--label=gain,"loss, net"', '--percentage=0.75', '--out=set');
    await ok(t, 'closed', 'set', '--out=linear');
    await ok(t, 'krr', 'set', '--kernel=rbf', '--sigma=3', '--reg=0.01', '--copy-rows', '--out=kernel');
    await ok(t, 'import', 'x.npy', '--labels=y.npy', '--percentage=1', '--out=arrays');
    await ok(t, 'closed', 'arrays', '--out=ofArrays');
  });
  after(remove);
  const bytesOf = (path: string) => readFileSync(join(cwd, path));

  test('tables of other formats and arrays in either order make the same rows', async (t) => {
    const { labelNames } = JSON.parse(bytesOf('set/dataset.json').toString());
    assert.deepEqual(labelNames, ['gain', 'loss, net']);
    const json = ['import', 'table.jsonl', '--label="loss, net",gain', '--percentage=0.75', '--out=json'];
    await ok(t, ...json);
    const [rows, swapped] = ['set', 'json'].map((set) => {
      const { buffer, byteOffset, byteLength } = bytesOf(`${set}/train.rows`);
      return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    });
    for (let at = 0; at < rows!.length; at += D + 2)
      assert.deepEqual([rows![at + D], rows![at + D + 1]], [swapped![at + D + 1], swapped![at + D]]);
    for (const [source, labels] of [
      ['x.npy', '--labels=columns.npy'],
      ['set.npz', '--seed=0'],
    ] as const) {
      const out = `as-${source}-${labels.slice(2, 6)}`;
      await ok(t, 'import', source, labels, '--percentage=1', `--out=${out}`);
      assert.ok(bytesOf(`${out}/train.rows`).equals(bytesOf('arrays/train.rows')), source);
    }
    const description = JSON.parse(bytesOf('arrays/dataset.json').toString());
    assert.deepEqual([description.k, description.labelNames], [2, ['y0', 'y1']]);
    await ok(t, 'import', 'x.npy', '--labels=gaps.npy', '--on-nan=skip', '--percentage=1', '--out=skipped');
    assert.equal(JSON.parse(bytesOf('skipped/dataset.json').toString()).parts.train.n, N - 1);
  });

  test('what several labels cannot be is refused', async (t) => {
    await fails(
      t,
      /gaps.npy: byte \d+, row 2: the label 1: NaN is not a finite number/,
      'import',
      'x.npy',
      '--labels=gaps.npy',
      '--out=no',
    );
    await fails(
      t,
      /short.npy: has the shape \(239, 2\); labels are one number for each row of x.npy/,
      'import',
      'x.npy',
      '--labels=short.npy',
      '--out=no',
    );
    await fails(
      t,
      /--task=classification: y.npy has 2 numbers in a row, and a class is one/,
      'import',
      'x.npy',
      '--labels=y.npy',
      '--task=classification',
      '--out=no',
    );
    await fails(
      t,
      /one.npy: has 1 labels in a row, y.npy has 2/,
      'import',
      'x.npy',
      '--labels=y.npy',
      '--test-file=x.npy',
      '--test-labels=one.npy',
      '--out=no',
    );
    await fails(t, /--loss=softmax/, 'ssgd', 'set', '--loss=softmax');
    await fails(t, /MLML_MISMATCH: x: label 0 is "y0", not "gain"/, 'evaluate', 'linear', 'arrays');
    await fails(
      t,
      /has no column "loss, net", one of the 2 labels; mlml predict does without/,
      'evaluate',
      'linear',
      'gain.csv',
    );
    await fails(
      t,
      /MLML_MISMATCH: one.npy: has one label in a row, the model predicts 2/,
      'evaluate',
      'ofArrays',
      'x.npy',
      '--labels=one.npy',
    );
    await fails(t, /probabilities are of classes/, 'predict', 'linear', 'set', '--proba');
    writeFileSync(join(cwd, 'rows.svm'), '1 1:2 2:1 3:1\n0.5 1:1\n');
    const text = ['evaluate', 'ofArrays', 'rows.svm'];
    await fails(t, /rows.svm: rows of LIBSVM text have one label, the model predicts 2/, ...text);
    await fails(t, /calibrate|probabilities|classification/, 'calibrate', 'linear', 'set');
  });

  test('arrays are evaluated output by output by the model of their rows', async (t) => {
    const wanted = JSON.parse(await ok(t, 'evaluate', 'ofArrays', 'arrays', '--part=train', '--json'));
    for (const labels of ['y.npy', 'columns.npy']) {
      const line = ['evaluate', 'ofArrays', 'x.npy', `--labels=${labels}`, '--json'];
      const found = JSON.parse(await ok(t, ...line));
      for (const [c, output] of found.outputs.entries())
        for (const figure of ['rmse', 'mae', 'r2']) near(output[figure], wanted.outputs[c][figure], 1e-9);
    }
    const predictions = await ok(t, 'predict', 'ofArrays', 'x.npy');
    assert.equal(predictions, await ok(t, 'predict', 'ofArrays', 'arrays', '--part=train'));
  });

  test('info names the outputs of data sets, models and results', async (t) => {
    assert.match(
      await ok(t, 'info', 'set'),
      /regression, 2 outputs: gain, loss, net\n.*\n.*2 labels float32/,
    );
    assert.match(await ok(t, 'info', 'linear/model'), /outputs +gain, loss, net/);
    assert.match(await ok(t, 'info', 'linear'), /rmse .*, r2 .* \(means over 2 outputs\)/);
  });

  for (const model of ['linear', 'kernel'])
    test(`the ${model} model as ONNX, JavaScript, JSON and NumPy predicts what mlml does`, async (t) => {
      await ok(t, 'predict', model, 'table.csv', '--out=p.csv');
      const wanted = bytesOf('p.csv').toString().trim().split('\n').slice(1);
      const values = wanted.map((line) => line.split(',').slice(1).map(Number));
      const close = (found: ArrayLike<number>, i: number) => {
        for (let c = 0; c < 2; c++)
          assert.ok(Math.abs(found[c]! - values[i]![c]!) < 1e-4 * (c === 0 ? 1 : 100), `row ${i}`);
      };
      await ok(t, 'export', model, '--onnx', `--out=${model}.onnx`);
      const session = await openOnnx(bytesOf(`${model}.onnx`));
      const column = (j: number) => Float64Array.from({ length: N }, (_, i) => X[i * D + j]!);
      const feeds = Object.fromEntries(session.inputs.map((name, j) => [name, { numbers: column(j), d: 1 }]));
      const { value } = await session.run(feeds);
      assert.deepEqual(value!.shape, [N, 2]);
      for (let i = 0; i < N; i++) close(value!.values.slice(2 * i, 2 * i + 2) as number[], i);
      await ok(t, 'export', model, '--js', `--out=${model}.mjs`);
      const script = await import(pathToFileURL(join(cwd, `${model}.mjs`)).href);
      assert.deepEqual(script.outputs, ['gain', 'loss, net']);
      for (let i = 0; i < N; i += 40)
        close(script.predict({ x1: X[i * D], x2: X[i * D + 1], x3: X[i * D + 2] }), i);
      await ok(t, 'export', model, '--json', `--out=${model}.json`);
      const json = JSON.parse(bytesOf(`${model}.json`).toString());
      assert.deepEqual([json.k, json.labelNames], [2, ['gain', 'loss, net']]);
      assert.equal((json.weights ?? json.coefficients[0]).length, 2);
      await ok(t, 'export', model, '--npz', `--out=${model}.npz`);
      assert.ok(bytesOf(`${model}.npz`).includes('labels.npy'));
      assert.match(bytesOf(`${model}.d.mts`).toString(), /predict\(row: Row\): Float64Array/);
    });
});
